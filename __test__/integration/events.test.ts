import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, type Grid, QUICK, until } from '../support/grid';

/** The lines of a record with one prefix sorted and brought to the front: where the order among them is free. */
function sortRuns(record: readonly string[]): string[] {
  const runs: string[][] = [];

  for (const line of record) {
    const name = line.split('(')[0]!;
    const run = runs.at(-1);

    if (run?.[0]?.startsWith(`${name}(`)) run.push(line);
    else runs.push([line]);
  }

  return runs.flatMap((run) => run.sort());
}

const others = (grid: Grid, peer: Hamok) => grid.peers.filter((other) => other !== peer);
const joined = (peers: readonly Hamok[]) => peers.map(({ localPeerId }) => `remote-peer-joined(${localPeerId})`);
const left = (peers: readonly Hamok[]) => peers.map(({ localPeerId }) => `remote-peer-left(${localPeerId})`);
const won = (id: string) => [
  'state-changed(candidate,follower)',
  'candidate',
  `leader-changed(${id},0)`,
  'state-changed(leader,candidate)',
  'leader',
  'joined',
];

/** Joins all, and notes each promise in its peer's record. */
async function joinAll(grid: Grid): Promise<void> {
  await Promise.all(grid.peers.map((peer) => peer.join().then(() => grid.note(peer, 'promise'))));
  await grid.settled();
}

/** A joined grid with empty records. */
async function joinedGrid(count: number, delayMs = 0): Promise<{ grid: Grid; leader: Hamok; id: string }> {
  const grid = createGrid(count, QUICK);
  grid.link.delayMs = delayMs;
  await grid.join();
  grid.clearRecords();

  return { grid, leader: grid.leader, id: grid.leader.localPeerId };
}

async function recorded(grid: Grid, peer: Hamok, line: string): Promise<void> {
  await until(
    () => grid.recordOf(peer).includes(line),
    () => `${peer.localPeerId} emits ${line}\n${grid.report()}`,
  );
}

describe('join', () => {
  it('a peer becomes a follower inside the call', () => {
    const grid = createGrid(1);
    const peer = grid.peers[0]!;

    peer.join().catch(() => {});
    expect(grid.recordOf(peer)).toEqual(['state-changed(follower,empty)', 'follower']);
    expect(peer.run).toBe(true);
    expect(peer.state).toBe('follower');
  });

  it.each([2, 3, 5])('%i peers: the winner and the others emit what the table says, in order', async (count) => {
    const grid = createGrid(count);
    await joinAll(grid);
    const id = grid.leader.localPeerId;

    for (const peer of grid.peers) {
      const end = peer.leader ? won(id) : [`leader-changed(${id},0)`, 'joined'];

      expect(sortRuns(grid.recordOf(peer)), peer.localPeerId).toEqual([
        'state-changed(follower,empty)',
        'follower',
        ...joined(others(grid, peer)),
        ...end,
        'promise',
      ]);
    }
  });

  it('a third that joins later emits as the others did, and the old peers only that it joined', async () => {
    const { grid, id } = await joinedGrid(2);
    const late = grid.add();

    await late.join().then(() => grid.note(late, 'promise'));
    await grid.settled();
    expect(sortRuns(grid.recordOf(late))).toEqual([
      'state-changed(follower,empty)',
      'follower',
      ...joined(others(grid, late)),
      `leader-changed(${id},0)`,
      'joined',
      'promise',
    ]);
    for (const peer of others(grid, late)) expect(grid.recordOf(peer)).toEqual(joined([late]));
  });
});

describe('leave', () => {
  it.each(['follower', 'leader'])('the leaver, a %s, emits what the table says', async (role) => {
    const { grid, leader, id } = await joinedGrid(3);
    const leaver = role === 'leader' ? leader : grid.followers[0]!;

    await leaver.leave().then(() => grid.note(leaver, 'promise'));
    expect(sortRuns(grid.recordOf(leaver))).toEqual([
      `leader-changed(0,${id})`,
      `state-changed(empty,${role})`,
      ...left(others(grid, leaver)),
      'left',
      'promise',
    ]);

    const { length } = grid.recordOf(leaver);
    await grid.settled();
    expect(grid.recordOf(leaver), 'a peer that has left is silent').toHaveLength(length);
  });

  it('the others emit that a follower left, and nothing else', async () => {
    const { grid } = await joinedGrid(3);
    const leaver = grid.followers[0]!;

    await leaver.leave();
    for (const peer of others(grid, leaver)) await recorded(grid, peer, left([leaver])[0]!);
    for (const peer of others(grid, leaver)) expect(grid.recordOf(peer)).toEqual(left([leaver]));
  });

  it.each(['leave', 'close'] as const)('the survivors of a leader that %ss elect another', async (way) => {
    const { grid, leader, id } = await joinedGrid(3);

    await leader[way]();
    await grid.settled();
    for (const peer of others(grid, leader)) {
      await recorded(grid, peer, left([leader])[0]!);
      await recorded(grid, peer, 'joined');
    }
    expectSuccession(grid, leader, id);
  });

  it('of two peers, the leader that is left alone emits what the table says', async () => {
    const { grid, leader, id } = await joinedGrid(2);
    const follower = grid.followers[0]!;

    await follower.leave();
    await recorded(grid, leader, 'follower');
    expect(grid.recordOf(leader)).toEqual([
      ...left([follower]),
      'rejoining',
      `leader-changed(0,${id})`,
      'state-changed(follower,leader)',
      'follower',
    ]);
  });
});

describe('silence', () => {
  it('a silent follower: the leader misses its heartbeat, the others emit that it left', async () => {
    const { grid, leader } = await joinedGrid(3);
    const [silent, other] = grid.followers;

    grid.cut(silent!);
    for (const peer of [leader, other!]) await recorded(grid, peer, left([silent!])[0]!);
    expect(grid.recordOf(leader)).toEqual([`no-heartbeat-from(${silent!.localPeerId})`, ...left([silent!])]);
    expect(grid.recordOf(other!)).toEqual(left([silent!]));
  });

  it('a peer that is cut off loses everybody, and comes back by itself when it is heard again', async () => {
    const { grid, leader, id } = await joinedGrid(3);
    const away = grid.followers[0]!;

    grid.cut(away);
    await recorded(grid, away, `leader-changed(0,${id})`);
    for (const peer of others(grid, away)) await recorded(grid, peer, left([away])[0]!);
    expect(sortRuns(grid.recordOf(away))).toEqual([
      ...left(others(grid, away)),
      'rejoining',
      `leader-changed(0,${id})`,
    ]);

    grid.clearRecords();
    grid.heal(away);
    await recorded(grid, away, 'joined');
    await grid.settled();
    expect(sortRuns(grid.recordOf(away))).toEqual([...joined(others(grid, away)), `leader-changed(${id},0)`, 'joined']);
    for (const peer of others(grid, away)) expect(grid.recordOf(peer)).toEqual(joined([away]));
    expect(leader.leader).toBe(true);
  });

  it('the survivors of a silent leader elect another, and report nobody else as left', async () => {
    const { grid, leader, id } = await joinedGrid(3);

    grid.cut(leader);
    await grid.settled();
    for (const peer of others(grid, leader)) {
      await recorded(grid, peer, left([leader])[0]!);
      await recorded(grid, peer, 'joined');
    }
    expectSuccession(grid, leader, id);
  });

  it.each([0, 60])('a leader whose last remote peer is gone is a follower again, with %i ms a hop', async (delayMs) => {
    const { grid, leader, id } = await joinedGrid(2, delayMs);
    const follower = grid.followers[0]!;

    grid.cut(follower);
    await recorded(grid, leader, 'follower');
    await recorded(grid, leader, left([follower])[0]!);
    expect(grid.recordOf(leader)).toEqual([
      `no-heartbeat-from(${follower.localPeerId})`,
      ...left([follower]),
      'rejoining',
      `leader-changed(0,${id})`,
      'state-changed(follower,leader)',
      'follower',
    ]);

    grid.clearRecords();
    grid.heal(follower);
    await grid.settled();
  });
});

describe('close', () => {
  it('emits everything inside the call, in order, then has no listeners any more', async () => {
    const { grid, id } = await joinedGrid(3);
    const peer = grid.followers[0]!;
    const map = peer.createMap({ mapId: 'map' });
    await map.ready;
    grid.record(peer, map.connection, 'close', 'connection-close');
    grid.record(peer, map, 'close', 'map-close');

    peer.close();
    const record = [...grid.recordOf(peer)];
    expect(sortRuns(record)).toEqual([
      `leader-changed(0,${id})`,
      'state-changed(empty,follower)',
      ...left(others(grid, peer)),
      'connection-close',
      'map-close',
      'close',
    ]);
    expect(peer.eventNames()).toEqual([]);
    expect(map.eventNames()).toEqual([]);

    for (const other of others(grid, peer)) await recorded(grid, other, left([peer])[0]!);
    for (const other of others(grid, peer)) expect(grid.recordOf(other)).toEqual(left([peer]));
    expect(grid.recordOf(peer)).toEqual(record);
  });

  it('of a peer that does not run emits only close', () => {
    const grid = createGrid(1);

    grid.peers[0]!.close();
    expect(grid.recordOf(grid.peers[0]!)).toEqual(['close']);
  });
});

describe('a mutation on its caller', () => {
  it.each(['leader', 'follower'])('emits events, then commit, then settles the promise: %s', async (role) => {
    const { grid, leader } = await joinedGrid(3);
    const peer = role === 'leader' ? leader : grid.followers[0]!;
    const map = peer.createMap<string, number>({ mapId: 'map' });
    await map.set('old', 0);
    for (const event of ['insert', 'update', 'remove', 'clear']) grid.record(peer, map, event);
    peer.on('commit', (_index, { storageId }) => grid.note(peer, `commit(${storageId})`));
    const promise = () => grid.note(peer, 'promise');
    const expected: string[] = [];
    const check = (...lines: string[]) => {
      expected.push(...lines, 'commit(map)', 'promise');
      expect(grid.recordOf(peer)).toEqual(expected);
    };

    await map.set('a', 1).then(promise);
    check('insert(a,1)');
    await map.set('a', 2).then(promise);
    check('update(a,1,2)');
    const batch = new Map([
      ['old', 1],
      ['b', 1],
      ['a', 3],
      ['c', 1],
    ]);
    await map.setAll(batch).then(promise);
    check('insert(b,1)', 'insert(c,1)', 'update(old,0,1)', 'update(a,2,3)');
    await map.updateIf('a', 4, 3).then(promise);
    check('update(a,3,4)');
    await map.remove('a').then(promise);
    check('remove(a,4)');
    await map.delete('b').then(promise);
    check('remove(b,1)');
    await map.insert('d', 1).then(promise);
    check('insert(d,1)');
    await map.clear().then(promise);
    check('clear');
  });

  it('a listener already reads what the event tells, and the whole batch of it', async () => {
    const { grid, leader } = await joinedGrid(2);
    const map = leader.createMap<string, number>({ mapId: 'map' });
    const seen: unknown[] = [];
    map.on('insert', (key: string) => seen.push([key, map.get(key), map.size]));

    await map.setAll(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
    expect(seen).toEqual([
      ['a', 1, 2],
      ['b', 2, 2],
    ]);
    grid.close();
  });

  it('a listener that throws stops neither the other listeners nor the operation', async () => {
    const { leader } = await joinedGrid(2);
    const map = leader.createMap<string, number>({ mapId: 'map' });
    const thrown: unknown[] = [];
    const before = process.rawListeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error.message));
    let heard = 0;
    map.on('insert', () => {
      throw new Error('a listener failed');
    });
    map.on('insert', () => heard++);

    try {
      await map.set('a', 1);
      expect(heard).toBe(1);
      await until(() => thrown.length > 0, 'the error is thrown on a later tick');
      expect(thrown).toEqual(['a listener failed']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener as never);
    }
  });
});

describe('commit', () => {
  it('tells every peer of every operation, with index, storage, source, keys and values', async () => {
    const { grid, leader } = await joinedGrid(3);
    const maps = new Map(grid.peers.map((peer) => [peer, peer.createMap<string, number>({ mapId: 'map' })]));
    await Promise.all([...maps.values()].map(({ ready }) => ready));
    const commits = new Map(grid.peers.map((peer) => [peer, [] as unknown[]]));
    const indexes = new Map(grid.peers.map((peer) => [peer, [] as number[]]));
    const decode = (items: Uint8Array[]) => items.map((item) => JSON.parse(Buffer.from(item).toString()));
    for (const peer of grid.peers) {
      peer.on('commit', (index, message) => {
        indexes.get(peer)!.push(index);
        commits.get(peer)!.push({
          storageId: message.storageId,
          sourceId: message.sourceId,
          hasType: typeof message.type === 'number',
          keys: decode(message.keys),
          values: decode(message.values),
        });
      });
    }
    const writer = grid.followers[0]!;

    await maps.get(writer)!.set('a', 1);
    await maps.get(leader)!.setAll(
      new Map([
        ['a', 2],
        ['b', 3],
      ]),
    );
    await maps.get(writer)!.delete('b');
    await until(() => [...commits.values()].every(({ length }) => length === 3), 'all peers have told of all commits');

    const common = { storageId: 'map', hasType: true };
    for (const peer of grid.peers) {
      expect(commits.get(peer)).toEqual([
        { ...common, sourceId: writer.localPeerId, keys: ['a'], values: [1] },
        { ...common, sourceId: leader.localPeerId, keys: ['a', 'b'], values: [2, 3] },
        { ...common, sourceId: writer.localPeerId, keys: ['b'], values: [] },
      ]);
      const its = indexes.get(peer)!;
      expect(its).toEqual(indexes.get(leader));
      expect(its).toEqual([...its].sort((x, y) => x - y));
      expect(new Set(its).size).toBe(3);
      expect(peer.raft.logs.commitIndex).toBeGreaterThanOrEqual(its[2]!);
    }
  });
});

describe('heartbeat', () => {
  it('comes every heartbeatInMs on every peer that runs, and on no other', async () => {
    const grid = createGrid(3, { heartbeatInMs: 50 });
    const beats = new Map(grid.peers.map((peer) => [peer, 0]));
    for (const peer of grid.peers) peer.on('heartbeat', () => beats.set(peer, beats.get(peer)! + 1));

    await grid.join();
    const leaver = grid.followers[0]!;
    const start = performance.now();
    const before = new Map(beats);
    await until(() => grid.peers.every((peer) => beats.get(peer)! >= before.get(peer)! + 10), 'ten beats each');
    expect(performance.now() - start).toBeGreaterThan(400);
    expect(performance.now() - start).toBeLessThan(1500);

    await leaver.leave();
    const last = beats.get(leaver);
    const leaderBeats = beats.get(grid.leader)!;
    await until(() => beats.get(grid.leader)! >= leaderBeats + 5, 'the others beat on');
    expect(beats.get(leaver)).toBe(last);
  });
});

/** A survivor that another one overtook. */
const LOST_ELECTION = [
  'state-changed(candidate,follower)',
  'candidate',
  'state-changed(follower,candidate)',
  'follower',
];

/** What survivors emit when the leader is gone: one of them wins, and nobody else is reported as left. */
function expectSuccession(grid: Grid, leader: Hamok, id: string): void {
  const survivors = others(grid, leader);
  const next = survivors.find((peer) => peer.leader)!;

  for (const peer of survivors) {
    const record = grid.recordOf(peer);
    const end = peer === next ? won(next.localPeerId) : [`leader-changed(${next.localPeerId},0)`, 'joined'];
    // The new leader may miss the old one's heartbeats before it is gone.
    const free = [left([leader])[0], ...(peer === next ? [`no-heartbeat-from(${id})`] : [])];
    const ordered = record.filter((line) => !free.includes(line));

    if (peer !== next && ordered[2] === LOST_ELECTION[0]) {
      expect(ordered.splice(2, LOST_ELECTION.length)).toEqual(LOST_ELECTION);
    }
    expect(ordered, grid.report()).toEqual(['rejoining', `leader-changed(0,${id})`, ...end]);
    expect(record.filter((line) => line === left([leader])[0])).toHaveLength(1);
  }
}
