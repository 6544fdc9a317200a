/**
 * A rolling end: peers that leave one after the other, or all at once, disturb nobody more than they have to. In a large
 * grid, those that have no vote keep its state when all others have gone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Hamok, HamokMap } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, elapsedMs, type Grid, QUICK, until } from '../support/grid';

const random = createRandom('leaving.test.ts');

describe('three peers that leave at random moments', () => {
  for (const longestMs of [0, 10, 40, 100, 150, 150]) {
    it(`within ${longestMs} ms: each has left within a second, and nobody is told twice of anybody`, async () => {
      const grid = createGrid(3);
      await grid.join();
      const wrong: string[] = [];

      for (const peer of grid.peers) {
        const present = new Set(peer.remotePeerIds);

        peer.on('remote-peer-joined', (peerId) => wrong.push(`${peer.localPeerId}: ${peerId} joined`));
        peer.on('remote-peer-left', (peerId) => {
          if (!present.delete(peerId)) wrong.push(`${peer.localPeerId}: ${peerId} left again`);
        });
      }
      const leaving = grid.peers.map(async (peer) => {
        await pause(random.next() * longestMs);
        return elapsedMs(() => peer.leave());
      });

      for (const tookMs of await Promise.all(leaving)) expect(tookMs).toBeLessThan(1000);
      expect(wrong).toEqual([]);
    });
  }
});

describe('a grid of eight peers', () => {
  const CONTENT = new Map(Array.from({ length: 100 }, (_, number) => [`key-${number}`, number]));

  /** The eighth joins when the others are there: all seven votes are taken. */
  async function joinedOneByOne(): Promise<{ grid: Grid; maps: HamokMap<string, number>[]; eighth: Hamok }> {
    const grid = createGrid(7, QUICK);
    await grid.join();
    const eighth = grid.add();
    await eighth.join();
    await grid.settled();
    const maps = grid.peers.map((peer) => peer.createMap<string, number>({ mapId: 'map' }));
    await maps[0]!.setAll(CONTENT);
    await until(() => maps.every(({ size }) => size === CONTENT.size), 'everybody has everything');

    return { grid, maps, eighth };
  }

  it('has seven votes: four of the first seven go on without the other four', async () => {
    const { grid, maps, eighth } = await joinedOneByOne();
    const { leader } = grid;
    const lost = [eighth, ...grid.followers.filter((peer) => peer !== eighth).slice(0, 3)];

    for (const peer of lost) grid.cut(peer);
    await maps[grid.peers.indexOf(leader)]!.set('after', 1);
    expect(leader.leader).toBe(true);
    expect(grid.recordOf(leader)).not.toContain('rejoining');
  });

  it('leaves its state with the eighth when the seven voters close, for whoever comes next', async () => {
    const { grid, eighth } = await joinedOneByOne();

    for (const peer of grid.peers) if (peer !== eighth) peer.close();
    const newcomer = grid.add();
    const map = newcomer.createMap<string, number>({ mapId: 'map' });
    await newcomer.join();
    await map.ready;
    expect(new Map(map)).toEqual(CONTENT);
    await map.set('after', 1);
    await grid.settled();
    expect(grid.running).toEqual([eighth, newcomer]);
  });
});
