/** A peer from its options to its close: what join, leave, the loss of the leader and close do and tell, in order. */

import { afterEach, describe, expect, it } from 'vitest';
import { Hamok } from '../../../facade/Hamok';
import type { HamokConfig } from '../../../facade/HamokConfig';
import { HamokMessage } from '../../../facade/messages/HamokMessage';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';
import { record } from './record-events';

afterEach(closePeers);

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
      quorumLoss: 0,
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

  it.each([
    ['reform', 0],
    ['wait', 1],
    ['available', 2],
  ] as const)('quorumLoss %s is %i to the native side', (quorumLoss, expected) => {
    expect(createPeer({ quorumLoss }).native.options).toMatchObject({ quorumLoss: expected });
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
    { quorumLoss: 'never' },
    { quorumLoss: 'toString' },
    { quorumLoss: ['wait'] },
    { quorumLoss: 1 },
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
    expect(() => hamok.forceReform()).toThrow(
      expect.objectContaining({ code: 'CLOSED', message: 'Cannot force a reform on a closed Hamok instance' }),
    );
    hamok.removeRemotePeerId('b');
    hamok.accept(new HamokMessage());
  });
});
