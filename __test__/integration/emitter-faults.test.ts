/**
 * An emitter whose peers leave, are closed, are cut off and come back, and whose transport loses, repeats and reorders
 * messages: publishers wait for nobody who is gone, events arrive once, and all peers come to know the same
 * subscriptions.
 */
import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import {
  alike,
  type Config,
  createEmitters,
  type Emitter,
  type Events,
  idOf,
  idsOf,
  listenEverywhere,
  type Meta,
  none,
} from '../support/emitters';
import { createGrid, createRandom, elapsedMs, type Grid, QUICK, until } from '../support/grid';

describe('peers that go and come', () => {
  /** A grid whose peers all listen, and what they hear. */
  async function listening(config: Config = {}): Promise<{ grid: Grid; emitters: Emitter[]; heard: unknown[][] }> {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000, ...config });
    const heard = await listenEverywhere(emitters, 'ping');

    return { grid, emitters, heard };
  }

  const followerOf = (grid: Grid) => grid.peers.indexOf(grid.followers[0]!);
  const leaderOf = (grid: Grid) => grid.peers.indexOf(grid.leader);

  it.each([
    ['is closed', (peer: Hamok) => peer.close()],
    ['leaves', (peer: Hamok) => void peer.leave()],
  ])('publish does not wait for a subscriber that %s', async (_name, go) => {
    const { grid, emitters, heard } = await listening();
    const gone = followerOf(grid);
    const publisher = emitters[leaderOf(grid)]!;
    let received: string[] = [];

    grid.link.delayMs = 20;
    const tookMs = await elapsedMs(async () => {
      const published = publisher.publish('ping', 1);
      go(grid.peers[gone]!);
      received = await published;
    });
    const stay = idsOf(emitters.filter((_, number) => number !== gone));
    expect(received).toEqual(expect.arrayContaining(stay));
    // One that leaves may have heard it before, and may have said so in time.
    const called = idsOf(emitters.filter((_, number) => heard[number]!.length > 0));
    expect(called).toEqual(expect.arrayContaining(received));
    expect(tookMs).toBeLessThan(2000);
    expect((await publisher.publish('ping', 2)).sort()).toEqual(stay);
  });

  it('publish does not wait for a subscriber that is cut off, once the grid has dropped it', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    const published = stay.map((emitter) => emitter.publish('ping', 1));
    for (const received of await Promise.all(published)) expect(received.sort()).toEqual(idsOf(stay));
  });

  it('publish of a peer that is cut off itself rejects in time, and works again when it is back', async () => {
    const { grid, emitters, heard } = await listening({ requestTimeoutInMs: 1000 });
    const gone = followerOf(grid);

    grid.cut(grid.peers[gone]!);
    // It may or may not have noticed by then.
    await expect(emitters[gone]!.publish('ping', 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(TIMEOUT|NO_LEADER|NO_QUORUM)$/),
    });
    expect(heard.map(({ length }) => length)).toEqual(emitters.map((_, number) => (number === gone ? 1 : 0)));
    grid.heal(grid.peers[gone]!);
    await grid.settled();
    await until(() => emitters[gone]!.connection.connected, 'it is back');
    expect((await emitters[gone]!.publish('ping', 2)).sort()).toEqual(idsOf(emitters));
  });

  it('publish goes on when the leader is gone', async () => {
    const { grid, emitters } = await listening();
    const gone = leaderOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    const [received] = await Promise.all([stay[0]!.publish('ping', 1), grid.settled()]);
    expect(received!.sort()).toEqual(idsOf(stay));
  });

  it('times out when a subscriber of the grid does not answer in time', async () => {
    const grid = createGrid(2);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 100 });
    await listenEverywhere(emitters, 'ping');
    grid.link.delayMs = 300;

    await expect(emitters[0]!.publish('ping', 1)).rejects.toThrow(/^Timeout/);
  });

  it('subscriptions stay when a peer leaves, and cleanup names those that it drops', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    await grid.peers[gone]!.leave();
    await until(() => grid.running.every(({ remotePeerIds }) => remotePeerIds.size === 1), 'the others know');
    expect(stay[0]!.subscriptions.getPeerIds('ping')?.size).toBe(3);
    expect(await stay[0]!.cleanup()).toEqual(new Set([idOf(emitters[gone]!)]));
    expect(await stay[1]!.cleanup()).toBe(undefined);
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  it('a peer that leaves and joins again subscribes to what it subscribed to, cleaned up or not', async () => {
    const { grid, emitters, heard } = await listening();
    const gone = followerOf(grid);
    const emitter = emitters[gone]!;
    const id = idOf(emitter);
    const all = Object.fromEntries(idsOf(emitters).map((it) => [it, it === id ? { n: 7 } : null]));

    await emitter.updateSubscriptionMetaData('ping', { n: 7 });
    for (const clean of [false, true]) {
      await grid.peers[gone]!.leave();
      await until(() => grid.running.every(({ remotePeerIds }) => remotePeerIds.size === 1), 'the others know');
      const cleaned = clean ? new Set([id]) : undefined;
      const cleaner = emitters[leaderOf(grid)]!;
      expect(clean ? await cleaner.cleanup() : undefined).toEqual(cleaned);
      await grid.peers[gone]!.join();
      await alike(emitters, { ping: all });
    }
    await grid.settled();
    expect((await emitters[leaderOf(grid)]!.publish('ping', 1)).sort()).toEqual(idsOf(emitters));
    expect(heard[gone]).toEqual([1]);
  });

  it('a peer that was cut off and cleaned up is on the list again when it is back', async () => {
    const { grid, emitters } = await listening({ autoClean: true });
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
    grid.heal(grid.peers[gone]!);
    await alike(emitters, { ping: Object.fromEntries(idsOf(emitters).map((id) => [id, null])) });
  });

  it.each([
    ['a follower', (grid: Grid) => grid.followers[0]!],
    ['the leader', (grid: Grid) => grid.leader],
  ])('with autoClean nothing is left of %s that is closed', async (_name, pick) => {
    const { grid, emitters } = await listening({ autoClean: true });
    const gone = grid.peers.indexOf(pick(grid));
    const stay = emitters.filter((_, number) => number !== gone);

    grid.peers[gone]!.close();
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  /** A grid of five that listen; one has gone, and right after it the leader, so that for a moment nobody leads. */
  async function leftByTwo(go: (peer: Hamok) => void, config: Config): Promise<{ stay: Emitter[]; gone: Set<string> }> {
    const grid = createGrid(5, QUICK);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000, ...config });
    await listenEverywhere(emitters, 'ping');
    const gone = [grid.followers[0]!, grid.leader];

    await emitters[grid.peers.indexOf(gone[0]!)]!.subscribe('pong', none);
    go(gone[0]!);
    gone[1]!.close();

    return {
      stay: emitters.filter((_, number) => !gone.includes(grid.peers[number]!)),
      gone: new Set(gone.map(({ localPeerId }) => localPeerId)),
    };
  }

  it.each<[string, (peer: Hamok) => void]>([
    ['closes', (peer) => peer.close()],
    ['leaves', (peer) => void peer.leave()],
  ])('with autoClean nothing is left of a peer that %s right before the leader closes', async (_, go) => {
    const { stay } = await leftByTwo(go, { autoClean: true });

    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  it('cleanup waits for a leader, and then takes off all that have closed before', async () => {
    const { stay, gone } = await leftByTwo((peer) => peer.close(), {});
    const cleaned = await Promise.all(stay.map((emitter) => emitter.cleanup()));

    expect(new Set(cleaned.flatMap((ids) => [...(ids ?? [])]))).toEqual(gone);
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  it('cleanup of a peer that is cut off waits until it is back, and takes off nobody', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const removed: string[] = [];

    for (const { subscriptions } of emitters) subscriptions.on('removed', (_, peerId) => removed.push(peerId));
    grid.cut(grid.peers[gone]!);
    await until(() => grid.peers[gone]!.remotePeerIds.size === 0, 'it hears nobody');
    const cleaned = emitters[gone]!.cleanup();
    grid.heal(grid.peers[gone]!);
    expect(await cleaned).toBe(undefined);
    await alike(emitters, { ping: Object.fromEntries(idsOf(emitters).map((id) => [id, null])) });
    expect(removed).toEqual([]);
  });

  it('a new process of the same peer id takes over what it subscribes to, and drops the rest', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const id = idOf(emitters[gone]!);
    const stay = emitters.filter((_, number) => number !== gone);

    await emitters[gone]!.subscribe('pong', none, { n: 1 });
    grid.peers[gone]!.close();
    const again = grid.add({ peerId: id });
    const emitter = again.createEmitter<Events, Meta>({ emitterId: emitters[0]!.id });
    const subscribed = emitter.subscribe('pong', none, { n: 2 });
    await again.join();
    await subscribed;
    await alike([emitter, ...stay], {
      ping: Object.fromEntries(idsOf(stay).map((it) => [it, null])),
      pong: { [id]: { n: 2 } },
    });
  });

  it('before a rejoin, calls wait for it', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const emitter = emitters[gone]!;

    await grid.peers[gone]!.leave();
    const subscribed = emitter.subscribe('pong', none);
    const asked = emitter.hasSubscribers('pong', true);
    await grid.peers[gone]!.join();
    await subscribed;
    expect(await asked).toBe(true);
  });
});

describe('a transport that loses, repeats and reorders messages', () => {
  const random = createRandom('emitter-faults.test.ts');
  const lossy = { jitterMs: 15, loss: 0.05, duplication: 0.1 };

  it('publish reaches every subscriber exactly once', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000 });
    const heard = await listenEverywhere(emitters, 'ping');
    Object.assign(grid.link, lossy);

    const numbers = Array.from({ length: 300 }, (_, n) => n);
    const published = numbers.map((n) => emitters[n % 3]!.publish('ping', n));
    for (const received of await Promise.all(published)) expect(received.sort()).toEqual(['a', 'b', 'c']);
    for (const list of heard) {
      expect((list as number[]).filter((it) => it !== undefined).sort((a, b) => a - b)).toEqual(numbers);
    }
  });

  it('notify reaches every subscriber at most once', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    const heard = await listenEverywhere(emitters, 'ping');
    Object.assign(grid.link, { jitterMs: 15, duplication: 0.5 });

    for (let n = 0; n < 300; n++) emitters[n % 3]!.notify('ping', n);
    await until(() => heard.every(({ length }) => length >= 300), 'everybody has heard everything');
    // What is sent twice arrives before this is answered, or was known to be a double.
    await Promise.all(emitters.map((emitter) => emitter.publish('ping', 300)));
    for (const list of heard) expect(new Set(list).size).toBe(301);
    for (const list of heard) expect(list).toHaveLength(303);
  });

  it('subscriptions settle', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000 });
    Object.assign(grid.link, lossy);

    for (let n = 0; n < 3; n++) {
      await Promise.all(emitters.map((emitter) => emitter.subscribe('ping', none, { n })));
      if (n < 2) await Promise.all(emitters.map((emitter) => emitter.unsubscribe('ping', none)));
    }
    await alike(emitters, { ping: { a: { n: 2 }, b: { n: 2 }, c: { n: 2 } } });
  });
});
