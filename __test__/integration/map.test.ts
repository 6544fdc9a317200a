import { type Hamok, HamokMap, type HamokMapBuilderConfig } from 'hamok';
import { MemoryBaseMap } from 'hamok/lib/collections/BaseMap';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, ending, QUICK, until, useGrid } from '../support/grid';

const FALSY = [0, '', false, null];
const EVENTS = ['insert', 'update', 'remove', 'clear'];

let mapCount = 0;

/** A map of a fresh id on each of these peers, ready. */
async function createMaps<K, V>(
  peers: readonly Hamok[],
  config: Partial<HamokMapBuilderConfig<K, V>> = {},
): Promise<HamokMap<K, V>[]> {
  const mapId = `map-${++mapCount}`;
  const maps = peers.map((peer) => peer.createMap<K, V>({ mapId, ...config }));

  await Promise.all(maps.map(({ ready }) => ready));

  return maps;
}

/** Waits until all have the content of the first, in its order. */
async function alike(maps: readonly HamokMap<unknown, unknown>[]): Promise<void> {
  const contents = () => maps.map((map) => JSON.stringify([...map]));

  await until(
    () => new Set(contents()).size === 1,
    () => `all peers have the same entries:\n${contents().join('\n')}`,
  );
}

/** What a map emits from now on. */
function listen(map: HamokMap<never, never>): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of EVENTS) map.on(event as 'insert', (...args: unknown[]) => heard.push([event, ...args]));

  return heard;
}

const entries = (from: number, count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [`key-${from + index}`, from + index]));

describe.each(['leader', 'follower'] as const)('every operation and its result, on a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  /** The map of the peer, the maps of all with the peer's first, and what the last peer heard. */
  const create = async <V>(config: Partial<HamokMapBuilderConfig<string, V>> = {}) => {
    const maps = await createMaps<string, V>([peer(), ...grid().peers.filter((it) => it !== peer())], config);

    return { map: maps[0]!, maps, heard: listen(maps[2]! as never) };
  };

  it('set gives the old value', async () => {
    const { map, maps, heard } = await create<number>();

    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
    expect(map.get('a')).toBe(2);
    await alike(maps);
    expect(heard).toEqual([
      ['insert', 'a', 1],
      ['update', 'a', 1, 2],
    ]);
  });

  it('setAll gives the old values of the keys that existed, and inserts before it updates', async () => {
    const { map, maps, heard } = await create<number>();
    await map.set('b', 1);

    const old = await map.setAll(
      new Map([
        ['b', 2],
        ['a', 3],
      ]),
    );
    expect(old).toBeInstanceOf(Map);
    expect([...old]).toEqual([['b', 1]]);
    expect(await map.setAll(new Map())).toEqual(new Map());
    await alike(maps);
    expect(heard.slice(1)).toEqual([
      ['insert', 'a', 3],
      ['update', 'b', 1, 2],
    ]);
  });

  it('insert gives the existing value, and then changes nothing', async () => {
    const { map, maps, heard } = await create<number>();

    expect(await map.insert('a', 1)).toBe(undefined);
    expect(await map.insert('a', 2)).toBe(1);
    expect(map.get('a')).toBe(1);
    await alike(maps);
    expect(heard).toEqual([['insert', 'a', 1]]);
  });

  it('insertAll takes a map or entries, and gives the existing entries', async () => {
    const { map, maps, heard } = await create<number>();

    expect(await map.insertAll(new Map([['a', 1]]))).toEqual(new Map());
    expect(
      await map.insertAll([
        ['b', 2],
        ['a', 3],
      ]),
    ).toEqual(new Map([['a', 1]]));
    expect(await map.insertAll([])).toEqual(new Map());
    await alike(maps);
    expect([...map]).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(heard).toEqual([
      ['insert', 'a', 1],
      ['insert', 'b', 2],
    ]);
  });

  it('delete and remove say whether the key existed', async () => {
    const { map, maps, heard } = await create<number>();
    await map.setAll(entries(1, 2));

    expect(await map.delete('key-1')).toBe(true);
    expect(await map.delete('key-1')).toBe(false);
    expect(await map.remove('key-2')).toBe(true);
    expect(await map.remove('key-2')).toBe(false);
    expect(map.isEmpty).toBe(true);
    await alike(maps);
    expect(heard.slice(2)).toEqual([
      ['remove', 'key-1', 1],
      ['remove', 'key-2', 2],
    ]);
  });

  it('deleteAll gives the keys that existed, removeAll the entries', async () => {
    const { map, maps, heard } = await create<number>();
    await map.setAll(entries(1, 5));

    const deleted = await map.deleteAll(['key-1', 'none']);
    expect(deleted).toBeInstanceOf(Set);
    expect([...deleted]).toEqual(['key-1']);
    expect(await map.deleteAll(new Set(['key-2']))).toEqual(new Set(['key-2']));
    expect(await map.removeAll(['key-3', 'none'])).toEqual(new Map([['key-3', 3]]));
    expect(await map.removeAll(new Set(['key-4']))).toEqual(new Map([['key-4', 4]]));
    expect(await map.deleteAll([])).toEqual(new Set());
    expect(await map.removeAll([])).toEqual(new Map());
    await alike(maps);
    expect([...map.keys()]).toEqual(['key-5']);
    expect(heard.slice(5)).toEqual([1, 2, 3, 4].map((number) => ['remove', `key-${number}`, number]));
  });

  it('updateIf changes the value only if it is the one expected', async () => {
    const { map, maps, heard } = await create<{ n: number }>();
    await map.set('a', { n: 1 });

    expect(await map.updateIf('a', { n: 2 }, { n: 1 })).toBe(true);
    expect(await map.updateIf('a', { n: 3 }, { n: 1 })).toBe(false);
    expect(await map.updateIf('none', { n: 1 }, { n: 1 })).toBe(false);
    expect(map.get('a')).toEqual({ n: 2 });
    expect(map.size).toBe(1);
    await alike(maps);
    expect(heard.slice(1)).toEqual([['update', 'a', { n: 1 }, { n: 2 }]]);
  });

  it('removeIf removes the entry only if its value is the one expected', async () => {
    const { map, maps, heard } = await create<number>();
    await map.set('a', 1);

    expect(await map.removeIf('a', 2)).toBe(false);
    expect(await map.removeIf('none', 2)).toBe(false);
    expect(await map.removeIf('a', 1)).toBe(true);
    expect(map.size).toBe(0);
    await alike(maps);
    expect(heard.slice(1)).toEqual([['remove', 'a', 1]]);
  });

  it('clear empties the map, once', async () => {
    const { map, maps, heard } = await create<number>();
    await map.setAll(entries(1, 3));

    expect(await map.clear()).toBe(undefined);
    expect(map.size).toBe(0);
    await alike(maps);
    expect(heard.slice(3)).toEqual([['clear']]);
  });

  it('reads are those of a Map', async () => {
    const { map } = await create<number>();
    await map.setAll(entries(1, 3));

    expect(map).toBeInstanceOf(HamokMap);
    expect(map.size).toBe(3);
    expect(map.isEmpty).toBe(false);
    expect(map.get('none')).toBe(undefined);
    expect([...map.keys()]).toEqual(['key-1', 'key-2', 'key-3']);
    expect([...map.values()]).toEqual([1, 2, 3]);
    expect([...map.entries()]).toEqual([...map]);
    expect(map.getAll(['key-3', 'none', 'key-1'])).toEqual(
      new Map([
        ['key-3', 3],
        ['key-1', 1],
      ]),
    );
    expect(map.getAll(['key-2'].values())).toEqual(new Map([['key-2', 2]]));
    expect(map.baseMap).toBeInstanceOf(Map);
    expect(map.equalValues(1, 1)).toBe(true);
  });

  it.each(FALSY)('%j is a value like any other', async (falsy) => {
    const { map, maps } = await create<unknown>();

    expect(await map.insert('a', falsy)).toBe(undefined);
    expect(await map.insert('a', 1)).toBe(falsy);
    expect(await map.insertAll([['a', 1]])).toEqual(new Map([['a', falsy]]));
    expect(await map.set('a', falsy)).toBe(falsy);
    expect(map.getAll(['a'])).toEqual(new Map([['a', falsy]]));
    expect(await map.updateIf('a', 1, falsy)).toBe(true);
    expect(await map.updateIf('a', falsy, 1)).toBe(true);
    expect(await map.setAll(new Map([['a', falsy]]))).toEqual(new Map([['a', falsy]]));
    expect(await map.removeAll(['a'])).toEqual(new Map([['a', falsy]]));
    await map.set('a', falsy);
    expect(await map.delete('a')).toBe(true);
    await map.set('a', falsy);
    expect(await map.remove('a')).toBe(true);
    await map.set('a', falsy);
    expect(await map.deleteAll(['a'])).toEqual(new Set(['a']));
    await map.set('a', falsy);
    expect(await map.removeIf('a', falsy)).toBe(true);
    await map.set('a', falsy);
    await alike(maps);
    expect(maps[2]!.get('a')).toBe(falsy);
  });

  it('undefined is no value and no key: a TypeError, and the map goes on', async () => {
    const { map } = await create<unknown>();
    const call = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;

    for (const failed of [
      () => map.set('a', undefined),
      () => map.set(undefined as never, 1),
      () => map.insert('a', undefined),
      () => map.setAll(new Map([['a', undefined]])),
      () => map.insertAll([['a', undefined]]),
      () => map.updateIf('a', undefined, 1),
      () => map.delete(undefined as never),
    ]) {
      expect(await call(failed), failed.toString()).toBeInstanceOf(TypeError);
    }
    expect(map.size).toBe(0);
    await map.set('a', 1);
    expect(map.get('a')).toBe(1);
  });

  it('codecs may give any bytes, also none', async () => {
    const latin1 = {
      encode: (key: string) => Buffer.from(key, 'latin1'),
      decode: (data: Uint8Array) => Buffer.from(data).toString('latin1'),
    };
    const bytes = { encode: (value: Uint8Array) => value, decode: (data: Uint8Array) => Uint8Array.from(data) };
    const { map, maps } = await create<Uint8Array>({
      keyCodec: latin1,
      valueCodec: bytes,
      equalValues: (a, b) => Buffer.compare(a, b) === 0,
    });
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    const key = Buffer.from(all).toString('latin1');

    expect(await map.set(key, all)).toBe(undefined);
    expect(await map.set('', new Uint8Array(0))).toBe(undefined);
    expect(await map.set(key, all.slice().reverse())).toEqual(all);
    expect(await map.updateIf('', Uint8Array.of(0, 255), new Uint8Array(0))).toBe(true);
    await alike(maps);
    expect([...maps[1]!.get(key)!]).toEqual([...all].reverse());
    expect([...maps[2]!.get('')!]).toEqual([0, 255]);
    expect(await map.remove(key)).toBe(true);
  });

  it('a batch over the limits is split, and its results are merged', async () => {
    const { map, maps } = await create<number>({ maxOutboundMessageKeys: 10, maxOutboundMessageValues: 8 });
    const sizes: number[] = [];
    const count = (_index: number, { storageId, keys }: { storageId?: string; keys: unknown[] }) => {
      if (storageId === map.id) sizes.push(keys.length);
    };
    peer().on('commit', count);

    expect(await map.setAll(entries(0, 95))).toEqual(new Map());
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8);
    expect(sizes.reduce((total, size) => total + size)).toBe(95);
    expect(await map.setAll(entries(50, 95))).toEqual(entries(50, 45));
    expect(await map.insertAll(entries(140, 20))).toEqual(entries(140, 5));
    expect(await map.deleteAll([...entries(0, 30).keys(), 'none'])).toEqual(new Set(entries(0, 30).keys()));
    expect(await map.removeAll([...entries(30, 30).keys(), 'none'])).toEqual(entries(30, 30));
    peer().off('commit', count);
    await alike(maps);
    expect([...map]).toEqual([...entries(60, 100)]);
  });

  it('operations that nobody awaits apply in the order of the calls', async () => {
    const { map, maps } = await create<number>();
    const calls: Promise<unknown>[] = [];

    for (let number = 1; number <= 500; number++) calls.push(map.set('a', number));
    calls.push(map.remove('a'), map.insert('a', 501), map.updateIf('a', 502, 501));
    const results = await Promise.all(calls);
    expect(results).toEqual([
      undefined,
      ...Array.from({ length: 499 }, (_, index) => index + 1),
      true,
      undefined,
      true,
    ]);
    expect(map.get('a')).toBe(502);
    await alike(maps);
  });
});

describe('a map on several peers', () => {
  const grid = useGrid(3);

  it('has one insertion order, whoever wrote', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const random = createRandom('map.test.ts');

    await Promise.all(
      Array.from({ length: 600 }, () => {
        const map = random.pick(maps);
        const key = `key-${random.int(40)}`;

        return random.next() < 0.25 ? map.remove(key) : map.set(key, random.int(1000));
      }),
    );
    await alike(maps);
    expect(maps[0]!.size).toBeGreaterThan(5);
  });

  it('emits the same events in the same order everywhere', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const heard = maps.map((map) => listen(map as never));

    await Promise.all(
      maps.flatMap((map, number) => Array.from({ length: 50 }, (_, i) => map.set(`k${i % 7}`, number))),
    );
    await maps[1]!.clear();
    await until(() => heard.every((events) => events.at(-1)?.[0] === 'clear'), 'everybody heard the end');
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
    expect(heard[0]).toHaveLength(151);
  });

  it('a counter that three peers raise with updateIf adds up exactly', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const raise = async (map: HamokMap<string, number>) => {
      for (let done = 0; done < 40; ) {
        const value = map.get('counter')!;
        if (await map.updateIf('counter', value + 1, value)) done++;
      }
    };
    await maps[0]!.set('counter', 0);
    await until(() => maps.every((map) => map.get('counter') === 0), 'everybody has the counter');

    await Promise.all(maps.map(raise));
    await alike(maps);
    expect(maps[0]!.get('counter')).toBe(120);
  });

  it('removeIf succeeds for exactly one of three peers', async () => {
    const maps = await createMaps<string, number>(grid().peers);

    for (let round = 0; round < 20; round++) {
      await maps[0]!.set('job', round);
      await until(() => maps.every((map) => map.get('job') === round), 'everybody has the job');
      const taken = await Promise.all(maps.map((map) => map.removeIf('job', round)));
      expect(taken.filter(Boolean)).toHaveLength(1);
    }
  });

  it('equalValues decides what updateIf and removeIf take as equal', async () => {
    const [map] = await createMaps<string, string>(grid().peers, {
      equalValues: (a, b) => a.toLowerCase() === b.toLowerCase(),
    });
    await map!.set('a', 'One');

    expect(await map!.updateIf('a', 'Two', 'oNE')).toBe(true);
    expect(await map!.removeIf('a', 'three')).toBe(false);
    expect(await map!.removeIf('a', 'TWO')).toBe(true);
  });

  it('a baseMap is the storage of the map; what it held is inserted, and existing keys win', async () => {
    const [peer, other] = grid().peers;
    const mapId = `map-${++mapCount}`;
    const first = other!.createMap<string, number>({ mapId });
    await first.set('both', 1);
    const baseMap = new MemoryBaseMap([
      ['both', 2],
      ['mine', 2],
    ]);

    const map = peer!.createMap({ mapId, baseMap });
    expect(map.baseMap).toBe(baseMap);
    const heard = listen(map as never);
    const heardByOther = listen(first as never);
    await until(() => map.size === 2 && first.size === 2, 'both have both');
    expect([...baseMap]).toEqual([
      ['both', 1],
      ['mine', 2],
    ]);
    expect(heard).toEqual([['insert', 'mine', 2]]);
    expect(heardByOther).toEqual([['insert', 'mine', 2]]);
    await first.set('both', 3);
    await until(() => baseMap.get('both') === 3, 'the baseMap is written');
  });

  it('a map that is created late is filled without events', async () => {
    const [a, b, c] = grid().peers;
    const mapId = `map-${++mapCount}`;
    const map = a!.createMap<string, number>({ mapId });
    await map.setAll(entries(0, 100));

    for (const peer of [b!, c!]) {
      const late = peer.createMap<string, number>({ mapId });
      const heard = listen(late as never);
      await late.ready;
      expect(heard).toEqual([]);
      expect([...late]).toEqual([...map]);
    }
  });

  it('export gives text, and a map that is not connected takes it', async () => {
    const [map] = await createMaps<string, unknown>(grid().peers);
    for (const [index, value] of [...FALSY, 'ü', { deep: [1] }].entries()) await map!.set(`k${index}`, value);

    const snapshot = JSON.parse(JSON.stringify(map!.export()));
    expect(snapshot.mapId).toBe(map!.id);
    expect(snapshot.keys).toHaveLength(6);
    for (const item of [...snapshot.keys, ...snapshot.values]) expect(typeof item).toBe('string');

    const away = createGrid(1).peers[0]!;
    const copy = away.createMap<string, unknown>({ mapId: map!.id });
    const heard = listen(copy as never);
    copy.import(snapshot);
    expect([...copy]).toEqual([...map!]);
    expect(heard).toEqual([]);

    const loud = createGrid(1).peers[0]!.createMap<string, unknown>({ mapId: map!.id });
    const told = listen(loud as never);
    loud.import(snapshot, true);
    expect(told).toEqual([...map!].map(([key, value]) => ['insert', key, value]));

    expect(() => map!.import(snapshot)).toThrow('Cannot import data while connected');
    expect(() => copy.import({ ...snapshot, mapId: 'other' })).toThrow(
      `Cannot import data from a different storage: other !== ${map!.id}`,
    );
  });

  it('export keeps bytes that are no text', async () => {
    const bytes = { encode: (value: Uint8Array) => value, decode: (data: Uint8Array) => Uint8Array.from(data) };
    const [map] = await createMaps<string, Uint8Array>(grid().peers, { valueCodec: bytes });
    const value = Uint8Array.from({ length: 256 }, (_, index) => 255 - index);
    await map!.set('a', value);

    const copy = createGrid(1).peers[0]!.createMap<string, Uint8Array>({ mapId: map!.id, valueCodec: bytes });
    copy.import(JSON.parse(JSON.stringify(map!.export())));
    expect(copy.get('a')).toEqual(value);
  });

  it('a closed map refuses operations by name, and can still be read', async () => {
    const [map] = await createMaps<string, number>(grid().peers);
    await map!.set('a', 1);
    map!.close();
    const call = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;
    const refused = async (method: () => unknown) => {
      const error = await call(method);
      expect(error).toBeInstanceOf(Error);
      return error!.message;
    };
    const { id } = map!;

    expect(map!.closed).toBe(true);
    expect(await refused(() => map!.clear())).toBe(`Cannot clear a closed storage (${id})`);
    expect(await refused(() => map!.set('a', 1))).toBe(`Cannot set an entry on a closed storage (${id})`);
    expect(await refused(() => map!.setAll(new Map()))).toBe(`Cannot set entries on a closed storage (${id})`);
    expect(await refused(() => map!.insert('a', 1))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map!.insertAll([]))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map!.delete('a'))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map!.deleteAll([]))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map!.remove('a'))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.removeAll([]))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.updateIf('a', 2, 1))).toBe(`Cannot update an entry on a closed storage (${id})`);
    expect(await refused(() => map!.removeIf('a', 1))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.export())).toBe(`Cannot export data on a closed storage (${id})`);
    expect(await refused(() => map!.import({ mapId: id, keys: [], values: [] }))).toBe(
      `Cannot import data on a closed storage (${id})`,
    );
    expect(map!.get('a')).toBe(1);
    expect(map!.size).toBe(1);
    map!.close();
  });

  it('close rejects what is pending, emits close once, and frees the id', async () => {
    const [map, other] = await createMaps<string, number>(grid().peers);
    const peer = grid().peers[0]!;
    let closes = 0;
    map!.on('close', () => closes++);
    expect(peer.storages.get(map!.id)).toBe(map);

    const pending = ending(map!.set('a', 1), 'the pending operation');
    map!.close();
    map!.close();
    expect((await pending).error?.message).toBe('Connection is closed');
    expect(closes).toBe(1);
    expect(map!.eventNames()).toEqual([]);
    expect(peer.storages.has(map!.id)).toBe(false);

    const again = peer.createMap<string, number>({ mapId: map!.id });
    await other!.set('b', 2);
    await again.ready;
    await until(() => again.get('b') === 2, 'the map that was opened again has the content');
  });

  it('an id is taken by one collection: a second map, or another kind, is refused', async () => {
    const [map] = await createMaps<string, number>(grid().peers);
    const peer = grid().peers[0]!;
    const { id } = map!;

    expect(() => peer.createMap({ mapId: id })).toThrow(`Map with id ${id} already exists`);
    expect(() => peer.createRemoteMap({ mapId: id, remoteMap: {} as never })).toThrow(
      /map.*remote map|remote map.*map/i,
    );
    let existed: boolean | undefined;
    expect(
      peer.getOrCreateMap({ mapId: id }, (already) => {
        existed = already;
      }),
    ).toBe(map);
    expect(existed).toBe(true);
    existed = undefined;
    peer.getOrCreateMap({ mapId: `${id}-new` }, () => {
      existed = true;
    });
    expect(existed).toBe(undefined);
    await map!.set('a', 1);
  });

  it('another kind under one id on another peer is refused with both names, and nothing else suffers', async () => {
    const [a, b, c] = grid().peers;
    const mapId = `map-${++mapCount}`;
    const map = a!.createMap<string, number>({ mapId });
    await map.ready;
    const store = new Map();
    const remoteMap = { get: async (key: unknown) => store.get(key), size: async () => store.size };

    const wrong = b!.createRemoteMap<string, number>({ mapId, remoteMap: remoteMap as never });
    for (const end of [await ending(wrong.set('a', 1), 'its operation'), await ending(wrong.ready, 'ready')]) {
      expect(end.error).toBeInstanceOf(Error);
      expect(end.error).toMatchObject({ code: 'KIND_MISMATCH' });
      expect(end.error!.message).toMatch(/remote map/i);
      expect(end.error!.message).toMatch(/(^|[^e]) map/i);
    }
    wrong.close();
    const right = c!.createMap<string, number>({ mapId });
    await right.set('a', 2);
    await until(() => map.get('a') === 2, 'the map works');
  });

  it('a write over maxCommandBytes is refused at the call', async () => {
    const small = createGrid(2, { maxCommandBytes: 10_000 });
    await small.join();
    const map = small.followers[0]!.createMap<string, string>({ mapId: 'map' });

    const { error } = await ending(map.set('a', 'x'.repeat(20_000)), 'the large write');
    expect(error).toMatchObject({ code: 'COMMAND_TOO_LARGE' });
    await map.set('a', 'x'.repeat(5_000));
  });

  it('a value of several megabytes reaches everybody', async () => {
    const maps = await createMaps<string, string>(grid().peers);
    const value = 'ü'.repeat(1_500_000);

    await maps[2]!.set('large', value);
    await until(() => maps.every((map) => map.get('large') === value), 'everybody has it');
  });
});

describe('before and after join', () => {
  it('operations before join wait in order', async () => {
    const grid = createGrid(2);
    const map = grid.peers[0]!.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 50 });
    const results: unknown[] = [];
    const calls = [1, 2, 3].map((number) => map.set('a', number).then((old) => results.push([number, old])));
    calls.push(map.remove('a').then((removed) => results.push(['remove', removed])));
    calls.push(map.insert('a', 4).then((existing) => results.push(['insert', existing])));

    await expect(grid.peers[0]!.join({ fetchRemotePeerTimeoutInMs: 150, maxRetry: 0 })).rejects.toThrow('Timeout');
    expect(results).toEqual([]);
    await grid.join();
    await Promise.all(calls);
    expect(results).toEqual([
      [1, undefined],
      [2, 1],
      [3, 2],
      ['remove', true],
      ['insert', undefined],
    ]);
  });

  it('operations that waited for join are rejected when the peer is closed', async () => {
    const map = createGrid(1).peers[0]!;
    const waiting = ending(map.createMap<string, number>({ mapId: 'map' }).set('a', 1), 'the operation');

    map.close();
    expect((await waiting).error?.message).toBe('Connection is closed');
  });

  it('without a leader operations fail in time, by name, and the map goes on when there is one', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const away = grid.followers[0]!;
    const map = away.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 300 });
    await map.set('a', 1);

    grid.cut(away);
    await until(() => away.raft.leaderId === undefined, 'the leader is missed');
    const { error } = await ending(map.set('a', 2), 'the operation', 1500);
    expect(error).toBeInstanceOf(Error);
    expect(error!.message).toMatch(/^No leader is elected/);

    grid.heal(away);
    await grid.settled();
    await map.set('a', 3);
    expect(map.get('a')).toBe(3);
  });

  it('an operation that nobody answers times out', async () => {
    const grid = createGrid(2);
    await grid.join();
    const map = grid.followers[0]!.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 150 });
    await map.ready;

    grid.cut(grid.leader);
    const { error } = await ending(map.set('a', 2), 'the operation', 1000);
    expect(error!.message).toMatch(/^Timeout\. requestId: .+, number of received response: \d+$/);
    expect(error).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a peer that joins 20,000 entries has all of them, in order', async () => {
    const grid = createGrid(2);
    await grid.join();
    const map = grid.leader.createMap<string, number>({ mapId: 'map' });
    for (let from = 0; from < 20_000; from += 1000) await map.setAll(entries(from, 1000));

    const late = grid.add();
    const before = late.createMap<string, number>({ mapId: 'map' });
    const heard = listen(before as never);
    const writing = Promise.all([...entries(20_000, 200)].map(([key, value]) => map.set(key, value)));
    await late.join();
    await before.ready;
    expect(before.size).toBeGreaterThanOrEqual(20_000);
    await writing;
    await until(() => before.size === 20_200, 'it has what was written meanwhile');
    expect([...before]).toEqual([...map]);
    expect(heard.length).toBeLessThanOrEqual(200);

    await before.set('key-0', -1);
    await until(() => map.get('key-0') === -1, 'it can write');
  });
});
