/** What the operations of a map do, on a leader and on a follower: each one's result, and the events others hear. */
import { HamokMap, type HamokMapBuilderConfig } from 'hamok';
import { describe, expect, it } from 'vitest';
import { ending, useGrid } from '../support/grid';
import { alike, createMaps, entries, listen } from '../support/maps';

const FALSY = [0, '', false, null];

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
