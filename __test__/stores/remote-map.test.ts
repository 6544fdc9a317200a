/** The stores under remote maps of real grids. */
import type { HamokRemoteMap } from 'hamok';
import { createMemoryStore, MemoryDatabase } from 'hamok/lib/stores/memory';
import type { ExactStore } from 'hamok/lib/stores/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGrid, until } from '../support/grid';
import { type OpenedStore, openStore, type StoreServer, startStoreServer } from './support/StoreServer';

describe.each(['memory', 'redis', 'postgres'] as const)('a remote map on %s', (kind) => {
  let server: StoreServer | undefined;
  const opened: OpenedStore<number>[] = [];
  const database = new MemoryDatabase();

  beforeAll(async () => {
    if (kind !== 'memory') server = await startStoreServer(kind);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  afterAll(() => server?.stop());

  const open = (name: string): ExactStore<string, number> => {
    if (!server) return createMemoryStore({ database, name });
    opened.push(openStore(server.kind, server.port, name));

    return opened.at(-1)!.store;
  };

  /** A grid of three, in which each peer has the map over an object of its own. */
  async function gridOn(mapId: string) {
    const grid = createGrid(3);
    const maps = grid.peers.map((peer) => peer.createRemoteMap({ mapId, remoteMap: open(mapId) }));

    await grid.join();

    return { grid, maps: maps as [HamokRemoteMap<string, number>, ...HamokRemoteMap<string, number>[]] };
  }

  it('does every operation', async () => {
    const { maps } = await gridOn('all');

    for (const [number, map] of maps.entries()) {
      const key = (name: string) => `${name}-${number}`;
      const entries = (all: Record<string, number>) =>
        new Map(Object.entries(all).map(([name, value]) => [key(name), value]));

      expect(await map.set(key('a'), 1)).toBe(undefined);
      expect(await map.set(key('a'), 0)).toBe(1);
      expect(await map.insert(key('a'), 3)).toBe(0);
      expect(await map.insert(key('b'), 4)).toBe(undefined);
      expect(await map.setAll(entries({ a: 5, c: 6 }))).toEqual(entries({ a: 0 }));
      expect(await map.insertAll(entries({ c: 7, d: 8 }))).toEqual(entries({ c: 6 }));
      expect(await map.updateIf(key('d'), 9, 8)).toBe(true);
      expect(await map.updateIf(key('d'), 10, 8)).toBe(false);
      expect(await map.getAll([key('a'), key('b'), key('x')])).toEqual(entries({ a: 5, b: 4 }));
      expect(await map.remove(key('a'))).toBe(true);
      expect(await map.delete(key('x'))).toBe(false);
      expect(await map.removeAll([key('b'), key('x')])).toEqual(entries({ b: 4 }));
      expect(await map.deleteAll([key('c'), key('x')])).toEqual(new Set([key('c')]));
      expect(await map.get(key('d'))).toBe(9);
    }
    expect(await maps[0].size()).toBe(3);
    expect([...(await maps[0].keys())].sort()).toEqual(['d-0', 'd-1', 'd-2']);
    await maps[0].clear();
    expect(await maps[0].isEmpty()).toBe(true);
  });

  it('the leader is gone in the middle of a stream: the numbers of each key rise', async () => {
    const { grid, maps } = await gridOn('stream');
    const leader = grid.leader;
    const seen = new Map<string, number>();
    let acknowledged = 0;
    let stopped = false;

    const writers = maps
      .filter((_, index) => grid.peers[index] !== leader)
      .map(async (map, writer) => {
        for (let number = 1; !stopped; number++) {
          await map.set(`key-${writer}`, number);
          seen.set(`key-${writer}`, number);
          acknowledged++;
        }
      });

    await until(() => acknowledged > 50, 'sets are acknowledged');
    leader.close();

    const before = acknowledged;

    await until(() => acknowledged > before + 50, 'the others go on');
    stopped = true;
    await Promise.all(writers);
    expect(await open('stream').getAll(seen.keys())).toEqual(seen);
  });
});
