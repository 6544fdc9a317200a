import type { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryBaseMap } from '../../../facade/collections/BaseMap';
import type { HamokMapBuilderConfig } from '../../../facade/collections/HamokMap';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';

afterEach(closePeers);

async function createMap<V = number>(config: Partial<HamokMapBuilderConfig<string, V>> = {}) {
  const { hamok, native } = await createJoinedPeer();
  const map = hamok.createMap<string, V>({ mapId: 'map', ...config });

  await map.ready;

  return { hamok, native, map, heard: listen(map) };
}

function listen(map: EventEmitter): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of ['insert', 'update', 'remove', 'clear', 'close']) {
    map.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  }

  return heard;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.code,
  );

describe('before the map is ready', () => {
  it('operations wait in order, however long, and are sent when it is', async () => {
    const { hamok, native } = createPeer();
    const map = hamok.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 20 });
    const results = [map.set('a', 1), map.set('a', 2), map.updateIf('a', 3, 2), map.insert('a', 9)];

    await pause(40);
    expect(native.submitted).toEqual([]);
    hamok.join();
    native.join();
    expect(await Promise.all(results)).toEqual([undefined, 1, true, 2]);
    expect(map.get('a')).toBe(3);
  });

  it('bytes that the codec gives and changes later are sent as they were', async () => {
    const { hamok, native } = createPeer();
    const scratch = Buffer.alloc(1);
    const valueCodec = {
      encode: (value: number) => {
        scratch[0] = 48 + value;
        return scratch;
      },
      decode: (data: Uint8Array) => (data[0] as number) - 48,
    };
    const map = hamok.createMap<string, number>({ mapId: 'map', valueCodec });
    const results = [map.set('a', 1), map.set('b', 2)];

    hamok.join();
    native.join();
    await Promise.all(results);
    expect([...map]).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('what a base map holds is inserted, and existing keys win', async () => {
    const { hamok, native } = createPeer();
    const baseMap = new MemoryBaseMap([
      ['a', 1],
      ['b', 1],
    ]);
    const map = hamok.createMap<string, number>({ mapId: 'map', baseMap });
    const heard = listen(map);

    expect(baseMap.size).toBe(0);
    native.opens = false;
    hamok.join();
    native.join();
    native.maps.get(1)!.set('"b"', { value: '7', changedAt: 0 });
    native.ready(1, ['"b"', '7']);
    await map.ready;
    await map.set('c', 1);
    expect([...baseMap]).toEqual([
      ['b', 7],
      ['a', 1],
      ['c', 1],
    ]);
    expect(heard).toEqual([
      ['insert', 'a', 1],
      ['insert', 'c', 1],
    ]);
  });

  it('a base map that cannot be encoded is left alone, and no map is made', () => {
    const { hamok } = createPeer();
    const baseMap = new MemoryBaseMap([['a', 1n]]);

    expect(() => hamok.createMap({ mapId: 'map', baseMap })).toThrow(TypeError);
    expect([baseMap.size, hamok.storages.size]).toEqual([1, 0]);
  });

  it('close rejects what waits', async () => {
    const { hamok } = createPeer();
    const map = hamok.createMap({ mapId: 'map' });
    const results = [map.set('a', 1), map.updateIf('a', 2, 1), map.clear(), map.ready];

    map.close();
    expect(await Promise.all(results.map(codeOf))).toEqual(['CLOSED', 'CLOSED', 'CLOSED', 'CLOSED']);
  });
});

describe('operations', () => {
  it('calls of one turn are one native call', async () => {
    const { map, native } = await createMap();
    const before = native.submits;

    await Promise.all(Array.from({ length: 100 }, (_, index) => map.set(`key-${index}`, index)));
    expect(native.submits).toBe(before + 1);
  });

  it('a batch over the limit is split, and the results are merged', async () => {
    const { map, native } = await createMap({ maxOutboundMessageKeys: 2, maxOutboundMessageValues: 3 });
    const entries = new Map(Array.from({ length: 5 }, (_, index) => [`key-${index}`, index]));

    await map.set('key-3', 30);
    expect(await map.setAll(entries)).toEqual(new Map([['key-3', 30]]));
    expect(native.submitted.slice(1).map(({ keys }) => keys.length)).toEqual([2, 2, 1]);
    expect(await map.removeAll(['x', 'key-1', 'y', 'key-4'])).toEqual(
      new Map([
        ['key-1', 1],
        ['key-4', 4],
      ]),
    );
    expect(await map.deleteAll(new Set(['x', 'y', 'key-0']))).toEqual(new Set(['key-0']));
  });

  it('arguments that are none are rejected with a code, and nothing is sent', async () => {
    const { map, native } = await createMap<unknown>();
    const nonsense: [string, () => Promise<unknown>][] = [
      ['set', () => map.set('a', undefined)],
      ['set key', () => map.set(undefined as never, 1)],
      ['insert', () => map.insert('a', undefined)],
      ['function', () => map.set('a', () => {})],
      ['bigint', () => map.set('a', 1n)],
      ['setAll', () => map.setAll(undefined as never)],
      ['setAll text', () => map.setAll('text' as never)],
      ['insertAll', () => map.insertAll(5 as never)],
      ['insertAll items', () => map.insertAll([5] as never)],
      ['deleteAll', () => map.deleteAll(undefined as never)],
      ['removeAll', () => map.removeAll([undefined] as never)],
      ['updateIf', () => map.updateIf('a', undefined, 1)],
      ['removeIf', () => map.removeIf(undefined as never, 1)],
    ];

    for (const [what, call] of nonsense) expect(await codeOf(call()), what).toBe('INVALID_ARGUMENT');
    await expect(map.set('a', undefined)).rejects.toThrow(TypeError);
    expect(native.submitted).toEqual([]);
    expect(await map.setAll(new Map())).toEqual(new Map());
  });

  it('codec errors reject with the text of the codec', async () => {
    const valueCodec = {
      encode: () => {
        throw new Error('cannot encode');
      },
      decode: () => 1,
    };
    const { map } = await createMap({ valueCodec });

    await expect(map.set('a', 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/cannot encode/),
    });
  });

  it('a result that cannot be decoded rejects its caller alone', async () => {
    let fails = false;
    const valueCodec = {
      encode: (value: number) => Buffer.from(String(value)),
      decode: (data: Uint8Array) => {
        if (fails) throw new Error('cannot decode');
        return Number(Buffer.from(data).toString());
      },
    };
    const { hamok, map } = await createMap({ valueCodec });
    const errors: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    await map.set('a', 1);
    fails = true;
    const [old, other] = [map.set('a', 2), map.set('b', 2)];
    expect(await codeOf(old)).toBe('INVALID_MESSAGE');
    expect(await other).toBe(undefined);
    expect(errors).toMatchObject([{ code: 'INVALID_MESSAGE' }, { code: 'INVALID_MESSAGE' }]);
  });

  it('an operation that nobody answers times out and is abandoned', async () => {
    const { map, native } = await createMap({ requestTimeoutInMs: 20 });

    native.answers = false;
    await expect(map.set('a', 1)).rejects.toThrow(/^Timeout\. requestId: \d+, number of received response: 0$/);
    expect(native.calls.at(-1)).toMatch(/^abandon/);
  });
});

describe('updateIf and removeIf', () => {
  it('look at the mirror and confirm a false', async () => {
    const { map, native } = await createMap();

    await map.set('a', 1);
    expect(await map.updateIf('a', 2, 0)).toBe(false);
    expect(native.submitted.at(-1)).toMatchObject({ action: 0, present: true, seenRevision: 1 });
    expect(await map.updateIf('none', 2, 0)).toBe(false);
    expect(native.submitted.at(-1)).toMatchObject({ action: 0, present: false });
    expect(await map.updateIf('a', 2, 1)).toBe(true);
    expect(await map.updateIf('a', 3, undefined as never)).toBe(false);
    expect(await map.removeIf('a', 1)).toBe(false);
    expect(await map.removeIf('a', 2)).toBe(true);
    expect(map.size).toBe(0);
  });

  it('look again when the key has changed meanwhile', async () => {
    const { map, native } = await createMap();

    await map.set('a', 1);
    // The mirror does not know of the sets when updateIf looks for the first time.
    const results = [map.set('a', 5), map.updateIf('a', 6, 5), map.updateIf('a', 7, 1)];
    expect(await Promise.all(results)).toEqual([1, true, false]);
    expect(map.get('a')).toBe(6);
    expect(native.submitted.filter(({ opcode }) => opcode === 5).length).toBeGreaterThan(2);
  });

  it('all rounds share one timeout', async () => {
    const { map, native } = await createMap({ requestTimeoutInMs: 2000 });

    native.answers = false;
    const result = codeOf(map.updateIf('a', 1, 0));
    const start = performance.now();
    for (let round = 0; round < 4; round++) {
      await pause(300);
      native.put().u8(12).u32(native.submitted.at(-1)!.token).u8(2);
    }
    expect(await result).toBe('TIMEOUT');
    // With a timeout for each it would take 1200 ms more.
    expect(performance.now() - start).toBeLessThan(2900);
    expect(native.submitted).toHaveLength(5);
  });

  it('what equalValues throws rejects', async () => {
    const { map } = await createMap({
      equalValues: () => {
        throw new Error('unequal');
      },
    });

    await map.set('a', 1);
    await expect(map.updateIf('a', 2, 1)).rejects.toThrow('unequal');
    expect(await map.set('a', 3)).toBe(1);
  });
});

describe('changes and listeners', () => {
  it('the mirror has the whole change before its events, and these come before the promise', async () => {
    const { map, heard } = await createMap();
    const seen: unknown[] = [];

    await map.set('b', 1);
    map.on('insert', () => seen.push([...map.entries()].flat()));
    await map.setAll(
      new Map([
        ['b', 2],
        ['a', 1],
        ['c', 1],
      ]),
    );
    expect(heard.slice(1)).toEqual([
      ['insert', 'a', 1],
      ['insert', 'c', 1],
      ['update', 'b', 1, 2],
    ]);
    expect(seen).toEqual([
      ['b', 2, 'a', 1, 'c', 1],
      ['b', 2, 'a', 1, 'c', 1],
    ]);
  });

  it('a listener that throws keeps nothing from the others, and its error comes up later', async () => {
    const { map, heard } = await createMap();
    const uncaught: unknown[] = [];
    const [listeners] = [process.listeners('uncaughtException')];

    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    map.prependListener('insert', () => {
      throw new Error('listener');
    });
    map.once('insert', (key) => heard.push(['once', key]));
    await map.set('a', 1);
    await map.set('b', 1);
    await pause(5);
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);

    expect(uncaught).toEqual(['listener', 'listener']);
    expect(heard).toEqual([
      ['insert', 'a', 1],
      ['once', 'a'],
      ['insert', 'b', 1],
    ]);
  });

  it('a fill replaces the content silently', async () => {
    const { map, native, heard } = await createMap();

    await map.set('a', 1);
    native.ready(1, ['"x"', '1', '"y"', '2']);
    await pause(5);
    expect([...map]).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
    expect(heard).toEqual([['insert', 'a', 1]]);
  });

  it('a change of another peer is heard, and a listener may write', async () => {
    const { map, native, heard } = await createMap();

    map.once('insert', (key, value) => map.set(`copy of ${key}`, value));
    native.change(1, '"a"', '1');
    await pause(5);
    native.change(1, '"a"', undefined);
    await pause(5);
    expect(heard).toEqual([
      ['insert', 'a', 1],
      ['insert', 'copy of a', 1],
      ['remove', 'a', 1],
    ]);
  });

  it('keys that are objects are found by their content', async () => {
    const { hamok } = await createJoinedPeer();
    const map = hamok.createMap<{ id: number }, string>({ mapId: 'objects' });

    await map.set({ id: 1 }, 'one');
    await map.set({ id: 1 }, 'uno');
    await map.set({ id: 2 }, 'two');
    expect([map.size, map.get({ id: 1 }), map.getAll([{ id: 2 }]).size]).toEqual([2, 'uno', 1]);
    expect(await map.updateIf({ id: 2 }, 'zwei', 'two')).toBe(true);
    expect(await map.delete({ id: 1 })).toBe(true);
    expect([...map.keys()]).toEqual([{ id: 2 }]);
  });

  it('bytes as values do not keep what arrived with them', async () => {
    const same = { encode: (data: Uint8Array) => data, decode: (data: Uint8Array) => data };
    const { map } = await createMap<Uint8Array>({ valueCodec: same });

    await map.set('a', Uint8Array.of(49, 50));
    expect(map.get('a')).toEqual(Uint8Array.of(49, 50));
    expect(map.get('a')!.buffer.byteLength).toBe(2);
  });
});

describe('export and import', () => {
  it('what was exported can be read at once, and is inserted on joining', async () => {
    const { map } = await createMap<unknown>();

    await map.setAll(
      new Map<string, unknown>([
        ['a', 1],
        ['ü', null],
      ]),
    );
    const snapshot = map.export();
    expect(snapshot).toEqual({ mapId: 'map', keys: ['"a"', '"ü"'], values: ['1', 'null'] });

    const { hamok, native } = createPeer();
    const copy = hamok.createMap<string, unknown>({ mapId: 'map' });
    const heard = listen(copy);
    copy.import(JSON.parse(JSON.stringify(snapshot)), true);
    expect([...copy]).toEqual([...map]);
    expect(heard).toHaveLength(2);
    hamok.join();
    native.join();
    await copy.set('b', 1);
    expect([...copy.keys()]).toEqual(['a', 'ü', 'b']);
    expect(() => copy.import(snapshot)).toThrow('Cannot import data while connected');
  });

  it('bytes that are no text survive', async () => {
    const same = { encode: (data: Uint8Array) => data, decode: (data: Uint8Array) => data };
    const { hamok } = createPeer();
    const map = hamok.createMap<string, Uint8Array>({ mapId: 'map', valueCodec: same });
    const values = [Uint8Array.of(0xff, 0, 0xc0), Buffer.from('\u0000base64:x'), new Uint8Array(0)];

    map.import({ mapId: 'map', keys: ['"a"', '"b"', '"c"'], values: ['', '', ''] });
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.baseMap.set(key, values[index]!);
    const snapshot = map.export();
    map.import(JSON.parse(JSON.stringify(snapshot)));
    expect([...map.values()].map((value) => [...value])).toEqual(values.map((value) => [...value]));
  });

  it('refuses what it cannot take', () => {
    const { hamok } = createPeer();
    const map = hamok.createMap({ mapId: 'map' });
    const snapshot = { mapId: 'other', keys: [], values: [] };

    expect(() => map.import(snapshot)).toThrow('Cannot import data from a different storage: other !== map');
    map.close();
    expect(() => map.import(snapshot)).toThrow('Cannot import data on a closed storage (map)');
    expect(() => map.export()).toThrow('Cannot export data on a closed storage (map)');
  });
});

describe('closing and refusing', () => {
  it('a closed map rejects by name, frees its id and can be read', async () => {
    const { hamok, map, native, heard } = await createMap();

    await map.set('a', 1);
    const order: string[] = [];
    map.connection.on('close', () => order.push('connection'));
    map.on('close', () => order.push('map'));
    map.close();
    map.close();
    expect(order).toEqual(['connection', 'map']);
    expect(heard.at(-1)).toEqual(['close']);
    expect(native.calls.at(-1)).toBe('shut(1)');
    await expect(map.set('a', 1)).rejects.toThrow('Cannot set an entry on a closed storage (map)');
    await expect(map.setAll(new Map())).rejects.toThrow('Cannot set entries on a closed storage (map)');
    await expect(map.insert('a', 1)).rejects.toThrow('Cannot insert entries on a closed storage (map)');
    await expect(map.delete('a')).rejects.toThrow('Cannot delete entries on a closed storage (map)');
    await expect(map.removeIf('a', 1)).rejects.toThrow('Cannot remove entries on a closed storage (map)');
    await expect(map.updateIf('a', 1, 1)).rejects.toThrow('Cannot update an entry on a closed storage (map)');
    await expect(map.clear()).rejects.toThrow('Cannot clear a closed storage (map)');
    expect(map.get('a')).toBe(1);
    expect(map.listenerCount('close')).toBe(0);
    expect(hamok.createMap({ mapId: 'map' })).not.toBe(map);
  });

  it('ids are taken once, and kinds are named', async () => {
    const { hamok, map } = await createMap();
    const existed = vi.fn();

    expect(() => hamok.createMap({ mapId: 'map' })).toThrow('Map with id map already exists');
    expect(hamok.getOrCreateMap({ mapId: 'map' }, existed)).toBe(map);
    expect(hamok.getOrCreateMap({ mapId: 'new' }, existed)).not.toBe(map);
    expect(existed.mock.calls).toEqual([[true]]);
    expect(() => hamok.createRemoteMap({ mapId: 'map', remoteMap: {} as never })).toThrow(/Remote map .* a map/);
    expect(() => hamok.getOrCreateRemoteMap({ mapId: 'map', remoteMap: {} as never })).toThrow(
      expect.objectContaining({ code: 'KIND_MISMATCH' }),
    );
  });

  it.each([
    [{ mapId: '' }],
    [{ mapId: 5 }],
    [{ mapId: 'a', requestTimeoutInMs: -1 }],
    [{ mapId: 'a', requestTimeoutInMs: '5' }],
    [{ mapId: 'a', maxOutboundMessageKeys: 1.5 }],
    [{ mapId: 'a', keyCodec: {} }],
    [{ mapId: 'a', valueCodec: { encode: () => {}, decode: 1 } }],
    [{ mapId: 'a', equalValues: true }],
    [{ mapId: 'a', baseMap: 5 }],
    [{ mapId: 'a', baseMap: {} }],
    [undefined],
  ])('refuses the options %j', (options) => {
    const { hamok } = createPeer();

    expect(() => hamok.createMap(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  it('a map whose id has another kind elsewhere rejects everything until it is accepted', async () => {
    const { hamok, native } = await createJoinedPeer();
    const errors: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    native.opens = false;
    const map = hamok.createMap<string, number>({ mapId: 'map' });
    const waiting = map.set('a', 1);
    native.put().u8(10).u32(1).u8(0).text('KIND_MISMATCH', 'map has the kind queue');
    await expect(waiting).rejects.toMatchObject({ code: 'KIND_MISMATCH' });
    await expect(map.ready).rejects.toThrow('map has the kind queue');
    expect(await codeOf(map.set('a', 1))).toBe('KIND_MISMATCH');
    expect(errors).toHaveLength(1);
    native.ready(1);
    await pause(5);
    expect(await map.ready).toBe(map);
    expect(await map.set('a', 1)).toBe(undefined);
  });
});
