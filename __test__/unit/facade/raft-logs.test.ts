import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NativePeer } from '../../../facade/binding/native';
import { createLogger } from '../../../facade/common/logger';
import { Hamok } from '../../../facade/Hamok';
import { HamokMessage } from '../../../facade/messages/HamokMessage';
import type { LogEntry } from '../../../facade/raft/LogEntry';
import { MemoryStoredRaftLogs } from '../../../facade/raft/MemoryStoredRaftLogs';
import { type FakeNativePeer, Records } from './fake-native-peer';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';

afterEach(() => {
  vi.restoreAllMocks();
  closePeers();
});

const CONFIG = { expirationTimeInMs: 60_000, memorySizeHighWaterMark: 0 };
const LOG_REMOVED = 22;
const SET = 56;
const SUBMITTED = 0;

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const setOf = (key: string, value: string) =>
  new HamokMessage({
    protocol: 3,
    type: SET,
    sourceId: 'b',
    storageId: 'map',
    keys: [bytes(key)],
    values: [bytes(value)],
  });

/** An entry of the native log: its index, and a function for each of its operations. */
type FakeEntry = [index: number, ...operations: ((records: Records) => void)[]];

const set = (key: string, value: string) => (records: Records) =>
  void records.u32(SET).text('b', 'map').list([key]).list([value]);
const submit = (packed: Uint8Array) => (records: Records) =>
  records.u32(SUBMITTED).text('b', '').u32(0).u32(1).writer.bytes(packed);

function pack(records: Records, entries: readonly FakeEntry[]): Records {
  records.u32(entries.length);
  for (const [index, ...operations] of entries) {
    records
      .f64(index)
      .f64(2)
      .f64(1_000_000 + index)
      .u32(operations.length);
    for (const operation of operations) operation(records);
  }

  return records;
}

/** Gives the native log entries. @returns the ranges that were asked for */
function fill(native: NativePeer, entries: readonly FakeEntry[]): [number, number][] {
  const asked: [number, number][] = [];

  native.logEntries = (start, end) => {
    asked.push([start, end]);

    return pack(
      new Records(),
      entries.filter(([index]) => index >= start && index < end),
    ).writer.take();
  };

  return asked;
}

const watches = (native: FakeNativePeer) => native.calls.filter((call) => call.startsWith('watch'));

function commit(native: FakeNativePeer, index: number, key: string): void {
  native.put().u8(13).f64(index).u32(SET).text('b', 'map').list([key]).list(['1']);
}

describe('new MemoryStoredRaftLogs', () => {
  it('is empty until it belongs to a Hamok', () => {
    const logs = new MemoryStoredRaftLogs(CONFIG, new Map());

    expect(logs).toMatchObject({ commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0 });
    expect(logs.config).toEqual(CONFIG);
    expect([logs.get(0), logs.collectEntries(0), logs.collectEntries(0, 9), [...logs]]).toEqual([
      undefined,
      [],
      [],
      [],
    ]);
    expect(logs.getMaxListeners()).toBe(Infinity);
  });

  it.each([
    [undefined, 'config'],
    [{}, 'expirationTimeInMs'],
    [{ memorySizeHighWaterMark: 1 }, 'expirationTimeInMs'],
    [{ expirationTimeInMs: 1 }, 'memorySizeHighWaterMark'],
    [{ ...CONFIG, expirationTimeInMs: -1 }, 'expirationTimeInMs'],
    [{ ...CONFIG, memorySizeHighWaterMark: '1' }, 'memorySizeHighWaterMark'],
    [{ ...CONFIG, memorySizeHighWaterMark: Number.NaN }, 'memorySizeHighWaterMark'],
  ])('%j is refused by name', (config, name) => {
    expect(() => new MemoryStoredRaftLogs(config as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(name) }),
    );
  });
});

describe('the option raftLogs', () => {
  it('is what hamok.raft.logs is, and decides when entries are old', () => {
    const raftLogs = new MemoryStoredRaftLogs({ expirationTimeInMs: 1234, memorySizeHighWaterMark: 5 });
    const { hamok, native } = createPeer({ raftLogs, logEntriesExpirationTimeInMs: 99 });

    expect(hamok.raft.logs).toBe(raftLogs);
    expect(native.options.logEntriesExpirationTimeInMs).toBe(1234);
  });

  it('by default is made from the defaults', () => {
    const { hamok, native } = createPeer({ logEntriesExpirationTimeInMs: 99 });

    expect(hamok.raft.logs).toBeInstanceOf(MemoryStoredRaftLogs);
    expect(hamok.raft.logs.config).toEqual({ expirationTimeInMs: 99, memorySizeHighWaterMark: 0 });
    expect(native.options.logEntriesExpirationTimeInMs).toBe(99);
  });

  it('takes an object once', () => {
    const raftLogs = new MemoryStoredRaftLogs(CONFIG);
    const { hamok } = createPeer({ raftLogs });

    const again = () => createPeer({ raftLogs });
    const refused = expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('one object for each Hamok'),
    });
    expect(again).toThrow(refused);
    hamok.close();
    expect(again).toThrow(refused);
  });

  it('is not used up by a Hamok that was refused', () => {
    const raftLogs = new MemoryStoredRaftLogs(CONFIG);

    expect(() => createPeer({ raftLogs, heartbeatInMs: 0 })).toThrow();
    expect(createPeer({ raftLogs }).hamok.raft.logs).toBe(raftLogs);
  });

  it.each([
    ['an empty object', {}],
    ['a function', () => {}],
    [
      "a store of the user's own",
      { commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0, get() {}, collectEntries: () => [] },
    ],
  ])('%s is refused', (_, raftLogs) => {
    expect(() => new Hamok({ raftLogs: raftLogs as never })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(/raftLogs.*in memory.*MemoryStoredRaftLogs, or leave the option out/),
      }),
    );
  });

  it('takes an object of another copy of the package', async () => {
    vi.resetModules();
    const other = await import('../../../facade/raft/MemoryStoredRaftLogs');
    expect(other.MemoryStoredRaftLogs).not.toBe(MemoryStoredRaftLogs);

    const raftLogs = new other.MemoryStoredRaftLogs(CONFIG);
    const { hamok, native } = await createJoinedPeer({ raftLogs });
    const seen: unknown[] = [];
    native.figures = [4, 9, 2, 11, 8, 1234, 0, 3];
    fill(native, [[3, set('a', '1')]]);
    raftLogs.on('committed', (index) => seen.push(index));
    commit(native, 9, 'a');
    await nextTurn();
    expect([hamok.raft.logs, raftLogs.size, raftLogs.get(3)?.entry, seen]).toEqual([raftLogs, 8, setOf('a', '1'), [9]]);
  });
});

describe('the option initialLogEntries', () => {
  const message = setOf('a', '1');
  const entries = new Map([[0, { index: 0, term: 1, entry: message, timestamp: 1 }]]);

  it('has no effect, and says so once when it is not empty', () => {
    const warn = vi.spyOn(createLogger('Hamok'), 'warn').mockReturnValue();

    createPeer({ initialLogEntries: new Map() });
    expect(warn).not.toHaveBeenCalled();
    const { hamok } = createPeer({ initialLogEntries: entries });
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('initialLogEntries'));
    expect(hamok.raft.logs.size).toBe(0);
  });

  it.each([{}, [], 'text', 5, new Set(), new WeakMap()])('%o is refused by name', (initialLogEntries) => {
    expect(() => new Hamok({ initialLogEntries: initialLogEntries as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('initialLogEntries') }),
    );
  });
});

describe('reading', () => {
  const submitted = new HamokMessage({ type: 20, sourceId: 'b', requestId: 'id' });
  const log: FakeEntry[] = [
    [2],
    [3, set('a', '1')],
    [4, set('b', '2'), submit(submitted.toBinary()), set('c', '3')],
    [5, submit(submitted.toBinary())],
    [6, submit(Uint8Array.of(255))],
  ];

  it('gives an entry of one operation, of several, and of none', () => {
    const { hamok, native } = createPeer();
    const { logs } = hamok.raft;
    fill(native, log);

    expect(logs.get(2)).toEqual({ index: 2, term: 2, timestamp: 1_000_002, entry: new HamokMessage({ protocol: 2 }) });
    expect(logs.get(3)).toEqual({ index: 3, term: 2, timestamp: 1_000_003, entry: setOf('a', '1') });
    expect(logs.get(4)?.entry).toEqual(
      new HamokMessage({ protocol: 3, embeddedMessages: [setOf('b', '2'), submitted, setOf('c', '3')] }),
    );
    expect(logs.get(5)?.entry).toEqual(submitted);
    expect(logs.get(4)?.entry).toBeInstanceOf(HamokMessage);
  });

  it('shows what was submitted and is no message as it is', () => {
    const { hamok, native } = createPeer();
    fill(native, log);

    expect(hamok.raft.logs.get(6)?.entry).toEqual(
      new HamokMessage({ protocol: 3, sourceId: 'b', storageId: '', values: [Uint8Array.of(255)] }),
    );
  });

  it('gives copies, which may be kept and changed', () => {
    const { hamok, native } = createPeer();
    const packed = pack(new Records(), [[3, set('a', '1')]]).writer.take();
    (native as NativePeer).logEntries = () => packed;

    const entry = hamok.raft.logs.get(3);
    packed.fill(0, 4);
    expect(entry?.entry).toEqual(setOf('a', '1'));
  });

  it('asks for ranges with an end that is not included, and for nothing when a range is empty', () => {
    const { hamok, native } = createPeer();
    const { logs } = hamok.raft;
    const asked = fill(native, log);
    const indexes = (entries: LogEntry[]) => entries.map(({ index }) => index);

    expect(indexes(logs.collectEntries(3, 5))).toEqual([3, 4]);
    expect(indexes(logs.collectEntries(4))).toEqual([4, 5, 6]);
    expect(indexes(logs.collectEntries(-5, Infinity))).toEqual([2, 3, 4, 5, 6]);
    expect(indexes(logs.collectEntries(2.5, 3.5))).toEqual([3]);
    expect(asked).toEqual([
      [3, 5],
      [4, Number.MAX_SAFE_INTEGER],
      [0, Number.MAX_SAFE_INTEGER],
      [3, 4],
    ]);
    asked.length = 0;
    for (const start of [5, 9, Number.NaN, 'x' as never]) expect(logs.collectEntries(start, 5)).toEqual([]);
    for (const index of [-1, 2.5, Number.NaN, Infinity, '3' as never]) expect(logs.get(index)).toBe(undefined);
    expect(asked).toEqual([]);
    expect(logs.get(9)).toBe(undefined);
  });

  it('iterates over what is not committed yet', () => {
    const { hamok, native } = createPeer();
    const { logs } = hamok.raft;
    native.figures = [2, 4, 2, 7, 5, 100, 0, 0];
    fill(native, log);

    const indexes: number[] = [];
    for (const { index } of logs) indexes.push(index);
    expect(indexes).toEqual([5, 6]);
  });
});

describe('committed', () => {
  it('comes right before commit, with the same arguments', async () => {
    const { hamok, native } = await createJoinedPeer();
    const seen: [string, number, HamokMessage][] = [];
    hamok.on('commit', (...args) => seen.push(['commit', ...args]));
    hamok.raft.logs.on('committed', (...args) => seen.push(['committed', ...args]));

    commit(native, 7, 'a');
    commit(native, 7, 'b');
    await nextTurn();
    expect(seen.map(([event, index, { keys }]) => [event, index, String.fromCharCode(...keys[0]!)])).toEqual([
      ['committed', 7, 'a'],
      ['commit', 7, 'a'],
      ['committed', 7, 'b'],
      ['commit', 7, 'b'],
    ]);
    expect(seen[0]![2]).toBe(seen[1]![2]);
  });

  it('is asked for while somebody listens to it or to commit', async () => {
    const { hamok, native } = await createJoinedPeer();
    const { logs } = hamok.raft;
    const seen: string[] = [];
    const listener = (index: number) => seen.push(`committed ${index}`);
    const told = async (index: number) => {
      commit(native, index, 'a');
      await nextTurn();
    };

    logs.once('committed', listener);
    hamok.once('commit', (index) => seen.push(`commit ${index}`));
    await told(1);
    expect(watches(native)).toEqual(['watchCommits(true)']);
    await told(2);
    expect(watches(native)).toEqual(['watchCommits(true)', 'watchCommits(false)']);
    logs.prependListener('committed', listener);
    await told(3);
    logs.off('committed', listener);
    hamok.on('commit', (index) => seen.push(`commit ${index}`));
    await told(4);
    expect(seen).toEqual(['committed 1', 'commit 1', 'committed 3', 'commit 4']);
    expect(watches(native).slice(2)).toEqual(['watchCommits(true)']);
  });

  it('a listener that throws does not stop what follows', async () => {
    const { hamok, native } = await createJoinedPeer();
    const seen: unknown[] = [];
    const uncaught = vi.fn();
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', uncaught);

    hamok.raft.logs.on('committed', () => {
      throw new Error('thrown by the test');
    });
    hamok.raft.logs.on('committed', (index) => seen.push(index));
    hamok.on('commit', (index) => seen.push(index));
    commit(native, 7, 'a');
    await nextTurn();
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
    expect([seen, uncaught.mock.calls.length]).toEqual([[7, 7], 1]);
  });
});

describe('removed and expired', () => {
  function listen(logs: MemoryStoredRaftLogs): unknown[][] {
    const seen: unknown[][] = [];

    for (const event of ['removed', 'expired'] as const) {
      logs.on(event, (index: number, { protocol, keys, embeddedMessages }: HamokMessage) =>
        seen.push([event, index, protocol, keys.length, embeddedMessages.length]),
      );
    }

    return seen;
  }

  const tell = async (native: FakeNativePeer, expired: boolean, entries: FakeEntry[]) => {
    pack(native.put().u8(LOG_REMOVED, expired ? 1 : 0), entries);
    await nextTurn();
  };

  it('tell every entry once, an old one as expired first', async () => {
    const { hamok, native } = await createJoinedPeer();
    const seen = listen(hamok.raft.logs);

    await tell(native, true, [[0], [1, set('a', '1')]]);
    await tell(native, false, [[2, set('a', '1'), set('b', '2')]]);
    expect(seen).toEqual([
      ['expired', 0, 2, 0, 0],
      ['removed', 0, 2, 0, 0],
      ['expired', 1, 3, 1, 0],
      ['removed', 1, 3, 1, 0],
      ['removed', 2, 3, 0, 2],
    ]);
  });

  it.each(['removed', 'expired'] as const)('%s is asked for while somebody listens', async (event) => {
    const raftLogs = new MemoryStoredRaftLogs(CONFIG);
    const listener = () => {};
    raftLogs.addListener(event, listener);
    const { native } = await createJoinedPeer({ raftLogs });

    expect(watches(native)).toEqual(['watchLog(true)']);
    raftLogs.off(event, listener);
    await tell(native, true, [[0]]);
    await tell(native, true, [[1]]);
    expect(watches(native)).toEqual(['watchLog(true)', 'watchLog(false)']);
    raftLogs.once(event, listener).prependOnceListener(event, listener);
    expect(watches(native).slice(2)).toEqual(['watchLog(true)']);
  });

  it('listeners to committed that were there before the Hamok are heard', async () => {
    const raftLogs = new MemoryStoredRaftLogs(CONFIG);
    const seen: number[] = [];
    raftLogs.on('committed', (index) => seen.push(index));
    const { native } = await createJoinedPeer({ raftLogs });

    commit(native, 7, 'a');
    await nextTurn();
    expect([watches(native), seen]).toEqual([['watchCommits(true)'], [7]]);
  });
});

describe('highWaterMark', () => {
  const HEARTBEAT = { heartbeatInMs: 5 };
  const withMark = (memorySizeHighWaterMark: number) =>
    new MemoryStoredRaftLogs({ ...CONFIG, memorySizeHighWaterMark });
  const holding = (native: FakeNativePeer, size: number) => {
    native.figures = [1, 1, 0, 2, 2, size, 0, 0];

    return pause(25);
  };

  it('comes once each time the mark is passed', async () => {
    const raftLogs = withMark(100);
    const { native } = await createJoinedPeer({ raftLogs, ...HEARTBEAT });
    const seen: number[] = [];
    raftLogs.on('highWaterMark', (bytesInMemory) => seen.push(bytesInMemory));

    await holding(native, 100);
    expect(seen).toEqual([]);
    await holding(native, 101);
    await holding(native, 300);
    expect(seen).toEqual([101]);
    await holding(native, 50);
    await holding(native, 200);
    expect(seen).toEqual([101, 200]);
  });

  it('is not looked for when nobody listens, or there is no mark, or the peer does not run', async () => {
    const unheard = await createJoinedPeer({ raftLogs: withMark(100), ...HEARTBEAT });
    const unmarked = await createJoinedPeer({ raftLogs: withMark(0), ...HEARTBEAT });
    const idle = createPeer({ raftLogs: withMark(100), ...HEARTBEAT });
    const listener = vi.fn();
    unmarked.hamok.raft.logs.on('highWaterMark', listener);
    idle.hamok.raft.logs.on('highWaterMark', listener);
    const looked = vi.spyOn(unheard.native, 'status');

    await Promise.all([unheard, unmarked, idle].map(({ native }) => holding(native, 200)));
    expect(looked).not.toHaveBeenCalled();
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('after close()', () => {
  it('the figures stay, the entries are gone, and nobody listens', async () => {
    const { hamok, native } = await createJoinedPeer();
    const { logs } = hamok.raft;
    native.figures = [4, 9, 2, 11, 8, 1234, 0, 3];
    fill(native, [[3, set('a', '1')]]);
    for (const event of ['committed', 'removed', 'expired', 'highWaterMark'] as const) logs.on(event, () => {});
    const watched = watches(native);

    hamok.close();
    native.figures = [0, -1, 0, 0, 0, 0, 0, 0];
    expect(logs).toMatchObject({ commitIndex: 9, nextIndex: 11, firstIndex: 2, size: 8, bytesInMemory: 1234 });
    expect([logs.get(3), logs.collectEntries(0), [...logs]]).toEqual([undefined, [], []]);
    expect(logs.eventNames()).toEqual([]);
    logs.on('committed', () => {}).on('removed', () => {});
    expect(watches(native)).toEqual(watched);
  });

  it('of a peer that never ran, everything is empty', () => {
    const { hamok } = createPeer();
    const { logs } = hamok.raft;

    hamok.close();
    expect(logs).toMatchObject({ commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0 });
  });

  it('called by a listener, what had come before is heard within the call', async () => {
    const { hamok, native } = await createJoinedPeer();
    const seen: unknown[] = [];
    hamok.raft.logs.on('committed', () => {
      hamok.close();
      seen.push('closed');
    });
    hamok.raft.logs.on('removed', (index) => seen.push(index));
    hamok.on('commit', (index) => seen.push(index));

    commit(native, 7, 'a');
    pack(native.put().u8(LOG_REMOVED, 1), [[0]]);
    await nextTurn();
    expect(seen).toEqual([0, 'closed']);
  });
});
