/** Remote maps on a store that is exact: epochs, batches, refusals, and what users see of the store's state. */
import type { Hamok, HamokRemoteMap, HamokRemoteMapBuilderConfig } from 'hamok';
import type { BatchContext, MemoryStoreHooks, StoreOperation } from 'hamok/lib/stores/memory';
import { createMemoryStore, MemoryDatabase as Database, type MemoryDatabase } from 'hamok/lib/stores/memory';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, QUICK, until, useGrid } from '../support/grid';

type Batch = { by: string; operations: readonly StoreOperation<string, number>[]; context: BatchContext };

/** A map on each of these peers, over one database, and what their stores were asked. */
function exact(
  peers: readonly Hamok[],
  {
    database = new Database(),
    hooks = {},
    mapId = 'exact',
    ...config
  }: Partial<HamokRemoteMapBuilderConfig<string, number>> & {
    database?: MemoryDatabase;
    hooks?: MemoryStoreHooks;
  } = {},
) {
  const batches: Batch[] = [];
  const claims: [peerId: string, gridId: string][] = [];
  const maps = peers.map((peer) => {
    const store = createMemoryStore<string, number>({ database, name: mapId, hooks });
    const { acquire, applyBatch } = store;

    store.acquire = (gridId) => {
      claims.push([peer.localPeerId, gridId]);
      return acquire.call(store, gridId);
    };
    store.applyBatch = (operations, context) => {
      batches.push({ by: peer.localPeerId, operations, context });
      return applyBatch.call(store, operations, context);
    };

    return peer.createRemoteMap<string, number>({ mapId, remoteMap: store, ...config });
  });
  const of = (peer: Hamok) => maps[peers.indexOf(peer)] as HamokRemoteMap<string, number>;

  return { database, batches, claims, maps, of };
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

describe('the leader', () => {
  const grid = useGrid(3, { ongoingRequestsSendingPeriodInMs: 100 });

  it('claims the store once, before it writes, and its successor goes on in the same epoch', async () => {
    const { batches, claims, maps } = exact(grid().peers, { mapId: 'claims' });
    const first = grid().leader;

    await Promise.all(maps.map((map, number) => map.set(`key-${number}`, number)));
    expect(claims).toHaveLength(1);
    expect(claims[0]?.[0]).toBe(first.localPeerId);
    expect(batches.every(({ by, context }) => by === first.localPeerId && context.epoch === 1)).toBe(true);
  });

  it('hands over what waits in one batch, in order', async () => {
    const { batches, of } = exact(grid().peers, { mapId: 'batches' });
    const map = of(grid().followers[0]!);
    const old = await Promise.all(numbers(300).map((number) => map.set('key', number)));

    expect(old).toEqual([undefined, ...numbers(299)]);
    expect(batches.length).toBeLessThan(50);

    const all = batches.flatMap(({ operations }) => operations);
    const indexes = all.map(({ index }) => index);

    expect(all.map((operation) => 'value' in operation && operation.value)).toEqual(numbers(300));
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(300);
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    expect(new Set(indexes).size).toBe(300);
  });

  it('asks a store again that has lost a request or an answer, and every operation takes effect once', async () => {
    const lose = (every: number) => {
      let calls = 0;
      return () => {
        if (++calls % every === 1) throw new Error('lost');
      };
    };
    const told: string[] = [];
    const { maps } = exact(grid().peers, { mapId: 'lossy', hooks: { before: lose(7), after: lose(5) } });

    for (const map of maps) {
      map.on('store-down', ({ message }) => told.push(message));
      map.on('store-up', () => told.push('up'));
    }
    await maps[0]!.set('count', 0);
    await Promise.all(
      maps.map(async (map) => {
        for (let done = 0; done < 10; ) {
          const count = (await map.get('count', { linearizable: true }))!;
          if (await map.updateIf('count', count + 1, count)) done++;
        }
      }),
    );
    expect(await maps[0]!.get('count')).toBe(30);
    expect(told.slice(0, 2)).toEqual(['lost', 'up']);
    expect(maps.map(({ stats }) => stats.repeated).some((repeated) => repeated > 0)).toBe(true);
  });

  it('asks a store again that is down, while everybody who waits hears of it in time', async () => {
    let down = true;
    const before = () => {
      if (down) throw new Error('down');
    };
    const { maps, of } = exact(grid().peers, { mapId: 'down', hooks: { before }, requestTimeoutInMs: 1000 });
    const sets = maps.flatMap((map, peer) => [1, 2].map((number) => map.set(`${peer}-${number}`, number)));

    await until(() => maps.every(({ stats }) => stats.lag === 6), 'all are ordered');
    const waiting = [...sets, maps[0]!.sync(), maps[1]!.get('key', { linearizable: true })];
    const ends = await Promise.all(waiting.map((promise) => ending<unknown>(promise, 'a call', 5000)));

    for (const end of ends) expect(end).toMatchObject({ error: { code: 'TIMEOUT' } });
    down = false;
    await until(() => of(grid().leader).stats.lag === 0, 'all is executed');
    expect(await maps[0]!.size()).toBe(6);
  });

  it('tells when a call takes long, and what waits', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { maps, of } = exact(grid().peers, { mapId: 'slow', hooks: { before: () => gate } });
    const map = of(grid().followers[0]!);
    const slow: number[] = [];

    of(grid().leader).on('store-slow', (ms) => slow.push(ms));
    const sets = Promise.all(numbers(5).map((number) => map.set('key', number)));
    await until(() => map.stats.lag === 5, 'the operations are ordered');
    expect(map.stats.pending).toBe(5);
    await until(() => slow.length > 0, 'store-slow');
    expect(slow[0]).toBeGreaterThan(900);
    open();
    await sets;
    await until(() => maps.every(({ stats }) => stats.lag === 0), 'all is known to be done');
    expect(map.stats.pending).toBe(0);

    const { executed, failed, storeTimeInMs } = of(grid().leader).stats;
    expect([executed, failed]).toEqual([5, 0]);
    expect(storeTimeInMs.p99).toBeGreaterThanOrEqual(storeTimeInMs.p50);
    expect(storeTimeInMs.p99).toBeGreaterThan(900);
  });

  it('a read that is linearizable waits for what was ordered before', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { of } = exact(grid().peers, { mapId: 'linearizable', hooks: { before: () => gate } });
    const [writer, reader] = grid().followers.map(of) as [
      HamokRemoteMap<string, number>,
      HamokRemoteMap<string, number>,
    ];
    const set = writer.set('key', 1);

    await until(() => writer.stats.lag === 1, 'the write is ordered');
    const read = reader.get('key', { linearizable: true });
    expect(await reader.get('key')).toBeUndefined();
    open();
    expect(await read).toBe(1);
    await set;
  });

  it('more than maxPendingOperations are refused, and nothing of them is done', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { maps, of } = exact(grid().peers, {
      mapId: 'bounded',
      maxPendingOperations: 10,
      maxOutboundMessageKeys: 1,
      hooks: { before: () => gate },
    });
    const [map, other] = grid().followers.map(of) as [HamokRemoteMap<string, number>, HamokRemoteMap<string, number>];
    const ends = numbers(15).map((number) => ending(map.set(`key-${number}`, number), `set ${number}`));

    await until(() => other.stats.lag === 10, 'ten are ordered');
    expect((await ending(other.set('other', 1), 'set')).error).toMatchObject({ code: 'TOO_MANY_PENDING' });
    expect((await ending(map.clear(), 'clear')).error).toMatchObject({ code: 'TOO_MANY_PENDING' });
    open();
    const codes = (await Promise.all(ends)).map(({ error }) => (error as { code?: string } | undefined)?.code);
    expect(codes).toEqual([...numbers(10).map(() => undefined), ...numbers(5).map(() => 'TOO_MANY_PENDING')]);
    await until(() => maps.every(({ stats }) => stats.lag === 0), 'all is done');
    const parts = map.setAll(new Map(numbers(11).map((number) => [`part-${number}`, number])));
    expect((await ending(parts, 'setAll')).error).toMatchObject({ code: 'TOO_MANY_PENDING' });
    await map.sync();
    expect(await map.size()).toBe(10);
    expect(await other.set('other', 1)).toBeUndefined();
  });
});

describe('what the store has done', () => {
  it.each(['at once', 'when the leader was out of office'])(
    'is known to the listeners of the leader and then to its callers, and is told nobody twice; healed %s',
    async (when) => {
      const grid = createGrid(3, QUICK);
      let answer = () => {};
      let held = false;
      const hooks: MemoryStoreHooks = {
        after: () => (held ? new Promise<void>((resolve) => (answer = resolve)) : undefined),
      };
      const { batches, maps, of } = exact(grid.peers, { hooks });
      const allKnow = () => until(() => maps.every(({ stats }) => stats.lag === 0), 'all know');

      await grid.join();
      const { leader, followers } = grid;
      const heard: string[][] = maps.map(() => []);
      const own = heard[grid.peers.indexOf(leader)];
      let quorumLost = false;

      leader.on('quorum-lost', () => (quorumLost = true));
      for (const [peer, map] of maps.entries()) {
        map.on('insert', (key, value) => heard[peer]?.push(`insert ${key} ${value}`));
        map.on('update', (key, old, value) => heard[peer]?.push(`update ${key} ${old} ${value}`));
      }
      await of(leader).set('a', 1);
      expect(own).toEqual(['insert a 1']);
      await allKnow();

      held = true;
      const set = of(leader).set('a', 2);
      await until(() => maps.every(({ stats }) => stats.lag === 1), 'it is ordered');
      for (const peer of followers) grid.cut(peer);
      answer();
      expect(await set).toBe(1);
      expect(own).toEqual(['insert a 1', 'update a 1 2']);
      held = false;
      const calls = batches.length;
      if (when !== 'at once') await until(() => quorumLost, 'the quorum is lost');
      for (const peer of followers) grid.heal(peer);

      await allKnow();
      if (when !== 'at once') expect(batches.length, 'it was handed over again').toBeGreaterThan(calls);
      await until(() => heard.every(({ length }) => length >= 2), 'all have heard');
      await maps[0]!.set('b', 1);
      await until(() => heard.every((texts) => texts.at(-1) === 'insert b 1'), 'all have heard of the next');
      expect(heard).toEqual(maps.map(() => ['insert a 1', 'update a 1 2', 'insert b 1']));
    },
  );

  it('waits no longer, so that one operation at a time is never too many', async () => {
    const grid = createGrid(3);
    const { of } = exact(grid.peers, { maxPendingOperations: 1 });

    await grid.join();
    const map = of(grid.leader);

    for (const number of numbers(100)) expect(await map.set('key', number)).toBe(number > 0 ? number - 1 : undefined);
  });
});

describe('two grids on one store', () => {
  it('the later one has it; the other stops, says so, and takes it back when it is told to', async () => {
    const database = new Database();
    const [first, second] = [createGrid(2), createGrid(2)];

    await Promise.all([first.join(), second.join()]);
    const [ours, theirs] = [exact(first.peers, { database }), exact(second.peers, { database })];
    const errors: unknown[] = [];

    first.leader.on('error', (error) => errors.push(error));
    await ours.maps[0]!.set('key', 1);
    await theirs.maps[0]!.set('key', 2);

    const late = ours.maps[1]!.set('key', 3);
    await until(() => errors.length > 0, 'the first grid hears of it');
    expect(errors).toMatchObject([{ code: 'STALE_EPOCH' }]);
    expect(await ours.maps[0]!.get('key')).toBe(2);

    await ours.maps[0]!.acquire();
    expect(await late).toBe(2);
    expect(await ours.maps[0]!.get('key')).toBe(3);
    expect(ours.claims.map(([, gridId]) => gridId)).toHaveLength(2);
    expect(new Set(ours.claims.map(([, gridId]) => gridId)).size).toBe(2);
  });

  it('a grid that begins anew outranks the one before it', async () => {
    const database = new Database();

    for (const round of numbers(3)) {
      const grid = createGrid(2);
      const { maps, batches } = exact(grid.peers, { database });

      await grid.join();
      expect(await maps[0]!.set('round', round)).toBe(round > 0 ? round - 1 : undefined);
      expect(batches.map(({ context }) => context.epoch)).toEqual([round + 1]);
      for (const peer of grid.peers) peer.close();
    }
  });
});

describe('a leader that is gone', () => {
  it.each(['before', 'after'] as const)(
    'in the middle of a call, %s it took effect: nothing is lost or done twice',
    async (when) => {
      const grid = createGrid(3, QUICK);
      let dying = false;
      const hooks: MemoryStoreHooks = {
        [when]: () => {
          if (!dying) return;
          dying = false;
          grid.leader.close();
          throw new Error('the process is gone');
        },
      };
      const { maps, of } = exact(grid.peers, { hooks });

      await grid.join();
      const writers = grid.followers.map(of);
      await maps[0]!.set('count', 0);
      dying = true;
      await Promise.all(
        writers.map(async (map) => {
          for (let done = 0; done < 20; ) {
            const count = (await map.get('count', { linearizable: true }))!;
            if (await map.updateIf('count', count + 1, count)) done++;
          }
        }),
      );
      expect(dying).toBe(false);
      expect(await writers[0]!.get('count')).toBe(40);
    },
  );
});
