/**
 * Events on their way: over a transport that doubles messages late or is slow, very many at once, large, and too large.
 * Each arrives once, and costs no more than it has to.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Hamok, HamokMessage } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createEmitters, idOf, idsOf, listenEverywhere } from '../support/emitters';
import { createGrid, createRandom, ending, type Grid, QUICK, until } from '../support/grid';
import { cost } from '../support/processor-time';

const MIB = 1024 * 1024;

/** An event with another name than those that all tests use. */
const named = (name: string) => name as 'any';

describe('a transport that doubles each message and delivers the doubles 300 ms late', () => {
  const LATE_MS = 300;
  const random = createRandom('emitter-deliveries.test.ts');

  /** From now on doubles what the peers send. @returns how many doubles of a peer are still to come */
  function doubleLate(grid: Grid): (peer: Hamok) => number {
    const coming = new Map<Hamok, number>();
    const count = (peer: Hamok, change: number) => coming.set(peer, (coming.get(peer) ?? 0) + change);

    grid.tap = (bytes, from) => {
      count(from, 1);
      setTimeout(() => {
        // Everybody gets it: peers ignore what is for others.
        for (const to of grid.peers) if (to !== from) to.accept(HamokMessage.fromBinary(bytes));
        count(from, -1);
      }, LATE_MS);
    };

    return (peer) => coming.get(peer) ?? 0;
  }

  it.each([
    ['the leader', (grid: Grid) => grid.leader],
    ['a follower', (grid: Grid) => grid.followers[0]!],
  ])('events of %s, which closes right after them, are heard once', async (_, pick) => {
    const grid = createGrid(3, QUICK, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    const heard = await listenEverywhere(emitters, 'ping');
    const peer = pick(grid);
    const publisher = emitters[grid.peers.indexOf(peer)]!;
    const others = emitters.filter((emitter) => emitter !== publisher);
    const doubles = doubleLate(grid);
    const published: Promise<string[]>[] = [];

    // Some are answered before the end, and some are not.
    grid.link.jitterMs = 20;
    for (let n = 0; n < 200; n++) {
      published.push(publisher.publish('ping', n));
      publisher.notify('ping', 1000 + n);
      await nextTurn();
      if (n === 100) await published[0];
    }
    peer.close();
    const endings = await Promise.allSettled(published);
    expect(doubles(peer)).toBeGreaterThan(0);
    await until(() => doubles(peer) === 0, 'all doubles have come');
    grid.tap = undefined;
    // When these are answered, the doubles have been dealt with.
    await Promise.all(others.map((emitter) => emitter.publish('ping', 2000)));

    const timesHeard = (peerId: string, n: number) =>
      heard[emitters.findIndex((emitter) => idOf(emitter) === peerId)]!.filter((it) => it === n).length;

    for (const emitter of others) {
      const list = heard[emitters.indexOf(emitter)]!;
      expect(list.filter((n, at) => n !== 2000 && list.indexOf(n) !== at)).toEqual([]);
    }
    expect(endings[0]).toMatchObject({ status: 'fulfilled' });
    for (const [n, end] of endings.entries()) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'CLOSED' });
      else for (const peerId of end.value) expect([peerId, n, timesHeard(peerId, n)]).toEqual([peerId, n, 1]);
    }
  });
});

describe('40,000 events with long names in one turn', () => {
  it('arrive, each once and in order, and neither block the event loop nor fill the memory', async () => {
    const COUNT = 40_000;
    const event = named('x'.repeat(200));
    const grid = createGrid(3);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    const [sender, ...receivers] = await listenEverywhere(emitters, event);
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    const residentBefore = process.memoryUsage.rss();
    let carried = 0;

    grid.tap = (bytes) => {
      carried += bytes.length;
    };
    const { longestTurnMs } = await cost(async () => {
      expect(numbers.filter((n) => !emitters[0]!.notify(event, n))).toEqual([]);
      await until(
        () => receivers.every(({ length }) => length >= COUNT),
        () => `all have come: ${receivers.map(({ length }) => length)}`,
      );
    });
    const grown = process.memoryUsage.rss() - residentBefore;
    // What comes twice has come before this is answered.
    await emitters[0]!.publish(event, COUNT);

    for (const list of [sender, ...receivers]) expect(list).toEqual([...numbers, COUNT]);
    expect(longestTurnMs).toBeLessThan(1000);
    expect(grown).toBeLessThan(256 * MIB);
    expect(carried).toBeLessThan(COUNT * receivers.length * 300);
  });
});

describe('a large event over a slow transport', () => {
  // With these the pieces have arrived at a moment that is far from those at which an event is sent again.
  it.each([
    [200, 4_000_000],
    [400, 3_000_000],
  ])('of %i ms arrives once, and is not sent again while it is under way', async (delayMs, size) => {
    const grid = createGrid(3, { electionTimeoutInMs: 12_000, followerMaxIdleInMs: 4000 });
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 20_000 });
    const heard = await listenEverywhere(emitters, 'any');
    const text = 'x'.repeat(size);
    let carried = 0;

    grid.link.delayMs = delayMs;
    grid.tap = (bytes) => {
      carried += bytes.length;
    };
    expect((await emitters[0]!.publish('any', text)).sort()).toEqual(idsOf(emitters));
    await emitters[0]!.publish('any', 'the end');
    expect(carried).toBeGreaterThan(2 * size);
    expect(carried).toBeLessThan(1.1 * 2 * size);
    for (const list of heard) {
      expect(list.map((it) => (it as string).length)).toEqual([size, 'the end'.length]);
      expect(list[0] === text).toBe(true);
    }
  });
});

describe('an event over maxCommandBytes', () => {
  it.each([
    ['the leader', (grid: Grid) => grid.leader],
    ['a follower', (grid: Grid) => grid.followers[0]!],
  ])('of %s is refused by code, and reaches nobody', async (_, pick) => {
    const grid = createGrid(3, { ...QUICK, maxCommandBytes: 10_000 });
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    const heard = await listenEverywhere(emitters, 'any');
    const peer = pick(grid);
    const publisher = emitters[grid.peers.indexOf(peer)]!;
    const errors: unknown[] = [];
    const large = 'x'.repeat(20_000);

    for (const it of grid.peers)
      it.on('error', (error) => errors.push([it.localPeerId, (error as { code?: unknown }).code]));
    const { error } = await ending(publisher.publish('any', large), 'the large event');
    expect(error).toMatchObject({ code: 'COMMAND_TOO_LARGE', message: expect.stringContaining('maxCommandBytes') });
    expect(errors).toEqual([]);

    publisher.notify('any', large);
    await until(() => errors.length > 0, 'the error event');
    const small = 'x'.repeat(9000);
    publisher.notify('any', small);
    expect((await publisher.publish('any', small)).sort()).toEqual(idsOf(emitters));
    for (const [number, list] of heard.entries()) {
      if (emitters[number] !== publisher) expect(list.map((it) => (it as string).length)).toEqual([9000, 9000]);
    }
    expect(errors).toEqual([[peer.localPeerId, 'COMMAND_TOO_LARGE']]);
  });
});
