import type { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { HamokRecord, HamokRecordBuilderConfig } from '../../../facade/collections/HamokRecord';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';

afterEach(closePeers);

/** Any fields, so that tests can use what they like. */
type Fields = Record<string, unknown>;
type Config = Partial<HamokRecordBuilderConfig<Fields>>;

async function createRecord(config: Config = {}) {
  const { hamok, native } = await createJoinedPeer();
  const record = hamok.createRecord<Fields>({ recordId: 'record', ...config });

  await record.ready;

  return { hamok, native, record, heard: listen(record) };
}

function listen(record: EventEmitter): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of ['insert', 'update', 'remove', 'clear', 'close']) {
    record.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  }

  return heard;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.code,
  );

const codecs = (entries: Record<string, { encode(data: never): string; decode(data: string): unknown }>) =>
  new Map(Object.entries(entries)) as unknown as HamokRecordBuilderConfig<Fields>['payloadCodecs'];

/** A codec whose decoder throws while `fails` says so. */
function brittleCodec() {
  const codec = {
    fails: false,
    encode: (value: number) => String(value),
    decode: (data: string) => {
      if (codec.fails) throw new Error('cannot decode');
      return Number(data);
    },
  };

  return codec;
}

describe('fields on the way', () => {
  it('names travel as text and values as JSON', async () => {
    const { native, record } = await createRecord();

    await record.set('ü', { a: [1] });
    expect(native.calls).toContain('open(1,3,record)');
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 1, keys: ['ü'], values: ['{"a":[1]}'] });
    await record.insert('b', null);
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 2, keys: ['b'], values: ['null'] });
    await record.delete('b');
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 3, keys: ['b'] });
    await record.clear();
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 4 });
  });

  it('a payload codec has its field, both ways', async () => {
    const date = { encode: (value: Date) => value.toISOString(), decode: (data: string) => new Date(data) };
    const { native, record, heard } = await createRecord({ payloadCodecs: codecs({ at: date }) });
    const [first, second] = [new Date(0), new Date(1)];

    expect(await record.set('at', first)).toBe(undefined);
    expect(native.submitted.at(-1)!.values).toEqual(['1970-01-01T00:00:00.000Z']);
    expect(await record.set('at', second)).toEqual(first);
    expect(await record.insert('at', first)).toEqual(second);
    expect(await record.insertInstance({ at: first })).toEqual({ at: second });
    expect(record.get('at')).toEqual(second);
    expect(record.instance).toEqual({ at: second });
    expect(heard).toEqual([
      ['insert', { key: 'at', value: first }],
      ['update', { key: 'at', oldValue: first, newValue: second }],
    ]);
    expect(heard[0]![1]).toHaveProperty('value', expect.any(Date));
  });

  it('insertInstance is one operation for all fields, and leaves out what is undefined', async () => {
    const { native, record } = await createRecord();

    await record.set('b', 1);
    expect(await record.insertInstance({ a: 1, none: undefined, b: 2 })).toEqual({ b: 1 });
    expect(native.submitted).toHaveLength(2);
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 2, keys: ['a', 'b'], values: ['1', '2'] });
    expect(await record.insertInstance({ c: 1 })).toBe(undefined);
    expect(await record.insertInstance({ c: undefined })).toBe(undefined);
    expect(native.submitted).toHaveLength(3);
    expect(record.instance).toEqual({ b: 1, a: 1, c: 1 });
  });

  it('insertInstance over the limit is split, and the results are merged', async () => {
    const { native, record } = await createRecord({ maxOutboundMessageKeys: 2 });

    await record.set('c', 0);
    expect(await record.insertInstance({ a: 1, b: 2, c: 3, d: 4, e: 5 })).toEqual({ c: 0 });
    expect(native.submitted.slice(1).map(({ keys }) => keys)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('operations before the record is ready wait in order', async () => {
    const { hamok, native } = createPeer();
    const record = hamok.createRecord<Fields>({ recordId: 'record', requestTimeoutInMs: 20 });
    const results = [
      record.set('a', 1),
      record.set('a', 2),
      record.insertInstance({ a: 5, b: 6 }),
      record.delete('b'),
      record.clear(),
      record.insert('c', 1),
      record.updateIf('c', 2, 1),
      record.updateInstanceIf({ d: 3 }, { b: undefined }),
    ];

    await pause(40);
    expect(native.submitted).toEqual([]);
    hamok.join();
    native.join();
    expect(await Promise.all(results)).toEqual([undefined, 1, { a: 2 }, true, undefined, undefined, true, true]);
    expect(record.instance).toEqual({ c: 2, d: 3 });
  });

  it('initialObject is inserted, and existing fields win', async () => {
    const { hamok, native } = createPeer();
    const record = hamok.createRecord<Fields>({ recordId: 'record', initialObject: { a: 1, b: 1, c: undefined } });
    const heard = listen(record);

    expect(record.get('a')).toBe(undefined);
    native.opens = false;
    hamok.join();
    native.join();
    native.maps.get(1)!.set('b', { value: '7', changedAt: 0 });
    native.ready(1, ['b', '7']);
    await record.ready;
    await record.set('d', 1);
    expect(record.instance).toEqual({ b: 7, a: 1, d: 1 });
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['insert', { key: 'd', value: 1 }],
    ]);
  });
});

describe('values', () => {
  it('get gives a frozen value, instance a new object each time', async () => {
    const { record, heard } = await createRecord();

    await record.set('deep', { list: [{ n: 1 }] });
    const value = record.get('deep') as { list: { n: number }[] };
    for (const item of [value, value.list, value.list[0]]) expect(Object.isFrozen(item)).toBe(true);
    expect((heard[0]![1] as { value: unknown }).value).toBe(value);

    const instance = record.instance as { deep: typeof value };
    instance.deep.list[0]!.n = 2;
    instance.deep.list.push({ n: 3 });
    delete (instance as Fields).deep;
    expect(record.instance).toEqual({ deep: { list: [{ n: 1 }] } });
    expect(record.instance).not.toBe(record.instance);
  });

  it.each([
    ['a typed array', () => Uint8Array.of(1, 2)],
    ['a Map', () => new Map([[1, 2]])],
    ['an object with a typed array in it', () => ({ bytes: Uint8Array.of(1) })],
    [
      'a ring',
      () => {
        const ring: { self?: unknown } = {};
        ring.self = ring;
        return ring;
      },
    ],
    ['a getter that throws', () => Object.defineProperty({}, 'bad', { get: () => expect.fail(), enumerable: true })],
    ['null', () => null],
  ])('what a codec makes may be %s', async (_, make) => {
    const value = make();
    const codec = { encode: () => 'x', decode: () => value };
    const { record } = await createRecord({ payloadCodecs: codecs({ a: codec }) });

    await record.set('a', 1);
    expect(record.get('a')).toBe(value);
    expect(record.instance.a).toBe(value);
  });

  it.each([0, '', false, null])('%j is a value like any other', async (falsy) => {
    const { record } = await createRecord();

    expect(await record.insert('a', falsy)).toBe(undefined);
    expect(await record.insert('a', 1)).toBe(falsy);
    expect(await record.set('a', falsy)).toBe(falsy);
    expect(await record.insertInstance({ a: 1 })).toEqual({ a: falsy });
    expect(await record.updateIf('a', 1, undefined)).toBe(false);
    expect(await record.updateIf('a', 1, falsy)).toBe(true);
    expect(await record.updateInstanceIf({ a: falsy }, { a: 1 })).toBe(true);
    expect(record.get('a')).toBe(falsy);
    expect(record.instance).toEqual({ a: falsy });
    expect(await record.delete('a')).toBe(true);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '5'])(
    'a field may be named %j',
    async (name) => {
      const { record } = await createRecord();
      const partial = JSON.parse(`{${JSON.stringify(name)}:{"polluted":true}}`);

      expect(record.get(name)).toBe(undefined);
      expect(await record.delete(name)).toBe(false);
      expect(await record.insertInstance(partial)).toBe(undefined);
      const existing = await record.insertInstance(partial);
      expect(Object.entries(existing!)).toEqual([[name, { polluted: true }]]);
      expect(record.get(name)).toEqual({ polluted: true });
      expect(Object.entries(record.instance)).toEqual([[name, { polluted: true }]]);
      expect(Object.getPrototypeOf(record.instance)).toBe(Object.prototype);
      expect(await record.updateInstanceIf({ other: 1 }, partial)).toBe(true);
      expect(({} as Fields).polluted).toBe(undefined);
      expect(await record.delete(name)).toBe(true);
    },
  );

  it('a number names a field as it does in an object', async () => {
    const { record, heard } = await createRecord();

    await record.set(5 as never, 1 as never);
    expect([record.get('5'), record.get(5 as never)]).toEqual([1, 1]);
    expect(heard).toEqual([['insert', { key: '5', value: 1 }]]);
  });
});

describe('updateIf and updateInstanceIf', () => {
  it('look at the mirror and confirm a false', async () => {
    const { native, record } = await createRecord();

    await record.set('a', 1);
    expect(await record.updateIf('a', 2, 0)).toBe(false);
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 8, seenRevision: 1, expected: [['a', true]], keys: [] });
    expect(await record.updateIf('none', 2, 0)).toBe(false);
    expect(native.submitted.at(-1)).toMatchObject({ expected: [['none', false]], keys: [] });
    expect(await record.updateIf('a', 2, 1)).toBe(true);
    expect(native.submitted.at(-1)).toMatchObject({ expected: [['a', true]], keys: ['a'], values: ['2'] });
    expect(record.get('a')).toBe(2);
  });

  it('undefined as the old value stands for a field that does not exist', async () => {
    const { native, record, heard } = await createRecord();

    expect(await record.updateIf('a', 1, undefined)).toBe(true);
    expect(native.submitted.at(-1)).toMatchObject({ expected: [['a', false]], keys: ['a'] });
    expect(await record.updateIf('a', 2, undefined)).toBe(false);
    expect(await record.updateInstanceIf({ b: 1 }, { a: 1, b: undefined })).toBe(true);
    expect(await record.updateInstanceIf({ b: 2 }, { a: 1, b: undefined })).toBe(false);
    expect(record.instance).toEqual({ a: 1, b: 1 });
    expect(heard).toHaveLength(2);
  });

  it('updateInstanceIf sets all or nothing, what it inserts before what it updates', async () => {
    const { native, record, heard } = await createRecord();

    await record.insertInstance({ a: 1, b: 2 });
    expect(await record.updateInstanceIf({ a: 2, c: 3 }, { a: 1, b: 1 })).toBe(false);
    expect(native.submitted.at(-1)).toMatchObject({ expected: [['b', true]], keys: [] });
    expect(record.instance).toEqual({ a: 1, b: 2 });
    expect(await record.updateInstanceIf({ a: 2, c: 3, d: undefined }, { a: 1, b: 2 })).toBe(true);
    expect(native.submitted.at(-1)).toMatchObject({ keys: ['a', 'c'] });
    expect(heard.slice(2)).toEqual([
      ['insert', { key: 'c', value: 3 }],
      ['update', { key: 'a', oldValue: 1, newValue: 2 }],
    ]);
  });

  it('an empty oldInstance compares nothing, an empty newInstance only compares', async () => {
    const { record, heard } = await createRecord({ maxOutboundMessageKeys: 1 });

    await record.set('a', 1);
    expect(await record.updateInstanceIf({ a: 2, b: 2 }, {})).toBe(true);
    expect(record.instance).toEqual({ a: 2, b: 2 });
    expect(await record.updateInstanceIf({}, { a: 2, b: 2 })).toBe(true);
    expect(await record.updateInstanceIf({}, { a: 2, b: 3 })).toBe(false);
    expect(await record.updateInstanceIf({}, {})).toBe(true);
    expect(heard).toHaveLength(3);
  });

  it('look again when a field has changed meanwhile', async () => {
    const { native, record } = await createRecord();

    await record.set('a', 1);
    // The mirror does not know of the sets when the others look for the first time.
    const results = [
      record.set('a', 5),
      record.updateIf('a', 6, 5),
      record.updateIf('a', 7, 1),
      record.set('b', 1),
      record.updateInstanceIf({ c: 1 }, { a: 6, b: 1 }),
      record.updateIf('b', 2, undefined),
    ];
    expect(await Promise.all(results)).toEqual([1, true, false, undefined, true, false]);
    expect(record.instance).toEqual({ a: 6, b: 1, c: 1 });
    expect(native.submitted.filter(({ opcode }) => opcode === 8).length).toBeGreaterThan(4);
  });

  it('all rounds share one timeout', async () => {
    const { native, record } = await createRecord({ requestTimeoutInMs: 2000 });

    native.answers = false;
    const result = codeOf(record.updateIf('a', 1, 0));
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

  it('equalValues gets decoded values, and decides', async () => {
    const upper = { encode: (value: string) => value.toLowerCase(), decode: (data: string) => data.toUpperCase() };
    const compared: unknown[] = [];
    const { record } = await createRecord({
      payloadCodecs: codecs({ a: upper }),
      equalValues: (a, b) => {
        compared.push([a, b]);
        return String(a)[0] === String(b)[0];
      },
    });

    await record.insertInstance({ a: 'one', b: 'two' });
    expect(await record.updateIf('a', 'ox', 'O..')).toBe(true);
    expect(await record.updateIf('a', 'x', 'one')).toBe(false);
    expect(await record.updateInstanceIf({ b: 'three' }, { b: 'tree' })).toBe(true);
    expect(compared).toEqual([
      ['ONE', 'O..'],
      ['OX', 'one'],
      ['two', 'tree'],
    ]);
  });

  it('what equalValues throws rejects', async () => {
    const { record } = await createRecord({
      equalValues: () => {
        throw new Error('unequal');
      },
    });

    await record.set('a', 1);
    await expect(record.updateIf('a', 2, 1)).rejects.toThrow('unequal');
    await expect(record.updateInstanceIf({ a: 2 }, { a: 1 })).rejects.toThrow('unequal');
    expect(await record.set('a', 3)).toBe(1);
  });
});

describe('changes and listeners', () => {
  it('the mirror has the whole change before its events, and these come before the promise', async () => {
    const { record, heard } = await createRecord();
    const seen: unknown[] = [];

    await record.set('b', 1);
    record.on('insert', () => seen.push(record.instance));
    await record.updateInstanceIf({ b: 2, a: 1, c: 1 }, {});
    expect(heard.slice(1)).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['insert', { key: 'c', value: 1 }],
      ['update', { key: 'b', oldValue: 1, newValue: 2 }],
    ]);
    expect(seen).toEqual([
      { b: 2, a: 1, c: 1 },
      { b: 2, a: 1, c: 1 },
    ]);
    await record.delete('c');
    await record.clear();
    expect(heard.slice(4)).toEqual([['remove', { key: 'c', value: 1 }], ['clear']]);
  });

  it('a fill replaces the fields silently, and a change of another peer is heard', async () => {
    const { native, record, heard } = await createRecord();

    await record.set('a', 1);
    native.ready(1, ['x', '1', 'y', '2']);
    await pause(5);
    expect(record.instance).toEqual({ x: 1, y: 2 });
    native.change(1, 'z', '3');
    await pause(5);
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['insert', { key: 'z', value: 3 }],
    ]);
  });

  it('a value that cannot be read is reported, and keeps no other change away', async () => {
    const codec = brittleCodec();
    const { hamok, record, heard } = await createRecord({ payloadCodecs: codecs({ a: codec }) });
    const errors: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    await record.set('a', 1);
    codec.fails = true;
    await record.updateInstanceIf({ a: 2, b: 2 }, {});
    expect(errors).toMatchObject([{ code: 'INVALID_MESSAGE', message: expect.stringMatching(/cannot decode/) }]);
    expect(record.instance).toEqual({ b: 2 });
    expect(record.get('a')).toBe(undefined);
    expect(Buffer.from(record.export().values[0]!).toString()).toBe('2');
    expect(await record.updateIf('a', 3, undefined)).toBe(false);
    expect(await record.updateIf('a', 3, 1)).toBe(false);
    expect(await codeOf(record.insert('a', 4))).toBe('INVALID_MESSAGE');

    codec.fails = false;
    await record.set('a', 5);
    expect(record.instance).toEqual({ a: 5, b: 2 });
    expect(heard.slice(1)).toEqual([
      ['insert', { key: 'b', value: 2 }],
      ['insert', { key: 'a', value: 5 }],
    ]);
    codec.fails = true;
    await codeOf(record.set('a', 6));
    await record.delete('a');
    expect(heard).toHaveLength(3);
  });
});

describe('arguments', () => {
  it('that are none are rejected with a code, and nothing is sent', async () => {
    const throws = {
      encode: () => {
        throw new Error('cannot encode');
      },
      decode: () => 1,
    };
    const bytes = { encode: () => Buffer.from('x') as never, decode: () => 1 };
    const half = { encode: () => '\ud800', decode: () => 1 };
    const { native, record } = await createRecord({ payloadCodecs: codecs({ throws, bytes, half }) });
    const nonsense: [string, () => Promise<unknown>][] = [
      ['set', () => record.set('a', undefined)],
      ['set name', () => record.set(undefined as never, 1 as never)],
      ['set symbol', () => record.set(Symbol.iterator as never, 1 as never)],
      ['half a pair', () => record.set('\ud800', 1)],
      ['half a pair in a text', () => record.set('half', 1)],
      ['insert', () => record.insert('a', undefined)],
      ['function', () => record.set('a', () => {})],
      ['bigint', () => record.set('a', 1n)],
      ['codec', () => record.set('throws', 1)],
      ['codec of bytes', () => record.insert('bytes', 1)],
      ['insertInstance', () => record.insertInstance(undefined as never)],
      ['insertInstance text', () => record.insertInstance('text' as never)],
      ['insertInstance list', () => record.insertInstance([1] as never)],
      ['insertInstance codec', () => record.insertInstance({ a: 1, throws: 1 })],
      ['updateIf', () => record.updateIf('a', undefined, 1)],
      ['updateInstanceIf', () => record.updateInstanceIf(null as never, {})],
      ['updateInstanceIf old', () => record.updateInstanceIf({ a: 1 }, undefined as never)],
      ['delete', () => record.delete(null as never)],
    ];

    for (const [what, call] of nonsense) expect(await codeOf(call()), what).toBe('INVALID_ARGUMENT');
    await expect(record.set('a', undefined)).rejects.toThrow(TypeError);
    await expect(record.set('throws', 1)).rejects.toThrow(/cannot encode.*throws/);
    expect(native.submitted).toEqual([]);
    expect(record.get(undefined as never)).toBe(undefined);
  });

  it.each([
    [{ recordId: '' }, 'recordId'],
    [{ recordId: 'a', requestTimeoutInMs: -1 }, 'requestTimeoutInMs'],
    [{ recordId: 'a', maxOutboundMessageKeys: 1.5 }, 'maxOutboundMessageKeys'],
    [{ recordId: 'a', payloadCodecs: {} }, 'payloadCodecs'],
    [{ recordId: 'a', payloadCodecs: null }, 'payloadCodecs'],
    [{ recordId: 'a', payloadCodecs: new Map([['f', { encode: () => '' }]]) }, 'payloadCodecs.get("f")'],
    [{ recordId: 'a', equalValues: true }, 'equalValues'],
    [{ recordId: 'a', initialObject: 5 }, 'initialObject'],
    [{ recordId: 'a', initialObject: null }, 'initialObject'],
    [{ recordId: 'a', initialObject: [] }, 'initialObject'],
    [{ recordId: 'a', initialObject: { f: 1n } }, 'initialObject'],
  ])('the options %o are refused by name', (options, name) => {
    const { hamok } = createPeer();

    expect(() => hamok.createRecord(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(name) }),
    );
    expect(hamok.storages.size).toBe(0);
  });
});

describe('export and import', () => {
  const text = (list: Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString());

  it('what was exported can be read at once, and is inserted on joining', async () => {
    const { record } = await createRecord();

    await record.insertInstance({ a: 1, ü: null });
    const snapshot = record.export();
    expect(snapshot.recordId).toBe('record');
    expect(Object.keys(snapshot)).toEqual(['recordId', 'keys', 'values']);
    expect([text(snapshot.keys), text(snapshot.values)]).toEqual([
      ['a', 'ü'],
      ['1', 'null'],
    ]);
    snapshot.values[0]!.set([50]);
    expect(text(record.export().values)).toEqual(['1', 'null']);

    const { hamok, native } = createPeer();
    const copy = hamok.createRecord<Fields>({ recordId: 'record' });
    const heard = listen(copy);
    copy.import(snapshot, true);
    copy.import({ ...snapshot, keys: snapshot.keys.slice(0, 1), values: snapshot.values.slice(0, 1) }, true);
    expect(copy.instance).toEqual({ a: 2, ü: null });
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 2 }],
      ['insert', { key: 'ü', value: null }],
      ['update', { key: 'a', oldValue: 2, newValue: 2 }],
    ]);
    hamok.join();
    native.join();
    await copy.set('b', 1);
    expect(copy.instance).toEqual({ a: 2, ü: null, b: 1 });
    expect(() => copy.import(snapshot)).toThrow('Cannot import data while connected');
  });

  it('import is silent by default', () => {
    const { hamok } = createPeer();
    const record = hamok.createRecord<Fields>({ recordId: 'record' });
    const heard = listen(record);

    record.import({ recordId: 'record', keys: [Buffer.from('a')], values: [Buffer.from('1')] });
    expect([record.get('a'), heard]).toEqual([1, []]);
  });

  it('refuses what it cannot take, and then takes nothing', () => {
    const { hamok } = createPeer();
    const record = hamok.createRecord<Fields>({ recordId: 'record' });
    const snapshot = { recordId: 'record', keys: [Buffer.from('a')], values: [Buffer.from('1')] };
    const refused: [unknown, string][] = [
      [{ ...snapshot, recordId: 'other' }, 'INVALID_ARGUMENT'],
      [{ ...snapshot, keys: ['a'] }, 'INVALID_ARGUMENT'],
      [{ ...snapshot, keys: undefined }, 'INVALID_ARGUMENT'],
      [{ ...snapshot, values: [] }, 'INVALID_ARGUMENT'],
      [JSON.parse(JSON.stringify(snapshot)), 'INVALID_ARGUMENT'],
      [{ ...snapshot, values: [Buffer.from('{')] }, 'INVALID_MESSAGE'],
    ];

    for (const [given, code] of refused) {
      expect(() => record.import(given as never)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => record.import({ ...snapshot, recordId: 'other' })).toThrow(
      'Cannot import data from a different storage: other !== record',
    );
    expect(record.instance).toEqual({});
    record.close();
    expect(() => record.import(snapshot)).toThrow('Cannot import data on a closed storage (record)');
    expect(() => record.export()).toThrow('Cannot export data on a closed storage (record)');
  });
});

describe('closing and refusing', () => {
  it('a closed record rejects by name, frees its id and can be read', async () => {
    const { hamok, native, record, heard } = await createRecord();
    const refused: [Promise<unknown>, string][] = [];
    const order: string[] = [];

    await record.set('a', 1);
    const pending = codeOf(record.set('a', 2));
    record.connection.on('close', () => order.push('connection'));
    record.on('close', () => order.push('record'));
    record.close();
    record.close();
    expect(await pending).toBe('CLOSED');
    expect(order).toEqual(['connection', 'record']);
    expect(heard.at(-1)).toEqual(['close']);
    expect(native.calls.at(-1)).toBe('shut(1)');

    refused.push([record.set('a', 1), 'Cannot set an entry on a closed storage (record)']);
    refused.push([record.insert('a', 1), 'Cannot insert entries on a closed storage (record)']);
    refused.push([record.insertInstance({}), 'Cannot insert entries on a closed storage (record)']);
    refused.push([record.updateIf('a', 1, 1), 'Cannot update an entry on a closed storage (record)']);
    refused.push([record.updateInstanceIf({}, {}), 'Cannot update an entry on a closed storage (record)']);
    refused.push([record.delete('a'), 'Cannot delete entries on a closed storage (record)']);
    refused.push([record.clear(), 'Cannot clear a closed storage (record)']);
    for (const [promise, message] of refused) await expect(promise).rejects.toMatchObject({ code: 'CLOSED', message });
    expect([record.get('a'), record.instance]).toEqual([1, { a: 1 }]);
    expect(record.listenerCount('close')).toBe(0);
    expect(hamok.createRecord({ recordId: 'record' })).not.toBe(record);
  });

  it('ids are taken once, and kinds are named', async () => {
    const { hamok, record } = await createRecord();

    expect(() => hamok.createRecord({ recordId: 'record' })).toThrow('Record with id record already exists');
    expect(hamok.getOrCreateRecord({ recordId: 'record' })).toBe(record);
    expect(() => hamok.createMap({ mapId: 'record' })).toThrow(/Map .* a record/);
  });
});

it('the fields have the types that the object says', () => {
  // Compiled, never run.
  const calls = (record: HamokRecord<{ count: number; name?: string }>) => {
    const count: number | undefined = record.get('count');
    const old: Promise<number | undefined> = record.set('count', 1);
    const existing: Promise<Partial<{ count: number; name?: string }> | undefined> = record.insertInstance({});

    record.on('update', ({ key, newValue }) => [key satisfies 'count' | 'name', newValue]);
    // @ts-expect-error no such field
    record.get('none');
    // @ts-expect-error another type
    record.set('count', 'text');

    return [count, old, existing];
  };

  expect(calls).toBeTypeOf('function');
});
