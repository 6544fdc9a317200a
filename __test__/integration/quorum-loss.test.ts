/** What becomes of a grid that has lost its majority, and of grids that meet. The rules are in docs/membership.md. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Hamok, HamokMap, HamokQueue } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, type Grid, QUICK, until } from '../support/grid';
import { cost } from '../support/processor-time';

const EVENTS = ['quorum-lost', 'quorum-restored', 'reformed', 'grid-merged'] as const;

/** Three peers of which each has the map and knows `kept`. */
async function three(config = {}): Promise<{ grid: Grid; maps: HamokMap<string, number>[] }> {
  const grid = createGrid(3, { ...QUICK, ...config });
  for (const peer of grid.peers) for (const event of EVENTS) grid.record(peer, peer, event);
  await grid.join();
  const maps = grid.peers.map((peer) => peer.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 30_000 }));
  await maps[0]!.set('kept', 1);
  await until(() => maps.every((map) => map.get('kept') === 1), 'everybody has the entry');

  return { grid, maps };
}

function newcomer(grid: Grid): { peer: Hamok; map: HamokMap<string, number> } {
  const peer = grid.add();
  for (const event of EVENTS) grid.record(peer, peer, event);

  return { peer, map: peer.createMap<string, number>({ mapId: 'map' }) };
}

const said = (grid: Grid, peer: Hamok, event: string) =>
  grid.recordOf(peer).filter((line) => line === event || line.startsWith(`${event}(`));

describe('two of three peers are gone', () => {
  it('the third goes on with a newcomer, tells who is missing, and loses nothing', async () => {
    const { grid } = await three();
    const [a, b, c] = grid.peers as [Hamok, Hamok, Hamok];
    const reforms: unknown[] = [];
    c.on('reformed', (reform) => reforms.push(reform));
    grid.cut(a);
    grid.cut(b);
    await until(() => said(grid, c, 'quorum-lost').length === 1, 'the third notices');

    const { peer: d, map } = newcomer(grid);
    await d.join();
    await map.ready;
    expect(map.get('kept')).toBe(1);
    await map.set('after', 2);
    expect(reforms).toEqual([
      {
        gridId: expect.stringMatching(/^[0-9a-f]{16}$/),
        parentGridId: expect.stringMatching(/^[0-9a-f]{16}$/),
        epoch: 2,
        missingPeerIds: ['a', 'b'],
      },
    ]);
    // A newcomer was in no grid before.
    expect(said(grid, d, 'reformed')).toEqual([]);
    expect(said(grid, c, 'quorum-restored')).toEqual([]);

    // One after the other: together they would be the majority of the old grid, which outranks its reform.
    for (const back of [a, b]) {
      grid.heal(back);
      await until(() => said(grid, back, 'reformed').length === 1, 'who comes back hears of it too');
    }
    await grid.settled([a, b, c, d]);
  });

  it('with quorumLoss "wait" it waits for them', async () => {
    const { grid, maps } = await three({ quorumLoss: 'wait' });
    const [a, b, c] = grid.peers as [Hamok, Hamok, Hamok];
    const impatient = c.createMap<string, number>({ mapId: 'impatient', requestTimeoutInMs: 500 });
    await impatient.ready;
    grid.cut(a);
    grid.cut(b);
    await until(() => said(grid, c, 'quorum-lost').length === 1, 'the third notices');
    const late = maps[2]!.set('late', 1);
    expect((await ending(impatient.set('key', 1), 'a write')).error).toMatchObject({ code: 'NO_QUORUM' });

    grid.heal(a);
    grid.heal(b);
    await late;
    await until(
      () => said(grid, c, 'quorum-restored').length === 1,
      () => `it is told once that they are back: ${grid.recordOf(c)}`,
    );
    expect(said(grid, c, 'reformed')).toEqual([]);
  });

  it('while it waits it costs next to nothing', async () => {
    const { grid } = await three({ quorumLoss: 'wait' });
    const { leader, followers } = grid;
    for (const peer of followers) grid.cut(peer);
    await until(() => said(grid, leader, 'quorum-lost').length === 1, 'the leader notices');
    for (const peer of followers) peer.close();
    const { totalMs } = await cost(() => pause(2_000));
    expect(totalMs).toBeLessThan(500);
  });

  it('with quorumLoss "wait" an operator may go on', async () => {
    const { grid } = await three({ quorumLoss: 'wait' });
    const [a, b, c] = grid.peers as [Hamok, Hamok, Hamok];
    c.forceReform();
    grid.cut(a);
    grid.cut(b);
    await until(() => said(grid, c, 'quorum-lost').length === 1, 'the third notices');
    c.forceReform();
    const { peer: d, map } = newcomer(grid);
    await d.join();
    await map.ready;
    expect(map.get('kept')).toBe(1);
  });

  it('when they were closed and come back with nothing, it goes on at once', async () => {
    const { grid } = await three({ electionTimeoutInMs: 10_000 });
    const [a, b, c] = grid.peers as [Hamok, Hamok, Hamok];
    grid.cut(a);
    grid.cut(b);
    a.close();
    b.close();
    const again = ['a', 'b'].map((peerId) => grid.add({ peerId }));
    const maps = again.map((peer) => peer.createMap<string, number>({ mapId: 'map' }));
    const start = performance.now();
    await Promise.all(again.map((peer) => peer.join()));
    await grid.settled([c, ...again]);
    await Promise.all(maps.map(({ ready }) => ready));
    expect(maps.map((map) => map.get('kept'))).toEqual([1, 1]);
    expect(performance.now() - start).toBeLessThan(8_000);
    expect(said(grid, c, 'reformed')[0]).toContain('"missingPeerIds":["a","b"]');
  });
});

describe('two grids that meet', () => {
  it('become one that holds what both held', async () => {
    const grid = createGrid(2, { ...QUICK, minPeers: 1 });
    const [a, b] = grid.peers as [Hamok, Hamok];
    for (const peer of grid.peers) for (const event of EVENTS) grid.record(peer, peer, event);
    grid.cut(a);
    await Promise.all([a.join(), b.join()]);
    const maps = grid.peers.map((peer) => peer.createMap<string, string>({ mapId: 'map' }));
    const queues = grid.peers.map((peer) => peer.createQueue<string>({ queueId: 'queue' })) as HamokQueue<string>[];
    for (const [index, { localPeerId }] of grid.peers.entries()) {
      await maps[index]!.set(localPeerId, 'own');
      await maps[index]!.set('both', localPeerId);
      await queues[index]!.push(`${localPeerId}-1`, `${localPeerId}-2`);
    }

    grid.heal(a);
    await grid.settled();
    await until(() => maps.every(({ size }) => size === 3), 'both have what either had');
    await until(() => queues.every(({ size }) => size === 4), 'both have all items');
    const [winner] = [...queues[0]!];
    const [first, second] = winner === 'a-1' ? ['a', 'b'] : ['b', 'a'];
    for (const queue of queues) {
      expect([...queue]).toEqual([`${first}-1`, `${first}-2`, `${second}-1`, `${second}-2`]);
    }
    for (const map of maps) expect(Object.fromEntries(map)).toEqual({ a: 'own', b: 'own', both: first });
    for (const peer of grid.peers) {
      await until(() => said(grid, peer, 'grid-merged').length === 1, 'everybody is told');
    }
  });
});
