import { setTimeout as pause } from 'node:timers/promises';
import { type Hamok, HamokRemoteMap, type HamokRemoteMapBuilderConfig } from 'hamok';
import type { RemoteMap } from 'hamok/lib/collections/RemoteMap';
import { describe, expect, it } from 'vitest';
import { createGrid, type Ending, elapsedMs, ending, type Grid, QUICK, until, useGrid } from '../support/grid';
import { MemoryStore } from '../support/memory-store';

const FALSY = [0, '', false, null];

let mapCount = 0;

interface Shared<V> {
  store: MemoryStore<V>;
  maps: HamokRemoteMap<string, V>[];
  of(peer: Hamok): HamokRemoteMap<string, V>;
  /** What each map has emitted, in the order of the peers. */
  heard: unknown[][][];
}

/** A map of a fresh id on each of these peers, over one store. */
function share<V>(peers: readonly Hamok[], config: Partial<HamokRemoteMapBuilderConfig<string, V>> = {}): Shared<V> {
  const store = new MemoryStore<V>();
  const mapId = `remote-map-${++mapCount}`;
  const maps = peers.map((peer) =>
    peer.createRemoteMap<string, V>({ mapId, remoteMap: store.of(peer.localPeerId), ...config }),
  );
  const heard = maps.map((map) => {
    const events: unknown[][] = [];
    for (const event of ['insert', 'update', 'remove', 'clear', 'events-lost'] as const) {
      map.on(event, (...args: unknown[]) => events.push([event, ...args]));
    }
    return events;
  });

  return { store, maps, heard, of: (peer) => maps[peers.indexOf(peer)]! };
}

/** Waits until every map has emitted exactly these events. */
async function allHeard(heard: readonly unknown[][][], expected: readonly unknown[][]): Promise<void> {
  await until(
    () => heard.every(({ length }) => length >= expected.length),
    () => `all hear: ${JSON.stringify(heard)}`,
  );
  for (const events of heard) expect(events).toEqual(expected);
}

/** A store whose functions are these, and otherwise those of a memory store. */
function faulty(functions: Partial<Record<keyof RemoteMap<string, number>, unknown>>): RemoteMap<string, number> {
  return { ...new MemoryStore<number>().of('faulty'), ...functions } as RemoteMap<string, number>;
}

const entries = (from: number, count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [`key-${from + index}`, from + index]));

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

describe('creation', () => {
  it('before join: operations wait, and run once there is a leader', async () => {
    const grid = createGrid(3);
    const { store, maps } = share<number>(grid.peers);
    const sets = maps.map((map, number) => map.set(`key-${number}`, number));

    await grid.join();
    await Promise.all(sets);
    expect(store.entries.size).toBe(3);
  });

  it('after the election, on a follower first', async () => {
    const grid = createGrid(3);
    await grid.join();
    const order = [...grid.followers, grid.leader];
    const { store, of } = share<number>(order);

    expect(await of(order[0]!).set('a', 1)).toBe(undefined);
    expect(store.entries.get('a')).toBe(1);
  });

  it('a leader without the map hands over to a peer that has it', async () => {
    const grid = createGrid(3);
    await grid.join();
    const without = grid.leader;
    const { store, of } = share<number>(grid.followers);
    const writer = grid.followers[0]!;

    expect(await elapsedMs(() => of(writer).set('a', 1))).toBeLessThan(4000);
    expect(store.log.map(({ by }) => by)).not.toContain(without.localPeerId);
    expect(without.leader).toBe(false);
    expect(await of(writer).set('a', 2)).toBe(1);
  });

  it('in a grid in which no peer that may lead has the map, callers hear of it in time', async () => {
    const grid = createGrid(0, QUICK);
    grid.add({ onlyFollower: true });
    grid.add();
    grid.add();
    await grid.join();
    const { of } = share<number>([grid.peers[0]!], { requestTimeoutInMs: 1500 });

    const { error } = await ending(of(grid.peers[0]!).set('a', 1), 'the operation', 5000);
    expect(error).toBeInstanceOf(Error);
    expect(error).toHaveProperty('code');
  });

  it('an id is taken once on a peer', async () => {
    const grid = createGrid(1);
    const peer = grid.peers[0]!;
    const { maps } = share<number>([peer]);
    const { id } = maps[0]!;
    const remoteMap = new MemoryStore<number>().of('a');

    expect(() => peer.createRemoteMap({ mapId: id, remoteMap })).toThrow(`Remote map with id ${id} already exists`);
    expect(() => peer.createMap({ mapId: id })).toThrow(/remote map/i);
    expect(peer.getOrCreateRemoteMap({ mapId: id, remoteMap })).toBe(maps[0]);
  });
});

describe('a store that misbehaves', () => {
  const grid = useGrid(3, { ongoingRequestsSendingPeriodInMs: 100 });
  const create = (
    functions: Parameters<typeof faulty>[0],
    config: Partial<HamokRemoteMapBuilderConfig<string, number>> = {},
  ) => share<number>(grid().peers, { remoteMap: faulty(functions), ...config }).of(grid().followers[0]!);

  it.each([
    [
      'throws',
      () => {
        throw new Error('the store is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the store is down'))],
  ] as const)('that %s rejects the callers with its error, and the map goes on', async (_, fail) => {
    const map = create({ set: fail, setAll: fail, remove: fail, removeAll: fail, getAll: fail });
    const calls: (() => Promise<unknown>)[] = [
      () => map.set('a', 1),
      () => map.setAll(entries(0, 2)),
      () => map.insert('a', 1),
      () => map.insertAll(entries(0, 2)),
      () => map.delete('a'),
      () => map.deleteAll(['a']),
      () => map.remove('a'),
      () => map.removeAll(['a']),
    ];

    for (const end of await Promise.all(calls.map((call) => ending(call(), call.toString())))) {
      expect(end.error).toBeInstanceOf(Error);
      expect(end.error).toMatchObject({ message: 'the store is down', code: 'CALLBACK_FAILED' });
    }
    await map.clear();
  });

  it('that rejects with something that is no Error still gives callers an Error', async () => {
    let thrown: unknown = 'a text';
    const map = create({ remove: async () => Promise.reject(thrown) });

    expect((await ending(map.remove('a'), 'remove')).error).toMatchObject({ message: 'a text' });
    for (thrown of [undefined, null, 7, { code: 'X' }, new Error('')]) {
      const { error } = await ending(map.remove('a'), 'remove');
      expect(error).toBeInstanceOf(Error);
      expect(error!.message).not.toBe('');
    }
  });

  it('a failure of one operation leaves the others alone, and keeps their order', async () => {
    const { store, of } = share<number>(grid().peers);
    store.before = ({ value }) => {
      if (value! % 7 === 3) throw new Error(`no ${value}`);
    };
    const map = of(grid().followers[1]!);

    const ends = await Promise.all(
      Array.from({ length: 50 }, (_, number) => ending(map.set('a', number), `set ${number}`)),
    );
    ends.forEach((end, number) => {
      if (number % 7 === 3) expect(end.error!.message).toBe(`no ${number}`);
      else expect(end.error).toBe(undefined);
    });
    expect(store.log.map(({ value }) => value)).toEqual(
      Array.from({ length: 50 }, (_, number) => number).filter((number) => number % 7 !== 3),
    );
  });

  it.each([
    { what: 'undefined', nonsense: undefined },
    { what: 'null', nonsense: null },
    { what: 'a number', nonsense: 5 },
    { what: 'a text', nonsense: 'text' },
    { what: 'an object', nonsense: {} },
    { what: 'no entries', nonsense: [] },
    { what: 'numbers', nonsense: [1, 2] },
    { what: 'a Map of other keys', nonsense: new Map([['other', 1]]) },
    { what: 'a Map of undefined', nonsense: new Map([['a', undefined]]) },
    { what: 'a result of nonsense', nonsense: { inserted: 1, updated: [1, [], ['a'], [null, null, null]] } },
  ])('that gives $what for anything settles every operation, and the map goes on', async ({ nonsense }) => {
    const give = async () => nonsense;
    const tell = async (_: unknown, second: unknown, third: unknown) => {
      for (const callback of [second, third]) if (typeof callback === 'function') callback(nonsense);
      return nonsense;
    };
    let broken = true;
    const good = new MemoryStore<number>().of('good') as unknown as Record<string, (...args: unknown[]) => unknown>;
    const either =
      (method: string, bad: (...args: never[]) => unknown) =>
      (...args: never[]) =>
        broken ? bad(...args) : good[method]!(...args);
    const map = create({
      get: either('get', give),
      getAll: either('getAll', give),
      set: (a: never, b: never, c: never, d: never) => either('set', tell)(a, b, c, d),
      setAll: (a: never, b: never, c: never) => either('setAll', tell)(a, b, c),
      remove: either('remove', give),
      removeAll: either('removeAll', give),
      clear: either('clear', give),
    });
    const calls: (() => Promise<unknown>)[] = [
      () => map.set('a', 1),
      () => map.setAll(new Map([['a', 1]])),
      () => map.insert('a', 1),
      () => map.insertAll([['a', 1]]),
      () => map.delete('a'),
      () => map.deleteAll(['a']),
      () => map.remove('a'),
      () => map.removeAll(['a']),
      () => map.updateIf('a', 1, 2),
      () => map.clear(),
    ];

    for (const end of await Promise.all(calls.map((call) => ending(call(), call.toString(), 4000)))) {
      if (end.error) expect(end.error).toBeInstanceOf(Error);
    }
    broken = false;
    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
  });

  it('that resolves without calling back gives no old value', async () => {
    const map = create({ set: async () => {}, setAll: async () => {} });

    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.setAll(entries(0, 2))).toEqual(new Map());
    await map.clear();
  });

  it('that calls back twice, or late, settles the operation once', async () => {
    const map = create({
      set: (_key: string, value: number, callback: (old: number) => void) => {
        setImmediate(() => {
          callback(value - 1);
          callback(value - 2);
        });
      },
    });

    expect(await map.set('a', 1)).toBe(0);
    expect(await map.set('a', 5)).toBe(4);
  });

  it('that takes no callback and gives no promise is done when it returns', async () => {
    const plain = new Map<string, number>();
    const map = create({ set: (key: string, value: number) => void plain.set(key, value) });

    await map.set('a', 1);
    expect(plain).toEqual(new Map([['a', 1]]));
  });

  it.each([
    ['never settles', () => new Promise(() => {})],
    ['never calls back', (_key: string, _value: number, _callback: () => void) => {}],
  ] as const)('that %s: its caller times out, its signal is aborted, the next operation runs', async (_, hang) => {
    const signals: AbortSignal[] = [];
    const good = new MemoryStore<number>().of('good') as unknown as { set(...args: unknown[]): unknown };
    const set = (key: string, value: number, callback: () => void, context: { signal: AbortSignal }) => {
      if (key !== 'hangs') return good.set(key, value, callback, context);
      signals.push(context.signal);
      return hang(key, value, callback);
    };
    const map = create({ set }, { requestTimeoutInMs: 400, abandonAfterMs: 800 });
    const errors: Error[] = [];
    const onError = (error: Error) => errors.push(error);
    grid().leader.on('error', onError);

    const hanging = ending(map.set('hangs', 1), 'the operation that hangs', 1500);
    const next = ending(map.set('a', 1), 'the next operation', 5000);
    expect((await hanging).error!.message).toMatch(/^Timeout/);
    expect((await next).error).toBe(undefined);
    expect(signals).toHaveLength(1);
    expect(signals[0]!.aborted).toBe(true);
    grid().leader.off('error', onError);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'ABANDONED' });
  });

  it('reads that fail reject their caller alone', async () => {
    const fail = () => {
      throw new Error('no reads today');
    };
    const map = create({ get: fail, size: fail, getAll: async () => fail(), keys: async () => fail() });

    const reads: (() => Promise<unknown>)[] = [
      () => map.get('a'),
      () => map.size(),
      () => map.isEmpty(),
      () => map.getAll(['a']),
    ];

    for (const read of reads) {
      expect((await ending(read(), 'the read')).error!.message).toBe('no reads today');
    }
    await expect(map.keys()).rejects.toThrow('no reads today');
    await expect(async () => {
      for await (const _ of map.keys());
    }).rejects.toThrow('no reads today');
    await map.set('a', 1);
  });
});

describe('close', () => {
  const grid = useGrid(3);

  it('a closed map refuses operations by name', async () => {
    const { maps } = share<number>(grid().peers);
    const map = maps[0]!;
    await map.ready;
    const pending = ending(map.set('a', 1), 'the pending operation');
    let closes = 0;
    map.on('close', () => closes++);
    map.close();
    map.close();
    const refused = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error?.message;
    const { id } = map;

    expect((await pending).error?.message).toBe('Connection is closed');
    expect(closes).toBe(1);
    expect(map.closed).toBe(true);
    expect(await refused(() => map.clear())).toBe(`Cannot clear a closed storage (${id})`);
    expect(await refused(() => map.set('a', 1))).toBe(`Cannot set an entry on a closed storage (${id})`);
    expect(await refused(() => map.setAll(new Map()))).toBe(`Cannot set entries on a closed storage (${id})`);
    expect(await refused(() => map.insertAll([]))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map.deleteAll([]))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map.removeAll([]))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map.updateIf('a', 2, 1))).toBe(`Cannot update an entry on a closed storage (${id})`);
    expect(await refused(() => map.getAll([]))).toBe(`Cannot get entries from a closed storage (${id})`);
    expect(await refused(() => map.export())).toBe(`Cannot export data on a closed storage (${id})`);
    expect(await refused(() => map.import({ mapId: id, appliedCommitIndex: 0 }))).toBe(
      `Cannot import data on a closed storage (${id})`,
    );
    expect(grid().peers[0]!.storages.has(id)).toBe(false);
    await maps[1]!.set('b', 1);
  });

  it('export tells how far the peer is', async () => {
    const { maps } = share<number>(grid().peers);
    await maps[0]!.set('a', 1);

    const snapshot = maps[0]!.export();
    expect(snapshot.mapId).toBe(maps[0]!.id);
    expect(snapshot.appliedCommitIndex).toBeGreaterThan(0);
  });

  it('a map that is closed and opened again on the leader works', async () => {
    const { store, of } = share<number>(grid().peers);
    const { leader, followers } = grid();
    const map = of(followers[0]!);
    await map.set('a', 1);
    of(leader).close();
    leader.createRemoteMap<string, number>({ mapId: map.id, remoteMap: store.of(leader.localPeerId) });

    expect(await map.set('a', 2)).toBe(1);
    expect(store.entries.get('a')).toBe(2);
  });
});

describe('a leader that goes in the middle of a stream', () => {
  interface Sent {
    writer: number;
    number: number;
    end: Promise<Ending<unknown>>;
  }

  /** Each peer sets numbers at its own few keys; the leader goes when a third of them has run. */
  async function interrupt(grid: Grid, go: (leader: Hamok) => Promise<unknown>) {
    const { store, maps } = share<number>(grid.peers, { requestTimeoutInMs: 5000 });
    store.before = () => pause(1);
    await Promise.all(maps.map(({ ready }) => ready));
    const { leader } = grid;
    const sent: Sent[] = [];
    const streams = maps.map(async (map, writer) => {
      // A peer that has left writes no more.
      for (let number = 1; number <= 150 && grid.peers[writer]!.run; number++) {
        const end = ending(map.set(`${writer}-${number % 5}`, number), `set ${number} of ${writer}`);
        sent.push({ writer, number, end });
        if (number % 20 === 0) await end;
      }
    });

    await until(() => store.log.length >= 100, 'a part has run');
    const going = go(leader);
    await Promise.all(streams);
    await going;
    const ends = await Promise.all(sent.map(async ({ writer, number, end }) => ({ writer, number, ...(await end) })));

    return { store, leader, ends, maps };
  }

  /** Sets that ran more than once. */
  function ranTwice({ log }: MemoryStore<number>): string[] {
    const sets = log.map(({ key, value }) => `${key} = ${value}`);

    return sets.filter((set, index) => sets.indexOf(set) !== index);
  }

  /** What holds whatever happens to the leader. */
  function expectNothingLost({ store, ends, leader }: Awaited<ReturnType<typeof interrupt>>): void {
    const acknowledged = ends.filter(({ error }) => !error);

    for (const { error } of ends) if (error) expect(error).toBeInstanceOf(Error);
    for (const { writer, number } of acknowledged) {
      const key = `${writer}-${number % 5}`;
      const ran = store.log.some((entry) => entry.key === key && entry.value === number);
      expect(ran, `${key} = ${number} was acknowledged and has run`).toBe(true);
      expect(store.entries.get(key)!, `${key} has not gone back`).toBeGreaterThanOrEqual(number);
    }
    // What a former leader may have run is run again; apart from that, each caller's order is kept.
    for (const writer of [0, 1, 2]) {
      const order = store.log.filter(({ key }) => key!.startsWith(`${writer}-`)).map(({ value }) => value!);
      const first = order.filter((value, index) => order.indexOf(value) === index);
      expect(first).toEqual([...first].sort((a, b) => a - b));
    }
    const terms = store.log.map(({ term }) => term);
    expect(terms, 'a former leader does not run behind a new one').toEqual([...terms].sort((a, b) => a - b));
    expect(ranTwice(store).length, 'sets that ran twice').toBeLessThanOrEqual(64);
    expect(store.mostAtOnce).toBeLessThanOrEqual(2);
    expect(new Set(store.log.map(({ by }) => by)).size, `${leader.localPeerId} was followed`).toBeGreaterThan(1);
  }

  it('it leaves: nothing is lost, and all survivors get results', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, (leader) => leader.leave());
    expectNothingLost(result);
    const leaver = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== leaver && error)).toEqual([]);
    expect(ranTwice(result.store), 'operations that ran twice').toEqual([]);
  });

  it('it is closed: nothing is lost, and all survivors get results', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, async (leader) => leader.close());
    expectNothingLost(result);
    const closed = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== closed && error)).toEqual([]);
    for (const { writer, error } of result.ends)
      if (writer === closed && error) expect(error.message).toMatch(/closed/i);
  });

  it('it is cut off: nothing is lost, all survivors get results, and it gets its own when it is back', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, async (leader) => {
      grid.cut(leader);
      await grid.settled();
      grid.heal(leader);
      await grid.settled();
    });
    expectNothingLost(result);
    const away = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== away && error)).toEqual([]);
    await result.maps[away]!.set('after', 1);
    expect(result.store.entries.get('after')).toBe(1);
  });

  it('it is cut off with a slow store: it has stopped before its successor begins', async () => {
    const grid = createGrid(3);
    await grid.join();
    const { leader } = grid;
    const { store, maps, of } = share<number>(grid.peers, { requestTimeoutInMs: 20_000 });
    // What the leader has been handed would keep it busy for longer than its lease.
    store.before = () => pause(40);
    await Promise.all(maps.map(({ ready }) => ready));

    const map = of(grid.peers.find((peer) => peer !== leader)!);
    const sets = Array.from({ length: 60 }, (_, number) => map.set(`${number}`, number));
    await until(() => store.log.length >= 10, 'a part has run');
    grid.cut(leader);
    await Promise.all(sets);

    const terms = store.log.map(({ term }) => term);
    expect(new Set(terms).size).toBe(2);
    expect(terms).toEqual([...terms].sort((a, b) => a - b));
    expect([...store.entries.values()].sort((a, b) => a - b)).toEqual(sets.map((_, number) => number));
  });
});
