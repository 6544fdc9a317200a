import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Hamok } from '../../../facade/Hamok';
import type { HamokConfig } from '../../../facade/HamokConfig';
import { createNativeMessage, HamokMessage } from '../../../facade/messages/HamokMessage';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';

afterEach(closePeers);

const EVENTS = [
  'follower',
  'candidate',
  'leader',
  'remote-peer-joined',
  'remote-peer-left',
  'leader-changed',
  'state-changed',
  'no-heartbeat-from',
  'joined',
  'rejoining',
  'left',
  'close',
] as const;

function record(hamok: Hamok): string[] {
  const lines: string[] = [];

  for (const event of EVENTS) hamok.on(event, (...args: unknown[]) => lines.push([event, ...args].join(' ')));

  return lines;
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.message,
  );

describe('options', () => {
  it('have the documented defaults', () => {
    const { hamok, native } = createPeer({ peerId: undefined });

    expect(native.options).toEqual({
      peerId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/),
      electionTimeoutInMs: 3000,
      followerMaxIdleInMs: 1000,
      heartbeatInMs: 100,
      onlyFollower: false,
      logEntriesExpirationTimeInMs: 300_000,
      ongoingRequestsSendingPeriodInMs: 1000,
      minPeers: 2,
      maxCommandBytes: 16 * 1024 * 1024,
    });
    expect(hamok.config).toEqual({ appData: {}, remoteStorageStateWaitingTimeoutInMs: 1000 });
    expect(hamok.raft.config).toEqual({
      peerId: hamok.localPeerId,
      electionTimeoutInMs: 3000,
      followerMaxIdleInMs: 1000,
      heartbeatInMs: 100,
      onlyFollower: false,
    });
  });

  it('a heartbeat below 1 has a text of its own', () => {
    expect(() => new Hamok({ heartbeatInMs: 0 })).toThrow(/^Config error: heartbeatInMs must be greater than 0$/);
  });

  it.each<Partial<Record<keyof HamokConfig, unknown>>>([
    { peerId: '' },
    { peerId: 5 },
    { electionTimeoutInMs: 0 },
    { electionTimeoutInMs: Number.NaN },
    { electionTimeoutInMs: 2 ** 31 },
    { followerMaxIdleInMs: 19 },
    { heartbeatInMs: '100' },
    { onlyFollower: 1 },
    { logEntriesExpirationTimeInMs: -1 },
    { ongoingRequestsSendingPeriodInMs: 0 },
    { remoteStorageStateWaitingTimeoutInMs: -1 },
    { minPeers: 0 },
    { minPeers: 1.5 },
    { maxCommandBytes: 0 },
    { appData: 'data' },
    { raftLogs: 5 },
  ])('%j is refused by name', (config) => {
    const [name] = Object.keys(config);

    expect(() => new Hamok(config as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(name!) }),
    );
  });
});

describe('join', () => {
  it('emits in order: inside the call, then as the native side tells, then the promise', async () => {
    const { hamok, native } = createPeer();
    const lines = record(hamok);
    const joined = hamok.join().then(() => lines.push('promise'));

    expect(lines).toEqual(['state-changed follower empty', 'follower']);
    expect([hamok.run, hamok.state, native.calls]).toEqual([true, 'follower', ['start']]);
    native.put().u8(2, 1).u8(4).text('b').u8(4).text('b').u8(2, 2);
    native.join();
    await joined;
    expect(lines.slice(2)).toEqual([
      'remote-peer-joined b',
      'state-changed candidate follower',
      'candidate',
      'leader-changed me ',
      'state-changed leader candidate',
      'leader',
      'joined',
      'promise',
    ]);
    expect(await hamok.ready).toBe(hamok);
    expect([hamok.leader, hamok.grid.connected, [...hamok.remotePeerIds]]).toEqual([true, true, ['b']]);
  });

  it('a call while joining gives the same promise, one after it resolves', async () => {
    const { hamok, native } = createPeer();
    const first = hamok.join();

    expect(hamok.join()).toBe(first);
    native.join();
    await first;
    await hamok.join();
    expect(native.calls).toEqual(['start']);
  });

  it('rejects when its retries are used up, and the peer goes on', async () => {
    const { hamok, native } = createPeer();
    const start = performance.now();

    await expect(hamok.join({ fetchRemotePeerTimeoutInMs: 20, maxRetry: 2 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'Timeout waiting for leader',
    });
    expect(performance.now() - start).toBeGreaterThan(55);
    expect([hamok.run, hamok.state]).toEqual([true, 'follower']);

    const { ready } = hamok;
    const again = hamok.join({ fetchRemotePeerTimeoutInMs: 20, maxRetry: -1 });
    await pause(60);
    native.join();
    await Promise.all([ready, again]);
    expect(native.calls).toEqual(['start']);
  });

  it('rejects when the peer id is in use, and the peer goes on', async () => {
    const { hamok, native } = createPeer();
    const joined = hamok.join();

    native.put().u8(19).text('PEER_ID_IN_USE', 'in use');
    await expect(joined).rejects.toMatchObject({ code: 'PEER_ID_IN_USE', message: 'in use' });
    const again = hamok.join();
    native.join();
    await again;
  });

  it('rejects when the native side cannot start', async () => {
    const { hamok, native } = createPeer();

    native.start = () => {
      throw new Error('no threads');
    };
    expect(await messageOf(hamok.join())).toBe('no threads');
    expect([hamok.run, hamok.state]).toEqual([false, 'empty']);
  });

  it('refuses parameters that are none', async () => {
    const { hamok } = createPeer();

    await expect(hamok.join({ maxRetry: 0.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(hamok.join({ fetchRemotePeerTimeoutInMs: 0 })).rejects.toThrow(TypeError);
    expect(hamok.run).toBe(false);
  });

  it('a listener may close the peer within the call', async () => {
    const { hamok, native } = createPeer();

    hamok.on('follower', () => hamok.close());
    expect(await messageOf(hamok.join())).toBe('Joining process is aborted or the hamok is closed');
    expect(native.calls).toEqual(['stop']);
  });
});

describe('leave', () => {
  it('emits in order at its end, whatever the native side tells meanwhile', async () => {
    const { hamok, native } = await createJoinedPeer();

    native.put().u8(4).text('b');
    await pause(5);
    const lines = record(hamok);
    const left = hamok.leave().then(() => lines.push('promise'));
    expect(hamok.leave()).not.toBe(undefined);
    expect([hamok.leader, hamok.run]).toEqual([false, true]);
    native.put().u8(2, 1).u8(3, 1).text('b').u8(5).text('b').u8(8);
    await pause(5);
    expect(lines).toEqual([]);
    native.put().u8(9);
    await left;
    expect(lines).toEqual([
      'leader-changed  me',
      'state-changed empty leader',
      'remote-peer-left b',
      'left',
      'promise',
    ]);
    expect([hamok.run, hamok.state, native.calls]).toEqual([false, 'empty', ['start', 'leave']]);
    await hamok.leave();
  });

  it('aborts a join, and a join meanwhile comes after it', async () => {
    const { hamok, native } = createPeer();
    const joined = messageOf(hamok.join());
    const left = hamok.leave();
    const again = hamok.join();

    expect(await joined).toBe('Joining process is aborted or the hamok is closed');
    native.put().u8(9);
    await left;
    await pause(1);
    native.join();
    await again;
    expect(native.calls).toEqual(['start', 'leave', 'start']);
  });

  it('does nothing on a peer that does not run', async () => {
    const { hamok } = createPeer();
    const lines = record(hamok);

    await hamok.leave();
    expect(lines).toEqual([]);
  });

  it('a collection is ready again when it was brought up to date after the next join', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    const heard: string[] = [];

    for (const event of ['connected', 'disconnected'] as const) map.connection.on(event, () => heard.push(event));
    await map.ready;
    const left = hamok.leave();
    native.put().u8(9);
    await left;
    native.opens = false;
    const joined = hamok.join();
    native.join();
    await joined;
    expect(map.connection.connected).toBe(false);
    native.ready(1, ['"a"', '1']);
    await map.ready;
    expect(map.get('a')).toBe(1);
    expect(heard).toEqual(['connected', 'disconnected', 'connected']);
  });
});

describe('losing the leader', () => {
  it('rejoining, then joined again; ready waits for it', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    const lines = record(hamok);
    const heard: unknown[] = [];

    await map.ready;
    for (const event of ['connected', 'disconnected', 'leader-changed'] as const) {
      map.connection.on(event, (...args: unknown[]) => heard.push([event, ...args]));
    }
    native.put().u8(8).u8(3, 0).u8(2, 1);
    await pause(5);
    const { ready } = hamok;
    expect([hamok.grid.connected, await Promise.race([ready, pause(5)])]).toEqual([false, undefined]);
    native.put().u8(3, 1).text('b').u8(7);
    await ready;
    expect(lines).toEqual([
      'rejoining',
      'leader-changed  me',
      'state-changed follower leader',
      'follower',
      'leader-changed b ',
      'joined',
    ]);
    expect(heard).toEqual([['disconnected'], ['leader-changed', undefined], ['leader-changed', 'b'], ['connected']]);
  });
});

describe('close', () => {
  it('does everything inside the call, in order', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map' });

    native.put().u8(4).text('b');
    await map.ready;
    const lines = record(hamok);
    hamok.on('message', ({ destinationId, snapshot }) => lines.push(`message ${destinationId} ${snapshot}`));
    map.connection.on('close', () => lines.push('connection closed'));
    map.on('close', () => lines.push('map closed'));
    native.answers = false;
    const pending = [map.set('a', 1), hamok.submit(new HamokMessage()), hamok.waitUntilCommitHead()].map(messageOf);
    native.stop = () => {
      native.calls.push('stop');
      native.put().u8(1, 1).text('b', '9').u8(2, 1);
    };
    hamok.close();
    hamok.close();
    expect(lines).toEqual([
      'message b 57',
      'leader-changed  me',
      'state-changed empty leader',
      'remote-peer-left b',
      'connection closed',
      'map closed',
      'close',
    ]);
    expect(native.calls.filter((call) => call === 'stop')).toHaveLength(1);
    expect([hamok.closed, hamok.run, hamok.storages.size, hamok.eventNames()]).toEqual([true, false, 0, []]);
    expect(await Promise.all(pending)).toEqual(Array(3).fill('Connection is closed'));
  });

  it('settles what waits', async () => {
    const { hamok } = createPeer();
    const waiting = [hamok.join(), hamok.ready, hamok.waitUntilLeader(), hamok.submit(new HamokMessage())];

    hamok.close();
    expect(await Promise.all(waiting.map(messageOf))).not.toContain('resolved');
  });

  it('within a listener, in the middle of the stream, keeps the order', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    const lines: string[] = [];

    await map.ready;
    hamok.on('message', ({ snapshot }) => lines.push(`message ${snapshot}`));
    map.on('insert', (key) => {
      lines.push(`insert ${key}`);
      if (key === 'a') hamok.close();
    });
    native.change(1, '"a"', '1');
    native.put().u8(1, 0).text('1');
    native.change(1, '"b"', '2');
    native.stop = () => native.put().u8(1, 0).text('2');
    await pause(5);
    expect(lines).toEqual(['insert a', 'message 49', 'insert b', 'message 50']);
  });

  it('refuses by name what comes after it', async () => {
    const { hamok } = createPeer();
    const remoteMap = {} as never;

    hamok.close();
    expect(await messageOf(hamok.join())).toBe('Cannot execute join on a closed hamok');
    expect(await messageOf(hamok.leave())).toBe('Cannot leave the network on a closed hamok');
    expect(await messageOf(hamok.submit(new HamokMessage()))).toBe('Cannot submit on a closed Hamok instance');
    expect(await messageOf(hamok.waitUntilLeader())).toBe('Cannot wait until leader on a closed Hamok instance');
    expect(await messageOf(hamok.waitUntilCommitHead())).toBe(
      'Cannot wait until commit head on a closed Hamok instance',
    );
    expect(() => hamok.createMap({ mapId: 'a' })).toThrow('Cannot create map on a closed Hamok instance');
    expect(() => hamok.createRemoteMap({ mapId: 'a', remoteMap })).toThrow(
      'Cannot create remote map on a closed Hamok instance',
    );
    expect(() => hamok.addRemotePeerId('b')).toThrow('Cannot add remote peer to a closed Hamok instance');
    hamok.removeRemotePeerId('b');
    hamok.accept(new HamokMessage());
  });
});

describe('messages', () => {
  it('hands in what is for this peer, and nothing else', async () => {
    const { hamok, native } = createPeer();
    const payload = Uint8Array.of(1, 2);
    const accept = (destination: string | undefined) => hamok.accept(createNativeMessage('b', destination, payload));

    accept('me');
    hamok.join();
    accept('me');
    accept(undefined);
    accept('c');
    hamok.accept(new HamokMessage({ protocol: 2, type: 12, sourceId: 'old' }));
    hamok.accept({ ...createNativeMessage('copied', 'me', payload) } as HamokMessage);
    expect(native.calls).toEqual(['start', 'accept(b,2)', 'accept(b,2)', 'accept(copied,2)']);
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [5],
    [{}],
    [[]],
    [Uint8Array.of(1)],
    [{ protocol: 1, type: 1, snapshot: 'x' }],
  ])('what is no message (%j) is an error event', (nonsense) => {
    const { hamok } = createPeer();
    const errors: unknown[] = [];

    hamok.join();
    hamok.on('error', (error) => errors.push(error));
    hamok.accept(nonsense as never);
    expect(errors).toMatchObject([{ code: 'INVALID_MESSAGE' }]);
  });

  it('what a listener of message throws is an error event, and delivery goes on', async () => {
    const { hamok, native } = await createJoinedPeer();
    const [errors, seen]: [unknown[], unknown[]] = [[], []];

    hamok.on('error', (error) => errors.push(error.message));
    hamok.on('message', () => {
      throw new Error('transport');
    });
    hamok.on('message', ({ sourceId, destinationId }) => seen.push([sourceId, destinationId]));
    native.put().u8(1, 0).text('x').u8(1, 1).text('b', 'y');
    await pause(5);
    expect(errors).toEqual(['transport', 'transport']);
    expect(seen).toEqual([
      ['me', undefined],
      ['me', 'b'],
    ]);
  });

  it('a stream that cannot be read is an error, and what comes later is read', async () => {
    const { hamok, native } = await createJoinedPeer();
    const errors: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    native.put().u8(99, 1, 2);
    await pause(5);
    native.put().u8(19).text('INVALID_MESSAGE', 'damaged');
    await pause(5);
    expect(errors).toMatchObject([{ code: 'INTERNAL' }, { code: 'INVALID_MESSAGE', message: 'damaged' }]);
  });

  it('a native side that stops by itself closes the peer', async () => {
    const { hamok, native } = await createJoinedPeer();
    const errors: unknown[] = [];
    const lines = record(hamok);

    hamok.on('error', (error) => errors.push(error));
    native.put().u8(19).text('INTERNAL', 'fault').u8(2, 0, 9);
    await pause(5);
    expect(errors).toMatchObject([{ code: 'INTERNAL', message: 'fault' }]);
    expect(lines).toEqual(['state-changed empty leader', 'leader-changed  me', 'close']);
    expect(hamok.closed).toBe(true);
  });
});

describe('commit', () => {
  it('is asked for while somebody listens, and filled', async () => {
    const { hamok, native } = await createJoinedPeer();
    const seen: unknown[] = [];
    const listener = (index: number, message: HamokMessage) => seen.push([index, message]);
    const submitted = new HamokMessage({ type: 20, sourceId: 'b', requestId: 'id' });

    hamok.on('commit', listener);
    hamok.once('commit', () => {});
    native.put().u8(13).f64(7).u32(56).text('b', 'map').list(['k']).list(['v']);
    native.put().u8(13).f64(8).u32(0).text('b', '').u32(0).u32(1).writer.bytes(submitted.toBinary());
    await pause(5);
    expect(seen).toEqual([
      [
        7,
        new HamokMessage({
          protocol: 3,
          type: 56,
          sourceId: 'b',
          storageId: 'map',
          keys: [Uint8Array.from(Buffer.from('k'))],
          values: [Uint8Array.from(Buffer.from('v'))],
        }),
      ],
      [8, submitted],
    ]);
    hamok.off('commit', listener);
    native.put().u8(13).f64(9).u32(56).text('b', 'map').list([]).list([]);
    await pause(5);
    hamok.prependOnceListener('commit', listener);
    expect(native.calls.filter((call) => call.startsWith('watch'))).toEqual([
      'watchCommits(true)',
      'watchCommits(false)',
      'watchCommits(true)',
    ]);
  });

  it('submit waits for the first join and refuses what is no message', async () => {
    const { hamok, native } = createPeer();
    const submitted = hamok.submit(new HamokMessage({ requestId: 'id' }));

    await pause(5);
    expect(native.submits).toBe(0);
    hamok.join();
    native.join();
    await submitted;
    expect(native.submitted).toMatchObject([{ opcode: 7, handle: 0 }]);
    await expect(hamok.submit({} as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('peers and figures', () => {
  it('heartbeat comes while the peer runs', async () => {
    const { hamok, native } = createPeer({ heartbeatInMs: 5 });
    const beat = vi.spyOn(native, 'beat');
    const heard = vi.fn();

    hamok.on('heartbeat', heard);
    await pause(20);
    expect(heard).not.toHaveBeenCalled();
    hamok.join().catch(() => {});
    await once(hamok, 'heartbeat');
    expect(beat).toHaveBeenCalled();
    hamok.close();
    const count = beat.mock.calls.length;
    await pause(20);
    expect(beat.mock.calls.length).toBe(count);
  });

  it('a peer that is added or removed by hand is told once', async () => {
    const { hamok, native } = await createJoinedPeer();
    const lines = record(hamok);

    hamok.addRemotePeerId('b');
    hamok.addRemotePeerId('me');
    native.put().u8(4).text('b').u8(6).text('b').u8(6).text('x');
    await pause(5);
    expect([...hamok.activeRemoteHeartbeats]).toEqual(['b']);
    hamok.removeRemotePeerId('b');
    native.put().u8(5).text('b');
    await pause(5);
    expect(lines).toEqual(['remote-peer-joined b', 'no-heartbeat-from b', 'remote-peer-left b']);
    expect(native.calls.at(-1)).toBe('forget(b)');
  });

  it('waitUntilLeader resolves with a leader and times out without', async () => {
    const { hamok, native } = createPeer();

    await expect(hamok.waitUntilLeader(10)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringMatching(/^Timeout/),
    });
    const waiting = hamok.waitUntilLeader();
    hamok.join();
    native.join();
    await waiting;
    await hamok.waitUntilLeader();
  });

  it('waitUntilCommitHead is asked for after what was called before it', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map' });

    await map.ready;
    void map.set('a', 1);
    const head = hamok.waitUntilCommitHead();
    expect([native.submits, native.calls.at(-1)]).toEqual([1, 'barrier(0)']);
    await head;
  });

  it('waitUntilCommitHead waits until the collections show what is applied, one that was refused excepted', async () => {
    const { hamok, native } = await createJoinedPeer();

    hamok.on('error', () => {});
    native.opens = false;
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    hamok.createMap({ mapId: 'refused' });
    const head = hamok.waitUntilCommitHead().then(() => map.get('a'));
    native.put().u8(10).u32(2).u8(0).text('KIND_MISMATCH', 'refused');
    await pause(5);
    expect(native.calls).not.toContain('barrier(0)');
    native.ready(1, ['"a"', '1']);
    expect(await head).toBe(1);
  });

  it('the views are live', async () => {
    const { hamok, native } = await createJoinedPeer();
    const { raft, grid } = hamok;

    expect(raft.logs).toMatchObject({ commitIndex: -1, nextIndex: 0, firstIndex: 0, size: 0, bytesInMemory: 0 });
    native.figures = [4, 9, 2, 11, 8, 1234, 0, 3];
    native.answers = false;
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    await map.ready;
    map.set('a', 1).catch(() => {});
    expect(raft.logs).toMatchObject({ commitIndex: 9, nextIndex: 11, firstIndex: 2, size: 8, bytesInMemory: 1234 });
    expect([raft.props.currentTerm, raft.state.stateName, raft.leaderId, raft.localPeerId]).toEqual([
      4,
      'leader',
      'me',
      'me',
    ]);
    expect(hamok.stats).toEqual({
      numberOfPendingRequests: 1,
      numberOfOngoingRequests: 3,
      numberOfPendingResponses: 0,
      numberOfRemotePeers: 0,
      raftLogsBytesInMemory: 1234,
    });
    expect([grid.pendingRequests.size, grid.leaderId, map.connection.grid]).toEqual([1, 'me', grid]);
  });
});

describe('remote maps', () => {
  const store = (content: Record<string, number>) => {
    const entries = new Map(Object.entries(content));

    return {
      size: async () => entries.size,
      keys: async () => entries.keys(),
      get: async (key: string) => entries.get(key),
      getAll: async (keys: IterableIterator<string>) =>
        new Map([...keys].filter((key) => entries.has(key)).map((key) => [key, entries.get(key) as number])),
      async *iterator() {
        yield* entries;
      },
    };
  };

  it('reads go to the store, before join too; keys can be awaited and iterated', async () => {
    const { hamok } = createPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: store({ a: 1, b: 0 }) as never });
    const collect = async <T>(items: AsyncIterable<T>) => {
      const all: T[] = [];
      for await (const item of items) all.push(item);
      return all;
    };

    expect([await map.size(), await map.isEmpty(), await map.get('b'), await map.get('x')]).toEqual([
      2,
      false,
      0,
      undefined,
    ]);
    expect(await map.getAll(['b', 'x'])).toEqual(new Map([['b', 0]]));
    expect(await map.getAll(new Set(['a']).values())).toEqual(new Map([['a', 1]]));
    expect([...(await map.keys())]).toEqual(['a', 'b']);
    expect(await collect(map.keys())).toEqual(['a', 'b']);
    expect(await collect(map.iterator())).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
    for await (const key of map.keys()) if (key === 'a') break;
    await expect(map.getAll(5 as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('what a read throws rejects it, and nothing is left unhandled', async () => {
    const { hamok } = createPeer();
    const fail = () => {
      throw new Error('store');
    };
    const map = hamok.createRemoteMap<string, number>({
      mapId: 'map',
      remoteMap: { size: fail, get: fail, keys: fail, getAll: fail, iterator: fail } as never,
    });

    map.keys();
    for (const read of [map.size(), map.isEmpty(), map.get('a'), map.getAll([]), map.keys(), map.keys().next()]) {
      await expect(read).rejects.toThrow('store');
    }
    await expect(map.iterator().next()).rejects.toThrow('store');
    map.close();
    for (const read of [map.size(), map.get('a'), map.keys(), map.iterator().next()]) {
      await expect(read).rejects.toThrow('Cannot get entries from a closed storage (map)');
    }
  });

  it('mutations go to the leader; what it reports is heard', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: {} as never });
    const heard: unknown[] = [];

    for (const event of ['insert', 'update', 'remove', 'clear', 'events-lost'] as const) {
      map.on(event, (...args: unknown[]) => heard.push([event, ...args]));
    }
    await map.ready;
    native.answers = false;
    const set = map.set('a', 1);
    const updated = map.updateIf('a', 2, 1);
    await Promise.resolve();
    expect(native.submitted).toMatchObject([
      { opcode: 6, method: 1, keys: ['"a"'], values: ['1'] },
      { opcode: 6, method: 9, keys: ['"a"'], values: ['2', '1'] },
    ]);
    const [first, second] = native.submitted.map(({ token }) => token);
    native.put().u8(16).u32(1).u32(4).u8(1).text('"a"', '1').u8(2).text('"a"', '1', '2').u8(3).text('"a"', '2').u8(4);
    native.put().u8(18).u32(1);
    native.put().u8(12).u32(first!).u8(1).u32(1).u32(0).u8(1).text('0');
    native.put().u8(12).u32(second!).u8(3).text('CALLBACK_FAILED', 'boom');
    expect(await set).toBe(0);
    await expect(updated).rejects.toMatchObject({ code: 'CALLBACK_FAILED', message: 'boom' });
    expect(heard).toEqual([['insert', 'a', 1], ['update', 'a', 1, 2], ['remove', 'a', 2], ['clear'], ['events-lost']]);
  });

  it('sync is asked for after what was called before it', async () => {
    const { hamok, native } = createPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: {} as never });
    const ends = [map.set('a', 1), map.sync()];

    hamok.join();
    native.join();
    await Promise.all(ends);
    expect([native.submits, native.calls.at(-1)]).toEqual([1, 'barrier(1)']);
    map.close();
    await expect(map.sync()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('the leader executes with the store that it was given', async () => {
    const { hamok, native } = await createJoinedPeer();
    const set = vi.fn(async (_key, _value, callback) => callback(5));
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: { set } as never });

    await map.ready;
    native.put().u8(14).u32(1).f64(3).f64(0).f64(9).u8(1, 1).list(['"a"']).list(['1']);
    await vi.waitFor(() => expect(native.replies).toHaveLength(1));
    expect(set).toHaveBeenCalledWith('a', 1, expect.any(Function), expect.objectContaining({ term: 3, index: 9 }));
    expect(map.export()).toEqual({ mapId: 'map', appliedCommitIndex: -1 });
    expect(map.connection.highestSeenCommitIndex).toBe(9);
  });
});
