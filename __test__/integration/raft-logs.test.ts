/** `hamok.raft.logs`: each peer's copy of the log, over the real engine. */
import { Hamok, type HamokConfig, type HamokMap, HamokMessage, type LogEntry, MemoryStoredRaftLogs } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, type Grid, QUICK, until, useGrid } from '../support/grid';

const STORAGE_PROTOCOL = 3;
const RAFT_PROTOCOL = 2;
const INSERT = 52;
const UPDATE = 56;
const REMOVE = 44;
const CLEAR = 24;

/** An operation in a form that is easy to compare. */
type Operation = { type: number | undefined; sourceId?: string; keys: string[]; values: string[] };

/** What was told of an index. */
type Told = [event: string, index: number, message: HamokMessage];

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const logsOf = (peers: readonly Hamok[]) => peers.map((peer) => peer.raft.logs);

const operation = ({ type, sourceId, keys, values }: HamokMessage): Operation => ({
  type,
  sourceId,
  keys: keys.map(text),
  values: values.map(text),
});

/** The operations of an entry, whatever their number. */
function operationsOf({ entry }: LogEntry): HamokMessage[] {
  if (entry.protocol === RAFT_PROTOCOL) return [];

  return entry.embeddedMessages.length > 0 ? entry.embeddedMessages : [entry];
}

/** The operations on a collection in a peer's log, in order. */
function logged(peer: Hamok, storageId: string): Operation[] {
  return peer.raft.logs
    .collectEntries(0)
    .flatMap(operationsOf)
    .filter((message) => message.storageId === storageId)
    .map(operation);
}

let mapCount = 0;

/** A map on each of these peers, ready. */
async function createMaps(peers: readonly Hamok[]): Promise<HamokMap<string, unknown>[]> {
  const mapId = `map-${++mapCount}`;
  const maps = peers.map((peer) => peer.createMap<string, unknown>({ mapId }));

  await Promise.all(maps.map(({ ready }) => ready));

  return maps;
}

/** Waits until every peer has applied what any of them knows to be committed. */
async function caughtUp(peers: readonly Hamok[]): Promise<void> {
  const head = Math.max(...logsOf(peers).map(({ commitIndex }) => commitIndex));

  await Promise.all(peers.map((peer) => peer.waitUntilCommitHead()));
  await until(() => logsOf(peers).every(({ commitIndex }) => commitIndex >= head), 'every peer has what is committed');
}

/** Waits until the figures of a log are those of the entries that can be read from it. */
async function figuresFit(logs: MemoryStoredRaftLogs): Promise<void> {
  const figures = () => [logs.firstIndex, logs.nextIndex, logs.size];
  const ofEntries = () => {
    const entries = logs.collectEntries(0);
    const [first, last] = [entries[0]?.index ?? logs.nextIndex, entries.at(-1)?.index ?? logs.nextIndex - 1];

    return [first, last + 1, entries.length];
  };

  await until(
    () => `${figures()}` === `${ofEntries()}`,
    () => `the figures ${figures()} are those of the entries: ${ofEntries()}`,
    2000,
  );
}

/** What a peer tells of its log from now on. */
function listen(peer: Hamok, events: readonly ('committed' | 'expired' | 'removed')[]): Told[] {
  const told: Told[] = [];

  for (const event of events) peer.raft.logs.on(event, (index, message) => told.push([event, index, message]));

  return told;
}

describe('the figures', () => {
  it('are those of an empty log before join()', () => {
    const { raft } = createGrid(1).peers[0]!;

    expect(raft.logs).toMatchObject({ commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0 });
    expect([raft.logs.get(0), raft.logs.collectEntries(0), [...raft.logs]]).toEqual([undefined, [], []]);
  });

  it('grow with every write, on every peer', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const [map] = await createMaps(grid.peers);
    await caughtUp(grid.peers);
    const before = logsOf(grid.peers).map(({ commitIndex, nextIndex, size, bytesInMemory }) => ({
      commitIndex,
      nextIndex,
      size,
      bytesInMemory,
    }));

    for (let number = 0; number < 10; number++) await map!.set('key', 'x'.repeat(998));
    await caughtUp(grid.peers);
    for (const [position, logs] of logsOf(grid.peers).entries()) {
      const { commitIndex, nextIndex, size, bytesInMemory } = before[position]!;

      await until(
        () => logs.bytesInMemory >= bytesInMemory + 10 * 1005,
        () => `the bytes are ${logs.bytesInMemory}`,
      );
      expect(logs.commitIndex).toBeGreaterThanOrEqual(commitIndex + 10);
      expect(logs.nextIndex).toBeGreaterThanOrEqual(nextIndex + 10);
      expect(logs.nextIndex).toBeGreaterThan(logs.commitIndex);
      expect(logs.size).toBeGreaterThanOrEqual(size + 10);
      await figuresFit(logs);
      expect(grid.peers[position]!.stats.raftLogsBytesInMemory).toBe(logs.bytesInMemory);
    }
  });

  it.each(['leader', 'follower'] as const)('are those of the moment, on a %s', async (role) => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const maps = await createMaps(grid.peers);
    const peer = role === 'leader' ? grid.leader : grid.followers[0]!;
    const map = maps[grid.peers.indexOf(peer)]!;
    const { logs } = peer.raft;
    const behind: string[] = [];
    let looks = 0;

    logs.on('committed', (index) => {
      looks++;
      const { commitIndex, nextIndex, firstIndex, size } = logs;

      if (commitIndex < index || nextIndex <= index || firstIndex > index || nextIndex - firstIndex > size) {
        behind.push(`${index} is committed, and the figures are ${[commitIndex, nextIndex, firstIndex, size]}`);
      }
      if (logs.get(index)?.index !== index) behind.push(`${index} is committed and not there`);
    });
    for (let number = 0; number < 20; number++) await map.set('key', number);
    expect(behind).toEqual([]);
    expect(looks).toBe(20);
  });

  it('count the bytes of keys and values, no others', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const [a, b] = await createMaps(grid.peers);
    await Promise.all([
      a!.set('key', 'value'),
      b!.set('other', [1, 2, 3]),
      a!.setAll(new Map([['more', 'x'.repeat(100)]])),
    ]);
    await a!.remove('key');
    await b!.clear();
    await caughtUp(grid.peers);

    for (const { localPeerId, raft } of grid.peers) {
      const bytes = () =>
        raft.logs
          .collectEntries(0)
          .flatMap(operationsOf)
          .flatMap(({ keys, values }) => [...keys, ...values])
          .reduce((sum, { length }) => sum + length, 0);

      await until(
        () => raft.logs.bytesInMemory === bytes(),
        () => `${localPeerId}: ${raft.logs.bytesInMemory} bytes are ${bytes()}`,
        2000,
      );
    }
  });
});

describe('the entries', () => {
  const grid = useGrid(3, QUICK);

  it('are the operations as they were called, on every peer', async () => {
    const { peers } = grid();
    const [a, b] = await createMaps(peers);

    await a!.set('k', { some: 'value' });
    await b!.insert('ä€😀', null);
    await b!.setAll(
      new Map<string, unknown>([
        ['k', 0],
        ['l', ''],
      ]),
    );
    await a!.remove('k');
    await a!.clear();
    await caughtUp(peers);
    for (const peer of peers) {
      expect(logged(peer, a!.id)).toEqual([
        { type: UPDATE, sourceId: 'a', keys: ['"k"'], values: ['{"some":"value"}'] },
        { type: INSERT, sourceId: 'b', keys: ['"ä€😀"'], values: ['null'] },
        { type: UPDATE, sourceId: 'b', keys: ['"k"', '"l"'], values: ['0', '""'] },
        { type: REMOVE, sourceId: 'a', keys: ['"k"'], values: [] },
        { type: CLEAR, sourceId: 'a', keys: [], values: [] },
      ]);
    }
  });

  it('have the index that commit tells, and the same term and message on every peer', async () => {
    const { peers } = grid();
    const [map] = await createMaps(peers);
    const commits: [number, HamokMessage][] = [];
    const listener = (index: number, message: HamokMessage) => void commits.push([index, message]);
    const startedAt = Date.now();

    peers[0]!.on('commit', listener);
    for (let number = 0; number < 5; number++) await map!.set(`key-${number}`, number);
    peers[0]!.off('commit', listener);
    await caughtUp(peers);
    expect(commits).toHaveLength(5);
    for (const [index, message] of commits) {
      const entries = logsOf(peers).map((logs) => logs.get(index)!);

      for (const { entry, term, timestamp, ...others } of entries) {
        expect(entry.equals(message)).toBe(true);
        expect(others).toEqual({ index });
        expect(term).toBe(entries[0]!.term);
        expect(timestamp).toBeGreaterThanOrEqual(startedAt - 1000);
        expect(timestamp).toBeLessThanOrEqual(Date.now() + 1000);
      }
    }
  });

  it('of calls in one turn hold all of them, in order', async () => {
    const { peers } = grid();
    const [map] = await createMaps(peers);
    const told = listen(peers[0]!, ['committed']);

    await Promise.all([map!.set('a', 1), map!.set('b', 2), map!.remove('a')]);
    await caughtUp(peers);
    const index = told[0]![1];
    expect(told.map(([, at]) => at)).toEqual([index, index, index]);
    for (const logs of logsOf(peers)) {
      const { entry } = logs.get(index)!;

      expect(entry).toMatchObject({ protocol: STORAGE_PROTOCOL, type: undefined, keys: [], values: [] });
      expect(entry.embeddedMessages.map(operation)).toEqual([
        { type: UPDATE, sourceId: 'a', keys: ['"a"'], values: ['1'] },
        { type: UPDATE, sourceId: 'a', keys: ['"b"'], values: ['2'] },
        { type: REMOVE, sourceId: 'a', keys: ['"a"'], values: [] },
      ]);
      expect(entry.embeddedMessages.every((message, at) => message.equals(told[at]![2]))).toBe(true);
    }
  });

  it('of a submitted message are that message', async () => {
    const { peers } = grid();
    const told = listen(peers[1]!, ['committed']);
    const message = new HamokMessage({ type: 20, requestId: 'id', values: [Uint8Array.of(0, 255)] });

    await peers[1]!.submit(message);
    await caughtUp(peers);
    for (const logs of logsOf(peers)) expect(logs.get(told[0]![1])!.entry.equals(message)).toBe(true);
  });

  it('of the engine are there too, and say so', () => {
    const entries = grid().peers[0]!.raft.logs.collectEntries(0);
    const ofEngine = entries.filter(({ entry }) => entry.protocol === RAFT_PROTOCOL);

    expect(ofEngine.length).toBeGreaterThan(0);
    for (const { entry } of ofEngine) expect(entry.equals(new HamokMessage({ protocol: RAFT_PROTOCOL }))).toBe(true);
  });

  it('are collected without gaps, the end not included', async () => {
    const { peers } = grid();
    await caughtUp(peers);
    for (const logs of logsOf(peers)) {
      await until(() => logs.collectEntries(0).length === logs.size, 'the figures are those of the log');
      const { firstIndex, nextIndex } = logs;
      const indexes = (entries: LogEntry[]) => entries.map(({ index }) => index);
      const all = Array.from({ length: nextIndex - firstIndex }, (_, position) => firstIndex + position);

      expect(indexes(logs.collectEntries(0))).toEqual(all);
      expect(indexes(logs.collectEntries(0, nextIndex))).toEqual(all);
      expect(indexes(logs.collectEntries(-5, Infinity))).toEqual(all);
      expect(indexes(logs.collectEntries(firstIndex + 1, firstIndex + 3))).toEqual(all.slice(1, 3));
      expect(indexes(logs.collectEntries(nextIndex - 1))).toEqual(all.slice(-1));
      expect(logs.collectEntries(nextIndex, nextIndex + 5)).toEqual([]);
      expect(logs.collectEntries(5, 5)).toEqual([]);
      expect(logs.collectEntries(Number.NaN)).toEqual([]);
      for (const index of [nextIndex, -1, 0.5, Number.NaN, Infinity, 2 ** 32, 2 ** 53]) {
        expect(logs.get(index)).toBe(undefined);
      }
      expect([...logs]).toEqual([]);
    }
  });

  it('that are not committed yet are what iteration gives', async () => {
    const away = createGrid(3, QUICK);
    await away.join();
    const maps = await createMaps(away.peers);
    const { leader, followers } = away;
    await caughtUp(away.peers);

    for (const peer of followers) away.cut(peer);
    const written = maps[away.peers.indexOf(leader)]!.set('key', 'value');
    const pending = () => [...leader.raft.logs];
    await until(() => pending().length > 0, 'the write is in the log');
    expect(pending().flatMap(operationsOf).map(operation)).toEqual([
      { type: UPDATE, sourceId: leader.localPeerId, keys: ['"key"'], values: ['"value"'] },
    ]);
    expect(pending()[0]!.index).toBeGreaterThan(leader.raft.logs.commitIndex);
    for (const peer of followers) away.heal(peer);
    await written;
    await until(() => maps.every((map) => map.get('key') === 'value'), 'the write is everywhere');
  });

  it('name the peer that called, also when it has left and come back since', async () => {
    const returning = createGrid(3, QUICK);
    await returning.join();
    const [, , map] = await createMaps(returning.peers);
    const { logs } = returning.peers[0]!.raft;
    const told = listen(returning.peers[0]!, ['committed']);

    await map!.set('key', 'value');
    await until(() => told.length === 1, 'the write is everywhere');
    const [[, index, message]] = told as [Told];
    expect(operation(logs.get(index)!.entry)).toEqual(operation(message));
    await returning.peers[2]!.leave();
    await returning.peers[2]!.join();
    await map!.set('key', 'other');
    await caughtUp(returning.peers);
    expect(operation(logs.get(index)!.entry)).toEqual(operation(message));
  });
});

describe('committed', () => {
  it('comes right before commit, for every operation, in the same order on every peer', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const maps = await createMaps(grid.peers);
    await caughtUp(grid.peers);
    const told = grid.peers.map((peer) => listen(peer, ['committed']));

    for (const [position, peer] of grid.peers.entries()) {
      peer.on('commit', (index, message) => told[position]!.push(['commit', index, message]));
    }
    for (let round = 0; round < 10; round++) {
      await Promise.all(maps.map((map, position) => map.set(`key-${position}`, round)));
    }
    await until(
      () => told.every((events) => events.length === 60),
      () => `events: ${told.map(({ length }) => length)}`,
    );
    for (const events of told) {
      for (let at = 0; at < events.length; at += 2) {
        const [committed, commit] = [events[at]!, events[at + 1]!];

        expect([committed[0], commit[0]]).toEqual(['committed', 'commit']);
        expect(commit[1]).toBe(committed[1]);
        expect(commit[2]).toBe(committed[2]);
      }
      expect(events.map(([event, index, message]) => [event, index, operation(message)])).toEqual(
        told[0]!.map(([event, index, message]) => [event, index, operation(message)]),
      );
    }
  });

  it('is told from the first listener on, and no longer after the last', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const [map] = await createMaps(grid.peers);
    const { logs } = grid.peers[0]!.raft;
    const seen: string[] = [];
    const listener = (_: number, { keys }: HamokMessage) => seen.push(text(keys[0]!));

    await map!.set('a', 1);
    logs.on('committed', listener);
    await map!.set('b', 1);
    logs.off('committed', listener);
    await map!.set('c', 1);
    await map!.set('d', 1);
    logs.once('committed', listener);
    await map!.set('e', 1);
    await map!.set('f', 1);
    expect(seen).toEqual(['"b"', '"e"']);
  });
});

describe('old entries', () => {
  const OLD_MS = 400;

  it.each<[string, () => Partial<HamokConfig>]>([
    ['logEntriesExpirationTimeInMs', () => ({ logEntriesExpirationTimeInMs: OLD_MS })],
    [
      'raftLogs',
      () => ({ raftLogs: new MemoryStoredRaftLogs({ expirationTimeInMs: OLD_MS, memorySizeHighWaterMark: 0 }) }),
    ],
  ])('as %s says, are dropped and told; the figures follow; a late peer gets everything', async (_, config) => {
    const grid = createGrid(0, QUICK);
    for (let number = 0; number < 2; number++) grid.add(config());
    await grid.join();
    const [map] = await createMaps(grid.peers);
    const commits = grid.peers.map((peer) => listen(peer, ['committed']));
    const told = grid.peers.map((peer) => listen(peer, ['removed', 'expired']));
    const content = new Map(Array.from({ length: 20 }, (_, number) => [`key-${number}`, 'x'.repeat(100)]));

    for (const [key, value] of content) await map!.set(key, value);
    await caughtUp(grid.peers);
    const lastIndex = commits[0]!.at(-1)![1];

    for (const [position, { raft }] of grid.peers.entries()) {
      const { logs } = raft;
      const events = told[position]!;
      const removals = () => events.filter(([event]) => event === 'removed');

      await until(() => logs.firstIndex > lastIndex && logs.bytesInMemory < 2000, 'old entries are dropped');
      await until(() => removals().some(([, index]) => index === lastIndex), 'the last entry is told');
      // Each entry twice, in order, without gaps.
      expect(events.map(([event]) => event)).toEqual(removals().flatMap(() => ['expired', 'removed']));
      expect(events.filter(([event]) => event === 'expired').map(([, ...args]) => args)).toEqual(
        removals().map(([, ...args]) => args),
      );
      expect(removals().map(([, index]) => index)).toEqual(removals().map((_, at) => removals()[0]![1] + at));
      for (const [, index, message] of commits[position]!) {
        const removed = removals().find(([, at]) => at === index)!;

        expect(removed[2].equals(message)).toBe(true);
        expect(logs.get(index)).toBe(undefined);
      }
      expect(logs.collectEntries(0, lastIndex + 1)).toEqual([]);
      await figuresFit(logs);
    }

    const late = grid.add(config());
    const lateCommits = listen(late, ['committed']);
    const lateMap = late.createMap<string, unknown>({ mapId: map!.id });
    await late.join();
    await grid.settled();
    await lateMap.ready;
    expect(new Map(lateMap)).toEqual(content);
    await map!.set('after', 1);
    await until(() => lateMap.get('after') === 1, 'the late peer follows');
    // What was dropped came in a snapshot; the log of the late peer begins behind that, at the same indexes as the others'.
    expect(late.raft.logs.firstIndex).toBeGreaterThan(lastIndex);
    await figuresFit(late.raft.logs);
    const ofMap = (events: readonly Told[]) => events.filter(([, , { storageId }]) => storageId === map!.id);
    expect(ofMap(lateCommits).map(([, index, message]) => [index, operation(message)])).toEqual(
      ofMap(commits[0]!)
        .slice(content.size)
        .map(([, index, message]) => [index, operation(message)]),
    );
    expect(ofMap(lateCommits)).toHaveLength(1);
  });

  it('of many bytes are dropped without being old', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const [map] = await createMaps(grid.peers);
    const told = grid.peers.map((peer) => listen(peer, ['removed', 'expired']));
    const value = 'x'.repeat(512 * 1024);

    for (let number = 0; number < 40; number++) await map!.set('key', value);
    for (const [position, { raft }] of grid.peers.entries()) {
      await until(() => told[position]!.length > 0, 'entries are dropped');
      await until(() => raft.logs.bytesInMemory < 20 * value.length, 'the bytes shrink');
      expect(told[position]!.every(([event]) => event === 'removed')).toBe(true);
    }
  });
});

describe('highWaterMark', () => {
  it('comes each time the bytes have risen above the mark', async () => {
    const config = () => ({
      raftLogs: new MemoryStoredRaftLogs({ expirationTimeInMs: 400, memorySizeHighWaterMark: 5000 }),
    });
    const grid = createGrid(0, QUICK);
    for (let number = 0; number < 2; number++) grid.add(config());
    await grid.join();
    const [map] = await createMaps(grid.peers);
    const seen: number[][] = grid.peers.map(() => []);

    for (const [position, { raft }] of grid.peers.entries()) {
      raft.logs.on('highWaterMark', (bytesInMemory) => seen[position]!.push(bytesInMemory));
    }
    for (const round of [1, 2]) {
      await map!.set('key', 'x'.repeat(6000));
      await until(
        () => seen.every(({ length }) => length === round),
        () => `in round ${round}: ${JSON.stringify(seen)}`,
      );
      await until(() => logsOf(grid.peers).every((logs) => logs.bytesInMemory < 5000), 'the write is old');
      // A few heartbeats see it.
      const beats = grid.peers.map((peer) => new Promise<void>((resolve) => peer.once('heartbeat', resolve)));
      await Promise.all(beats);
    }
    for (const bytes of seen.flat()) expect(bytes).toBeGreaterThan(6000);
  });
});

describe('the option raftLogs', () => {
  it("refuses a store of the user's own", () => {
    const raftLogs = { commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0, get: () => undefined };

    expect(() => new Hamok({ raftLogs: raftLogs as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('MemoryStoredRaftLogs') }),
    );
  });

  it('is hamok.raft.logs, and belongs to one Hamok', () => {
    const grid: Grid = createGrid(0);
    const raftLogs = new MemoryStoredRaftLogs({ expirationTimeInMs: 1000, memorySizeHighWaterMark: 0 });

    expect(grid.add({ raftLogs }).raft.logs).toBe(raftLogs);
    expect(() => new Hamok({ raftLogs })).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});

describe('the end', () => {
  it('close() leaves the figures as they were last, and no entries and listeners', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const [map] = await createMaps(grid.peers);
    await map!.set('key', 'value');
    const { logs } = grid.peers[0]!.raft;
    await until(() => logs.commitIndex > 0 && logs.bytesInMemory > 0, 'there is something to see');
    logs.on('committed', () => {}).on('removed', () => {});
    const { commitIndex, nextIndex, firstIndex, size, bytesInMemory } = logs;

    grid.peers[0]!.close();
    for (let turn = 0; turn < 2; turn++) {
      expect(logs).toMatchObject({ commitIndex, nextIndex, firstIndex, size, bytesInMemory });
      expect([logs.get(commitIndex), logs.collectEntries(0), [...logs]]).toEqual([undefined, [], []]);
      expect(logs.eventNames()).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it('leave() stops nothing from being read, and after join() there is the log of the grid again', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const maps = await createMaps(grid.peers);
    await maps[2]!.set('before', 1);
    const [peer, logs] = [grid.peers[2]!, grid.peers[2]!.raft.logs];
    const told = listen(peer, ['committed']);

    await peer.leave();
    expect([logs.commitIndex, logs.nextIndex, logs.size, logs.bytesInMemory].every(Number.isInteger)).toBe(true);
    expect(Array.isArray(logs.collectEntries(0))).toBe(true);
    await maps[0]!.set('away', 1);
    await peer.join();
    await maps[2]!.set('back', 1);
    await caughtUp(grid.peers);
    const [, index, message] = told.at(-1)!;
    expect(operation(message).keys).toEqual(['"back"']);
    expect(logs.get(index)!.entry.equals(message)).toBe(true);
    expect(logs.get(index)).toEqual({
      ...grid.peers[0]!.raft.logs.get(index)!,
      timestamp: expect.any(Number),
    });
  });
});
