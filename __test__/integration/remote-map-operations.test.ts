/**
 * What the operations of a remote map do: each one's result, what it leaves in the store, and the events that all peers
 * hear, whether the leader or a follower calls it; and the one order in which operations of several callers run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { HamokRemoteMap, type HamokRemoteMapBuilderConfig } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, QUICK, until, useGrid } from '../support/grid';
import { entries } from '../support/maps';
import { share } from '../support/remote-maps';

const FALSY = [0, '', false, null];

/** Waits until every map has emitted exactly these events. */
async function allHeard(heard: readonly unknown[][][], expected: readonly unknown[][]): Promise<void> {
  await until(
    () => heard.every(({ length }) => length >= expected.length),
    () => `all hear: ${JSON.stringify(heard)}`,
  );
  for (const events of heard) expect(events).toEqual(expected);
}

describe.each(['leader', 'follower'] as const)('every operation, its result and its events, from a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  const create = <V>(config: Partial<HamokRemoteMapBuilderConfig<string, V>> = {}) => {
    const shared = share<V>(grid().peers, config);

    return { ...shared, map: shared.of(peer()) };
  };

  it('set gives the old value', async () => {
    const { map, store, heard } = create<number>();

    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
    expect(store.entries).toEqual(new Map([['a', 2]]));
    expect(store.log.every(({ by }) => by === grid().leader.localPeerId)).toBe(true);
    await allHeard(heard, [
      ['insert', 'a', 1],
      ['update', 'a', 1, 2],
    ]);
  });

  it('setAll gives the old values of the keys that existed', async () => {
    const { map, store, heard } = create<number>();
    await map.set('b', 1);

    const old = await map.setAll(
      new Map([
        ['b', 2],
        ['a', 3],
      ]),
    );
    expect(old).toBeInstanceOf(Map);
    expect(old).toEqual(new Map([['b', 1]]));
    expect(await map.setAll(new Map())).toEqual(new Map());
    expect(store.entries).toEqual(
      new Map([
        ['b', 2],
        ['a', 3],
      ]),
    );
    await allHeard(heard, [
      ['insert', 'b', 1],
      ['insert', 'a', 3],
      ['update', 'b', 1, 2],
    ]);
  });

  it('insert gives the existing value, and then changes nothing', async () => {
    const { map, store, heard } = create<number>();

    expect(await map.insert('a', 1)).toBe(undefined);
    expect(await map.insert('a', 2)).toBe(1);
    expect(store.entries).toEqual(new Map([['a', 1]]));
    await map.set('end', 0);
    await allHeard(heard, [
      ['insert', 'a', 1],
      ['insert', 'end', 0],
    ]);
  });

  it('insertAll gives the existing entries, and sets the others', async () => {
    const { map, store, heard } = create<number>();

    expect(await map.insertAll(new Map([['a', 1]]))).toEqual(new Map());
    expect(
      await map.insertAll([
        ['b', 2],
        ['a', 3],
      ]),
    ).toEqual(new Map([['a', 1]]));
    expect(store.entries).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
    await allHeard(heard, [
      ['insert', 'a', 1],
      ['insert', 'b', 2],
    ]);
  });

  it('delete and remove say whether the key existed', async () => {
    const { map, store, heard } = create<number>();
    await map.setAll(entries(1, 2));

    expect(await map.delete('key-1')).toBe(true);
    expect(await map.delete('key-1')).toBe(false);
    expect(await map.remove('key-2')).toBe(true);
    expect(await map.remove('key-2')).toBe(false);
    expect(store.entries.size).toBe(0);
    await map.set('end', 0);
    await allHeard(heard, [
      ['insert', 'key-1', 1],
      ['insert', 'key-2', 2],
      ['remove', 'key-1', 1],
      ['remove', 'key-2', 2],
      ['insert', 'end', 0],
    ]);
  });

  it('deleteAll gives the keys that existed, removeAll the entries', async () => {
    const { map, store, heard } = create<number>();
    await map.setAll(entries(1, 5));

    expect(await map.deleteAll(['key-1', 'none'])).toEqual(new Set(['key-1']));
    expect(await map.deleteAll(new Set(['key-2']))).toEqual(new Set(['key-2']));
    expect(await map.removeAll(['key-3', 'none'])).toEqual(new Map([['key-3', 3]]));
    expect(await map.removeAll(new Set(['key-4']))).toEqual(new Map([['key-4', 4]]));
    expect(store.entries).toEqual(new Map([['key-5', 5]]));
    await allHeard(heard, [
      ...[1, 2, 3, 4, 5].map((number) => ['insert', `key-${number}`, number]),
      ...[1, 2, 3, 4].map((number) => ['remove', `key-${number}`, number]),
    ]);
  });

  it('updateIf changes the value only if it is the one expected', async () => {
    const { map, store, heard } = create<{ n: number }>();
    await map.set('a', { n: 1 });

    expect(await map.updateIf('a', { n: 2 }, { n: 1 })).toBe(true);
    expect(await map.updateIf('a', { n: 3 }, { n: 1 })).toBe(false);
    expect(await map.updateIf('none', { n: 1 }, { n: 1 })).toBe(false);
    expect(store.entries).toEqual(new Map([['a', { n: 2 }]]));
    await map.set('end', { n: 0 });
    await allHeard(heard, [
      ['insert', 'a', { n: 1 }],
      ['update', 'a', { n: 1 }, { n: 2 }],
      ['insert', 'end', { n: 0 }],
    ]);
  });

  it('clear empties the store', async () => {
    const { map, store, heard } = create<number>();
    await map.set('a', 1);

    expect(await map.clear()).toBe(undefined);
    expect(store.entries.size).toBe(0);
    await allHeard(heard, [['insert', 'a', 1], ['clear']]);
  });

  it('reads go to the own object', async () => {
    const { map, store } = create<number>();
    await map.setAll(entries(1, 3));

    expect(map).toBeInstanceOf(HamokRemoteMap);
    expect(await map.size()).toBe(3);
    expect(await map.isEmpty()).toBe(false);
    expect(await map.get('key-2')).toBe(2);
    expect(await map.get('none')).toBe(undefined);
    expect(await map.getAll(['key-3', 'none'])).toEqual(new Map([['key-3', 3]]));
    expect(await map.getAll(['key-1'].values())).toEqual(new Map([['key-1', 1]]));
    const read: unknown[] = [];
    for await (const entry of map.iterator()) read.push(entry);
    expect(read).toEqual([...store.entries]);

    store.entries.set('behind its back', 4);
    expect(await map.get('behind its back')).toBe(4);
  });

  it('keys can be awaited, and iterated', async () => {
    const { map } = create<number>();
    await map.setAll(entries(1, 3));
    const expected = ['key-1', 'key-2', 'key-3'];

    expect([...(await map.keys())]).toEqual(expected);
    const iterated: string[] = [];
    for await (const key of map.keys()) iterated.push(key);
    expect(iterated).toEqual(expected);
  });

  it.each(FALSY)('%j is a value like any other', async (falsy) => {
    const { map, store } = create<unknown>();

    expect(await map.insert('a', falsy)).toBe(undefined);
    expect(await map.insert('a', 1)).toBe(falsy);
    expect(await map.insertAll([['a', 1]])).toEqual(new Map([['a', falsy]]));
    expect(await map.set('a', falsy)).toBe(falsy);
    expect(await map.updateIf('a', 1, falsy)).toBe(true);
    expect(await map.updateIf('a', falsy, 1)).toBe(true);
    expect(await map.setAll(new Map([['a', falsy]]))).toEqual(new Map([['a', falsy]]));
    expect(await map.removeAll(['a'])).toEqual(new Map([['a', falsy]]));
    await map.set('a', falsy);
    expect(await map.delete('a')).toBe(true);
    expect(store.entries.size).toBe(0);
  });

  it('undefined is no value and no key: a TypeError, and the map goes on', async () => {
    const { map } = create<unknown>();
    const call = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;

    expect(await call(() => map.set('a', undefined))).toBeInstanceOf(TypeError);
    expect(await call(() => map.insert(undefined as never, 1))).toBeInstanceOf(TypeError);
    expect(await call(() => map.setAll(new Map([['a', undefined]])))).toBeInstanceOf(TypeError);
    await map.set('a', 1);
  });

  it('a batch over the limits is split, and its results are merged', async () => {
    const { map, store } = create<number>({ maxOutboundMessageKeys: 10 });

    expect(await map.setAll(entries(0, 35))).toEqual(new Map());
    expect(await map.insertAll(entries(30, 10))).toEqual(entries(30, 5));
    expect(await map.deleteAll([...entries(0, 20).keys()])).toEqual(new Set(entries(0, 20).keys()));
    expect(await map.removeAll([...entries(20, 30).keys()])).toEqual(entries(20, 20));
    expect(store.log.filter(({ method }) => method === 'setAll').length).toBeGreaterThanOrEqual(4);
  });

  it('emits events, then commit, then settles the promise', async () => {
    const { map } = create<number>();
    const order: string[] = [];
    map.on('insert', () => order.push('insert'));
    const onCommit = (_index: number, { storageId }: { storageId?: string }) => {
      if (storageId === map.id) order.push('commit');
    };
    peer().on('commit', onCommit);

    await map.set('a', 1).then(() => order.push('promise'));
    peer().off('commit', onCommit);
    expect(order.indexOf('insert')).toBeLessThan(order.indexOf('promise'));
    expect(order.indexOf('commit')).toBeLessThan(order.indexOf('promise'));
    expect(order).toHaveLength(3);
  });

  it('sync waits for everything that was ordered before it, by any peer', async () => {
    const { map, maps, store, heard } = create<number>();
    store.before = () => pause(3);
    await maps[0]!.ready;
    const sets = maps.flatMap((other, number) => [...entries(number * 10, 10)].map(([k, v]) => other.set(k, v)));

    await sets[0];
    await map.sync();
    const { length } = [...store.entries].filter(([, value]) => Math.floor(value / 10) === maps.indexOf(map));
    expect(length, 'its own sets').toBe(10);
    await Promise.all(sets);
    await map.sync();
    expect(store.entries.size).toBe(30);
    expect(heard[maps.indexOf(map)]).toHaveLength(30);
  });

  it('noEvents: nobody hears anything, and results are as ever', async () => {
    const { map, heard } = create<number>({ noEvents: true });

    expect(map.emitEvents).toBe(false);
    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
    expect(await map.remove('a')).toBe(true);
    await map.clear();
    await Promise.all(grid().peers.map((it) => it.waitUntilCommitHead()));
    expect(heard).toEqual([[], [], []]);
  });
});

describe('order', () => {
  const grid = useGrid(3);

  it('operations of three writers run one at a time, in the order in which they were committed', async () => {
    const { store, maps, heard } = share<number>(grid().peers);
    store.before = ({ value }) => (value! % 5 === 0 ? pause(2) : undefined);
    const committed: string[] = [];
    const onCommit = (_index: number, message: { storageId?: string; keys: Uint8Array[] }) => {
      if (message.storageId === maps[0]!.id) committed.push(JSON.parse(Buffer.from(message.keys[0]!).toString()));
    };
    grid().peers[0]!.on('commit', onCommit);

    await Promise.all(
      maps.map(async (map, writer) => {
        const calls: Promise<unknown>[] = [];
        for (let number = 0; number < 60; number++) {
          calls.push(map.set(`${writer}-${number}`, number));
          if (number % 10 === 9) await calls[number - 5];
        }
        await Promise.all(calls);
      }),
    );
    await until(() => heard.every(({ length }) => length === 180), 'everybody heard everything');
    grid().peers[0]!.off('commit', onCommit);

    const executed = store.log.map(({ key }) => key!);
    expect(store.mostAtOnce).toBe(1);
    expect(executed).toHaveLength(180);
    expect(committed).toEqual(executed);
    for (const events of heard) expect(events.map(([, key]) => key)).toEqual(executed);
    for (const writer of ['0', '1', '2']) {
      const own = executed.filter((key) => key.startsWith(`${writer}-`)).map((key) => Number(key.slice(2)));
      expect(own).toEqual(Array.from({ length: 60 }, (_, number) => number));
    }
  });

  it('sets of one key that nobody awaits give the values before them, and the last one stays', async () => {
    const { store, of } = share<number>(grid().peers);
    const map = of(grid().followers[0]!);

    const old = await Promise.all(Array.from({ length: 100 }, (_, number) => map.set('a', number)));
    expect(old).toEqual([undefined, ...Array.from({ length: 99 }, (_, number) => number)]);
    expect(store.entries.get('a')).toBe(99);
  });

  it('a counter that three peers raise with updateIf adds up exactly', async () => {
    const { store, maps } = share<number>(grid().peers);
    await maps[0]!.set('counter', 0);
    const raise = async (map: HamokRemoteMap<string, number>) => {
      for (let done = 0; done < 20; ) {
        const value = (await map.get('counter'))!;
        if (await map.updateIf('counter', value + 1, value)) done++;
      }
    };

    await Promise.all(maps.map(raise));
    expect(store.entries.get('counter')).toBe(60);
  });

  it('maps do not wait for each other', async () => {
    const slow = share<number>(grid().peers);
    const fast = share<number>(grid().peers);
    let release = () => {};
    slow.store.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });

    const waiting = slow.maps[0]!.set('a', 1);
    await until(() => slow.store.mostAtOnce === 1, 'the slow store is at work');
    await fast.maps[1]!.set('a', 1);
    release();
    await waiting;
  });

  it('callers that wait behind a long queue do not time out while the leader works', async () => {
    const busy = createGrid(3, { ...QUICK, ongoingRequestsSendingPeriodInMs: 50 });
    await busy.join();
    const { store, of } = share<number>(busy.peers, { requestTimeoutInMs: 300 });
    store.before = () => pause(15);
    const map = of(busy.followers[0]!);

    await Promise.all([...entries(0, 50)].map(([key, value]) => map.set(key, value)));
    expect(store.entries.size).toBe(50);
  });
});
