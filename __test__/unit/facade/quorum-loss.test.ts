/** A grid that has lost its majority: what its peers tell, what callers get, and the operator's way out. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Hamok } from '../../../facade/Hamok';
import type { FakeNativePeer } from './fake-native-peer';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';
import { record } from './record-events';

afterEach(closePeers);

const GRID = '00000000000000a1';
const PARENT = '00000000000000a0';
const OTHER = 'ffffffffffffffff';

/** The leader is lost, and with it the majority. */
const loseQuorum = (native: FakeNativePeer) => native.put().u8(8).u8(3, 0).u8(2, 1).u8(23);
const elect = (native: FakeNativePeer) => native.put().u8(3, 1).text('b');
const reform = (native: FakeNativePeer, missing: readonly string[] = []) =>
  native.put().u8(25).text(GRID, PARENT).f64(2).list(missing);

/** Reads all that the native side has told. */
const heard = () => pause(5);

/** How a request ends that times out at once: the code of its error. */
async function lateCode(hamok: Hamok): Promise<unknown> {
  const map = hamok.getOrCreateMap<string, number>({ mapId: 'map', requestTimeoutInMs: 10 });

  return map.set('a', 1).then(
    () => 'resolved',
    (error) => error.code,
  );
}

/** A peer that has joined, and whose requests nobody answers any more. */
async function createSilentPeer() {
  const peer = await createJoinedPeer();
  const map = peer.hamok.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 10 });

  await map.ready;
  peer.native.answers = false;

  return peer;
}

describe('events', () => {
  it('quorum-lost and quorum-restored come as they are told', async () => {
    const { hamok, native } = await createJoinedPeer();
    const lines = record(hamok);

    loseQuorum(native);
    elect(native).u8(7).u8(24);
    await heard();
    expect(lines).toEqual([
      'rejoining',
      'leader-changed  me',
      'state-changed follower leader',
      'follower',
      'quorum-lost',
      'leader-changed b ',
      'joined',
      'quorum-restored',
    ]);
  });

  it('reformed says which grid goes on from which, and without whom', async () => {
    const { hamok, native } = await createJoinedPeer();
    const reforms: unknown[] = [];
    const lines = record(hamok);

    hamok.on('reformed', (...args) => reforms.push(args));
    loseQuorum(native);
    reform(native, ['c', 'δ']);
    elect(native).u8(7);
    await heard();
    expect(reforms).toEqual([[{ gridId: GRID, parentGridId: PARENT, epoch: 2, missingPeerIds: ['c', 'δ'] }]]);
    expect(lines.slice(4).map((line) => line.split(' ')[0])).toEqual([
      'quorum-lost',
      'reformed',
      'leader-changed',
      'joined',
    ]);
  });

  it('grid-merged says which grid became part of which', async () => {
    const { hamok, native } = await createJoinedPeer();
    const merges: unknown[] = [];

    hamok.on('grid-merged', (...args) => merges.push(args));
    native.put().u8(26).text(GRID, OTHER).f64(7);
    await heard();
    expect(merges).toEqual([[{ gridId: GRID, mergedGridId: OTHER, epoch: 7 }]]);
  });

  it('a listener that throws stops none of them', async () => {
    const { hamok, native } = await createJoinedPeer();
    const lines = record(hamok);
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));

    hamok.on('quorum-lost', () => {
      throw new Error('listener');
    });
    native.put().u8(23).u8(24);
    expect(await uncaught).toMatchObject({ message: 'listener' });
    expect(lines).toEqual(['quorum-lost', 'quorum-restored']);
  });

  it('a peer that leaves tells none of them', async () => {
    const { hamok, native } = await createJoinedPeer();
    const lines = record(hamok);
    const left = hamok.leave();

    native.put().u8(23).u8(24);
    reform(native).u8(26).text(GRID, OTHER).f64(3).u8(9);
    await left;
    expect(lines).toEqual(['leader-changed  me', 'state-changed empty leader', 'left']);
  });
});

describe('requests', () => {
  it('reject with NO_LEADER, and with NO_QUORUM from quorum-lost on', async () => {
    const { hamok, native } = await createSilentPeer();

    native.put().u8(8).u8(3, 0);
    await heard();
    expect(await lateCode(hamok)).toBe('NO_LEADER');
    native.put().u8(23);
    await heard();
    expect(await lateCode(hamok)).toBe('NO_QUORUM');
  });

  it('of the grid itself do so too', async () => {
    const { hamok, native } = await createSilentPeer();

    loseQuorum(native);
    await heard();
    await expect(hamok.waitUntilCommitHead()).rejects.toMatchObject({ code: 'NO_QUORUM' });
  }, 10_000);

  it.each<[string, (native: FakeNativePeer) => unknown]>([
    ['quorum-restored', (native) => native.put().u8(24)],
    ['reformed', (native) => reform(native)],
    ['a leader of any grid', elect],
  ])('%s ends it', async (_name, end) => {
    const { hamok, native } = await createSilentPeer();

    loseQuorum(native);
    end(native);
    native.put().u8(3, 0);
    await heard();
    expect(await lateCode(hamok)).toBe('NO_LEADER');
  });

  it('leave() ends it', async () => {
    const { hamok, native } = await createSilentPeer();

    loseQuorum(native);
    await heard();
    const left = hamok.leave();
    native.put().u8(9);
    await left;
    expect(await lateCode(hamok)).toBe('NO_LEADER');
  });
});

describe('forceReform', () => {
  const forced = ({ calls }: FakeNativePeer) => calls.filter((call) => call === 'forceReform').length;

  it('is handed on while nobody leads', async () => {
    const { hamok, native } = await createJoinedPeer();

    hamok.forceReform();
    expect(forced(native)).toBe(0);
    loseQuorum(native);
    await heard();
    expect(hamok.forceReform()).toBe(undefined);
    expect(forced(native)).toBe(1);
    elect(native);
    await heard();
    hamok.forceReform();
    expect(forced(native)).toBe(1);
  });

  it('does nothing on a peer that does not run: nothing of it waits for the next join', async () => {
    const { hamok, native } = createPeer();

    hamok.forceReform();
    hamok.join().catch(() => {});
    native.join();
    await hamok.ready;
    loseQuorum(native);
    await heard();
    const left = hamok.leave();
    hamok.forceReform();
    native.put().u8(9);
    await left;
    hamok.forceReform();
    expect(forced(native)).toBe(0);
  });
});
