/** A peer at work: the messages it takes and gives, the commits it tells of, the peers it knows, its figures. */
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createNativeMessage, HamokMessage } from '../../../facade/messages/HamokMessage';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';
import { record } from './record-events';

afterEach(closePeers);

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
