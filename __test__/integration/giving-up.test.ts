/**
 * Callers that give up by the ten thousands, because nobody leads: each hears so by code, in time, and they cost
 * nothing, neither then nor when the grid is back.
 */
import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, QUICK, until } from '../support/grid';
import { cost } from '../support/processor-time';

const COUNT = 20_000;
const requestTimeoutInMs = 20;

/** Gives the function to call so often, of a collection that is ready. */
type Prepare = (peer: Hamok) => Promise<(number: number) => Promise<unknown>>;

const CALLS: [string, Prepare][] = [
  [
    'set of a map',
    async (peer) => {
      const map = await peer.createMap<string, number>({ mapId: 'map', requestTimeoutInMs }).ready;

      return (number) => map.set(`key-${number}`, number);
    },
  ],
  [
    'updateIf of a map',
    async (peer) => {
      const map = await peer.createMap<string, number>({ mapId: 'map', requestTimeoutInMs }).ready;

      return (number) => map.updateIf('key', number, number - 1);
    },
  ],
  [
    'hasSubscribers of an emitter',
    async (peer) => {
      const emitter = await peer.createEmitter({ emitterId: 'emitter', requestTimeoutInMs }).ready;

      return (number) => emitter.hasSubscribers(`event-${number}`);
    },
  ],
  ['waitUntilCommitHead', async (peer) => () => peer.waitUntilCommitHead()],
];

describe(`${COUNT} calls while nobody leads`, () => {
  it.each(CALLS)('%s: all reject, the event loop goes on, and so does the grid when it is back', async (_, prepare) => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const peer = grid.followers[0]!;
    const maps = grid.peers.map((it) => it.createMap<string, number>({ mapId: 'after' }));
    await Promise.all(maps.map(({ ready }) => ready));
    const call = await prepare(peer);

    grid.cut(peer);
    await until(() => peer.raft.leaderId === undefined, 'it knows of no leader');
    const codes = new Set<unknown>();
    const calls = await cost(async () => {
      const endings = await Promise.allSettled(Array.from({ length: COUNT }, (_, number) => call(number)));

      for (const end of endings) codes.add(end.status === 'rejected' ? end.reason.code : 'none');
    });
    // The second, once it knows that this is for lack of a majority.
    expect([...codes].filter((code) => code !== 'NO_LEADER' && code !== 'NO_QUORUM')).toEqual([]);
    expect(peer.stats.numberOfPendingRequests).toBe(0);

    grid.heal(peer);
    const after = await cost(async () => {
      await grid.settled();
      await maps[grid.peers.indexOf(peer)]!.set('key', 1);
    });
    expect(calls.longestTurnMs).toBeLessThan(1000);
    expect(after.totalMs).toBeLessThan(1500);
  });
});
