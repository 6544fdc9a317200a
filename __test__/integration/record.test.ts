import { type Hamok, HamokRecord } from 'hamok';
import type { HamokRecordBuilderConfig } from 'hamok/lib/collections/HamokRecord';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, QUICK, until, useGrid } from '../support/grid';

/** Any fields, so that tests can use what they like. */
type Fields = Record<string, unknown>;
type Config = Partial<HamokRecordBuilderConfig<Fields>>;

const FALSY = [0, '', false, null];
const EVENTS = ['insert', 'update', 'remove', 'clear', 'close'];

let recordCount = 0;

/** A record of a fresh id on each of these peers, ready. */
async function createRecords(peers: readonly Hamok[], config: Config = {}): Promise<HamokRecord<Fields>[]> {
  const recordId = `record-${++recordCount}`;
  const records = peers.map((peer) => peer.createRecord<Fields>({ recordId, ...config }));

  await Promise.all(records.map(({ ready }) => ready));

  return records;
}

/** Waits until all have the fields of the first, in its order. */
async function alike(records: readonly HamokRecord<Fields>[]): Promise<void> {
  const contents = () => records.map(({ instance }) => JSON.stringify(instance));

  await until(
    () => new Set(contents()).size === 1,
    () => `all peers have the same fields:\n${contents().join('\n')}`,
  );
}

/** What a record emits from now on. */
function listen(record: HamokRecord<Fields>): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of EVENTS) record.on(event as 'insert', (...args: unknown[]) => heard.push([event, ...args]));

  return heard;
}

const failure = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;
const text = (list: readonly Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString());

const fields = (from: number, count: number): Fields =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`field-${from + index}`, from + index]));

describe.each(['leader', 'follower'] as const)('every operation and its result, on a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  /** The record of the peer, the records of all with the peer's first, and what the last peer heard. */
  const create = async (config: Config = {}) => {
    const records = await createRecords([peer(), ...grid().peers.filter((it) => it !== peer())], config);

    return { record: records[0]!, records, heard: listen(records[2]!) };
  };

  it('set gives the old value', async () => {
    const { record, records, heard } = await create();

    expect(await record.set('a', 1)).toBe(undefined);
    expect(await record.set('a', 2)).toBe(1);
    expect(record.get('a')).toBe(2);
    await alike(records);
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['update', { key: 'a', oldValue: 1, newValue: 2 }],
    ]);
  });

  it('insert gives the existing value, and then changes nothing', async () => {
    const { record, records, heard } = await create();

    expect(await record.insert('a', 1)).toBe(undefined);
    expect(await record.insert('a', 2)).toBe(1);
    expect(record.get('a')).toBe(1);
    await alike(records);
    expect(heard).toEqual([['insert', { key: 'a', value: 1 }]]);
  });

  it('insertInstance gives what existed, and sets the rest', async () => {
    const { record, records, heard } = await create();

    expect(await record.insertInstance({ a: 1, b: undefined })).toBe(undefined);
    expect(await record.insertInstance({ c: 3, a: 2, b: 2 })).toEqual({ a: 1 });
    expect(await record.insertInstance({ b: 5, c: 5 })).toEqual({ b: 2, c: 3 });
    expect(await record.insertInstance({})).toBe(undefined);
    expect(record.instance).toEqual({ a: 1, c: 3, b: 2 });
    await alike(records);
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['insert', { key: 'c', value: 3 }],
      ['insert', { key: 'b', value: 2 }],
    ]);
  });

  it('updateIf changes the value only if it is the one expected', async () => {
    const { record, records, heard } = await create();
    await record.set('a', { n: 1 });

    expect(await record.updateIf('a', { n: 2 }, { n: 1 })).toBe(true);
    expect(await record.updateIf('a', { n: 3 }, { n: 1 })).toBe(false);
    expect(await record.updateIf('none', { n: 1 }, { n: 1 })).toBe(false);
    expect(record.instance).toEqual({ a: { n: 2 } });
    await alike(records);
    expect(heard.slice(1)).toEqual([['update', { key: 'a', oldValue: { n: 1 }, newValue: { n: 2 } }]]);
  });

  it('updateIf with undefined as the old value sets a field that does not exist, and only that', async () => {
    const { record, records, heard } = await create();

    expect(await record.updateIf('a', 1, undefined)).toBe(true);
    expect(await record.updateIf('a', 2, undefined)).toBe(false);
    expect(record.get('a')).toBe(1);
    await alike(records);
    expect(heard).toEqual([['insert', { key: 'a', value: 1 }]]);
  });

  it('updateInstanceIf sets all or nothing, what it inserts before what it updates', async () => {
    const { record, records, heard } = await create();
    await record.insertInstance({ a: 1, b: 2 });

    expect(await record.updateInstanceIf({ a: 9, c: 9 }, { a: 1, b: 1 })).toBe(false);
    expect(await record.updateInstanceIf({ a: 9 }, { a: 1, b: 2, c: 1 })).toBe(false);
    expect(await record.updateInstanceIf({ a: 9 }, { a: 1, b: undefined })).toBe(false);
    expect(record.instance).toEqual({ a: 1, b: 2 });
    expect(await record.updateInstanceIf({ a: 2, c: 3, d: undefined }, { b: 2, c: undefined })).toBe(true);
    expect(await record.updateInstanceIf({ b: 5 }, {})).toBe(true);
    expect(await record.updateInstanceIf({}, { b: 5, c: 3 })).toBe(true);
    expect(await record.updateInstanceIf({}, { b: 4 })).toBe(false);
    expect(record.instance).toEqual({ a: 2, b: 5, c: 3 });
    await alike(records);
    expect(heard.slice(2)).toEqual([
      ['insert', { key: 'c', value: 3 }],
      ['update', { key: 'a', oldValue: 1, newValue: 2 }],
      ['update', { key: 'b', oldValue: 2, newValue: 5 }],
    ]);
  });

  it('delete says whether the field existed, clear drops all', async () => {
    const { record, records, heard } = await create();
    await record.insertInstance({ a: 1, b: 2, c: 3 });

    expect(await record.delete('a')).toBe(true);
    expect(await record.delete('a')).toBe(false);
    expect(await record.clear()).toBe(undefined);
    expect(await record.clear()).toBe(undefined);
    expect([record.instance, record.get('b')]).toEqual([{}, undefined]);
    await alike(records);
    expect(heard.slice(3)).toEqual([['remove', { key: 'a', value: 1 }], ['clear']]);
  });

  it.each(FALSY)('%j is a value like any other', async (falsy) => {
    const { record, records } = await create();

    expect(await record.insert('a', falsy)).toBe(undefined);
    expect(await record.insert('a', 1)).toBe(falsy);
    expect(await record.insertInstance({ a: 1 })).toEqual({ a: falsy });
    expect(await record.set('a', falsy)).toBe(falsy);
    expect(await record.updateIf('a', 1, undefined)).toBe(false);
    expect(await record.updateIf('a', 1, falsy)).toBe(true);
    expect(await record.updateIf('a', falsy, 1)).toBe(true);
    expect(await record.updateInstanceIf({ a: falsy }, { a: falsy })).toBe(true);
    await alike(records);
    expect([records[2]!.get('a'), records[2]!.instance]).toEqual([falsy, { a: falsy }]);
    expect(await record.delete('a')).toBe(true);
  });

  it.each(['__proto__', 'constructor', '', 'ü 😀'])('a field may be named %j', async (name) => {
    const { record, records } = await create();
    const partial = JSON.parse(`{${JSON.stringify(name)}:{"polluted":true}}`);

    expect(record.get(name)).toBe(undefined);
    expect(await record.insertInstance(partial)).toBe(undefined);
    await alike(records);
    expect(Object.entries(records[1]!.instance)).toEqual([[name, { polluted: true }]]);
    expect(Object.entries((await record.insertInstance(partial))!)).toEqual([[name, { polluted: true }]]);
    expect(({} as Fields).polluted).toBe(undefined);
  });

  it('undefined is no value, and other things are no names: a TypeError, and the record goes on', async () => {
    const { record } = await create();

    for (const failed of [
      () => record.set('a', undefined),
      () => record.insert('a', undefined),
      () => record.updateIf('a', undefined, 1),
      () => record.set(undefined as never, 1 as never),
      () => record.delete({} as never),
      () => record.insertInstance(null as never),
      () => record.set('a', 1n),
    ]) {
      const error = await failure(failed);
      expect(error, failed.toString()).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await record.set('a', 1);
    expect(record.instance).toEqual({ a: 1 });
  });

  it('get gives a frozen value, instance an object of the own', async () => {
    const { record } = await create();
    await record.set('deep', { list: [{ n: 1 }] });
    const value = record.get('deep') as { list: { n: number }[] };

    expect(record).toBeInstanceOf(HamokRecord);
    expect([value, value.list, value.list[0]].every(Object.isFrozen)).toBe(true);
    const { instance } = record as { instance: { deep?: typeof value } };
    instance.deep!.list[0]!.n = 2;
    delete instance.deep;
    expect(record.instance).toEqual({ deep: { list: [{ n: 1 }] } });
  });

  it('an instance over the limits is split, and its results are merged', async () => {
    const { record, records } = await create({ maxOutboundMessageKeys: 10, maxOutboundMessageValues: 8 });
    const sizes: number[] = [];
    const count = (_index: number, { storageId, keys }: { storageId?: string; keys: unknown[] }) => {
      if (storageId === record.id) sizes.push(keys.length);
    };
    peer().on('commit', count);

    expect(await record.insertInstance(fields(0, 45))).toBe(undefined);
    expect(await record.insertInstance(fields(40, 20))).toEqual(fields(40, 5));
    expect([Math.max(...sizes), sizes.reduce((total, size) => total + size)]).toEqual([8, 65]);
    // All or nothing cannot be split.
    expect(await record.updateInstanceIf({ ...fields(0, 20), done: true }, fields(0, 60))).toBe(true);
    peer().off('commit', count);
    await alike(records);
    expect(records[2]!.instance).toEqual({ ...fields(0, 60), done: true });
  });

  it('on the caller the events come first, then the commit, then the promise', async () => {
    const { record } = await create();
    const order: string[] = [];
    const commit = (_index: number, { storageId }: { storageId?: string }) => {
      if (storageId === record.id) order.push('commit');
    };
    for (const event of EVENTS) record.on(event as 'insert', () => order.push(event));
    peer().on('commit', commit);

    const calls: [() => Promise<unknown>, string[]][] = [
      [() => record.set('a', 1), ['insert', 'commit']],
      [() => record.set('a', 2), ['update', 'commit']],
      [() => record.insertInstance({ a: 3, b: 1 }), ['insert', 'commit']],
      [() => record.updateInstanceIf({ a: 4, c: 1 }, { b: 1 }), ['insert', 'update', 'commit']],
      [() => record.delete('a'), ['remove', 'commit']],
      [() => record.clear(), ['clear', 'commit']],
    ];
    for (const [call, expected] of calls) {
      await call().then(() => order.push('promise'));
      expect(order.splice(0)).toEqual([...expected, 'promise']);
    }
    peer().off('commit', commit);
  });
});

describe('a record on several peers', () => {
  const grid = useGrid(3);

  it('payload codecs have their fields everywhere', async () => {
    const date = { encode: (value: Date) => value.toISOString(), decode: (data: string) => new Date(data) };
    const list = { encode: (value: string[]) => value.join(), decode: (data: string) => data.split(',') };
    const payloadCodecs = new Map<string, unknown>([
      ['at', date],
      ['list', list],
    ]) as never as Config['payloadCodecs'];
    const [record, other] = await createRecords(grid().peers, { payloadCodecs });
    const heard = listen(other!);

    await record!.insertInstance({ at: new Date(5), list: ['x', 'y'], plain: { json: true } });
    expect(await record!.set('at', new Date(7))).toEqual(new Date(5));
    expect(await record!.updateIf('at', new Date(8), new Date(7))).toBe(true);
    await alike([record!, other!]);
    expect(other!.instance).toEqual({ at: new Date(8), list: ['x', 'y'], plain: { json: true } });
    expect(heard[0]).toEqual(['insert', { key: 'at', value: new Date(5) }]);
    expect(Object.isFrozen(other!.get('list'))).toBe(true);
    expect(text(other!.export().values)).toEqual(['1970-01-01T00:00:00.008Z', 'x,y', '{"json":true}']);
  });

  it('emits the same events in the same order everywhere', async () => {
    const records = await createRecords(grid().peers);
    const heard = records.map((record) => listen(record));

    await Promise.all(
      records.flatMap((record, number) => Array.from({ length: 50 }, (_, i) => record.set(`k${i % 7}`, number))),
    );
    await records[1]!.clear();
    await until(() => heard.every((events) => events.at(-1)?.[0] === 'clear'), 'everybody heard the end');
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
    expect(heard[0]).toHaveLength(151);
  });

  it('operations that nobody awaits apply in the order of the calls', async () => {
    const [, record] = await createRecords(grid().peers);
    const calls: Promise<unknown>[] = [];

    for (let number = 1; number <= 300; number++) calls.push(record!.set('a', number));
    calls.push(record!.delete('a'), record!.insertInstance({ a: 301 }), record!.updateIf('a', 302, 301));
    expect(await Promise.all(calls)).toEqual([
      undefined,
      ...Array.from({ length: 299 }, (_, index) => index + 1),
      true,
      undefined,
      true,
    ]);
    expect(record!.get('a')).toBe(302);
  });

  it('a counter that three peers raise with updateIf adds up exactly', async () => {
    const records = await createRecords(grid().peers);
    const raise = async (record: HamokRecord<Fields>) => {
      for (let done = 0; done < 30; ) {
        const value = record.get('counter') as number | undefined;
        if (await record.updateIf('counter', (value ?? 0) + 1, value)) done++;
      }
    };

    await Promise.all(records.map(raise));
    await alike(records);
    expect(records[0]!.get('counter')).toBe(90);
  });

  it('updateInstanceIf moves between fields, whoever else does, and nothing is lost or made', async () => {
    const records = await createRecords(grid().peers);
    const names = ['x', 'y', 'z'];
    const total = (instance: Fields) => names.reduce((sum, name) => sum + (instance[name] as number), 0);
    await records[0]!.insertInstance({ x: 100, y: 100, z: 100 });
    await alike(records);
    const totals = new Set<number>();
    records[1]!.on('update', () => totals.add(total(records[1]!.instance)));

    const move = async (record: HamokRecord<Fields>, number: number) => {
      for (let done = 0; done < 25; ) {
        const [from, to] = [names[number]!, names[(number + 1 + (done % 2)) % 3]!];
        const { [from]: had, [to]: has } = record.instance as Record<string, number>;
        const moved = await record.updateInstanceIf({ [from]: had! - 1, [to]: has! + 1 }, { [from]: had, [to]: has });
        if (moved) done++;
      }
    };
    await Promise.all(records.map(move));
    await alike(records);
    expect(total(records[2]!.instance)).toBe(300);
    expect([...totals]).toEqual([300]);
  });

  it('one of three peers makes the field that does not exist', async () => {
    const records = await createRecords(grid().peers);

    for (let round = 0; round < 20; round++) {
      const made = await Promise.all(records.map((record, number) => record.updateIf(`${round}`, number, undefined)));
      expect(made.filter(Boolean)).toHaveLength(1);
    }
  });

  it('equalValues decides what counts as equal', async () => {
    const [record] = await createRecords(grid().peers, {
      equalValues: (a, b) => String(a).toLowerCase() === String(b).toLowerCase(),
    });
    await record!.set('a', 'One');

    expect(await record!.updateIf('a', 'Two', 'oNE')).toBe(true);
    expect(await record!.updateInstanceIf({ a: 'x' }, { a: 'three' })).toBe(false);
    expect(await record!.updateInstanceIf({ a: 'Three' }, { a: 'TWO' })).toBe(true);
    expect(record!.get('a')).toBe('Three');
  });

  it('initialObject is inserted, with events, and existing fields win', async () => {
    const [peer, other] = grid().peers;
    const recordId = `record-${++recordCount}`;
    const first = other!.createRecord<Fields>({ recordId });
    await first.set('both', 1);
    const heardByOther = listen(first);

    const record = peer!.createRecord<Fields>({ recordId, initialObject: { both: 2, mine: null, none: undefined } });
    const heard = listen(record);
    await record.ready;
    expect(record.instance).toEqual({ both: 1, mine: null });
    await until(() => 'mine' in first.instance, 'the other has both');
    expect(first.instance).toEqual({ both: 1, mine: null });
    expect(heard).toEqual([['insert', { key: 'mine', value: null }]]);
    expect(heardByOther).toEqual(heard);
  });

  it('a record that is created late is filled without events', async () => {
    const [a, b, c] = grid().peers;
    const recordId = `record-${++recordCount}`;
    const record = a!.createRecord<Fields>({ recordId });
    await record.insertInstance(fields(0, 100));
    await record.delete('field-3');

    for (const peer of [b!, c!]) {
      const late = peer.createRecord<Fields>({ recordId });
      const heard = listen(late);
      await late.ready;
      expect(heard).toEqual([]);
      expect(JSON.stringify(late.instance)).toBe(JSON.stringify(record.instance));
    }
  });

  it('export gives bytes, and a record that is not connected takes them', async () => {
    const [record] = await createRecords(grid().peers);
    await record!.insertInstance({ ...Object.fromEntries(FALSY.entries()), ü: 'ü', deep: { list: [1] } });

    const snapshot = structuredClone(record!.export());
    expect(Object.keys(snapshot)).toEqual(['recordId', 'keys', 'values']);
    expect(snapshot.recordId).toBe(record!.id);
    for (const item of [...snapshot.keys, ...snapshot.values]) expect(item).toBeInstanceOf(Uint8Array);
    expect([...text(snapshot.keys).slice(-2), ...text(snapshot.values).slice(-2)]).toEqual([
      'ü',
      'deep',
      '"ü"',
      '{"list":[1]}',
    ]);

    const copy = createGrid(1).peers[0]!.createRecord<Fields>({ recordId: record!.id });
    const heard = listen(copy);
    copy.import(snapshot);
    expect(copy.instance).toEqual(record!.instance);
    expect(heard).toEqual([]);
    const loud = createGrid(1).peers[0]!.createRecord<Fields>({ recordId: record!.id });
    const told = listen(loud);
    loud.import(snapshot, true);
    expect(told).toEqual(Object.entries(record!.instance).map(([key, value]) => ['insert', { key, value }]));

    expect(() => record!.import(snapshot)).toThrow('Cannot import data while connected');
    expect(() => copy.import({ ...snapshot, recordId: 'other' })).toThrow(
      `Cannot import data from a different storage: other !== ${record!.id}`,
    );
  });

  it('a closed record refuses operations by name, and can still be read', async () => {
    const [record] = await createRecords(grid().peers);
    const peer = grid().peers[0]!;
    const { id } = record!;
    const order: string[] = [];
    await record!.set('a', 1);
    record!.connection.on('close', () => order.push('connection'));
    record!.on('close', () => order.push('record'));

    const pending = ending(record!.set('a', 2), 'the pending operation');
    record!.close();
    record!.close();
    expect((await pending).error).toMatchObject({ code: 'CLOSED', message: 'Connection is closed' });
    expect([order, record!.closed, record!.eventNames()]).toEqual([['connection', 'record'], true, []]);
    expect(peer.storages.has(id)).toBe(false);
    const refused: [() => unknown, string][] = [
      [() => record!.clear(), `Cannot clear a closed storage (${id})`],
      [() => record!.set('a', 1), `Cannot set an entry on a closed storage (${id})`],
      [() => record!.insert('a', 1), `Cannot insert entries on a closed storage (${id})`],
      [() => record!.insertInstance({}), `Cannot insert entries on a closed storage (${id})`],
      [() => record!.delete('a'), `Cannot delete entries on a closed storage (${id})`],
      [() => record!.updateIf('a', 2, 1), `Cannot update an entry on a closed storage (${id})`],
      [() => record!.updateInstanceIf({}, {}), `Cannot update an entry on a closed storage (${id})`],
      [() => record!.export(), `Cannot export data on a closed storage (${id})`],
      [() => record!.import({ recordId: id, keys: [], values: [] }), `Cannot import data on a closed storage (${id})`],
    ];
    for (const [call, message] of refused) expect(await failure(call)).toMatchObject({ code: 'CLOSED', message });
    expect([record!.get('a'), record!.instance]).toEqual([1, { a: 1 }]);
    const again = peer.createRecord<Fields>({ recordId: id });
    await again.ready;
    // Whether the pending operation was applied is open.
    expect([1, 2]).toContain(again.get('a'));
  });

  it('an id is taken by one collection: a second record, or another kind, is refused', async () => {
    const [record, , third] = await createRecords(grid().peers);
    const [peer, , other] = grid().peers;
    const recordId = record!.id;

    expect(() => peer!.createRecord({ recordId })).toThrow(`Record with id ${recordId} already exists`);
    expect(() => peer!.createMap({ mapId: recordId })).toThrow(/map.*record/i);
    const existed: boolean[] = [];
    expect(peer!.getOrCreateRecord({ recordId }, (already) => existed.push(already))).toBe(record);
    peer!.getOrCreateRecord({ recordId: `${recordId}-new` }, (already) => existed.push(already));
    expect(existed).toEqual([true]);

    third!.close();
    const wrong = other!.createQueue<number>({ queueId: recordId });
    for (const end of [await ending(wrong.push(1), 'its operation'), await ending(wrong.ready, 'ready')]) {
      expect(end.error).toMatchObject({ code: 'KIND_MISMATCH', message: expect.stringMatching(/record/i) });
      expect(end.error!.message).toMatch(/queue/i);
    }
    wrong.close();
    expect(await record!.set('a', 1)).toBe(undefined);
  });
});

describe('before and after join', () => {
  it('operations before join wait in order, and what was imported can be read meanwhile', async () => {
    const grid = createGrid(3);
    const records = grid.peers.map((peer, number) => {
      return peer.createRecord<Fields>({ recordId: 'record', initialObject: { [`initial-${number}`]: number } });
    });
    const [record] = records;
    record!.import({ recordId: 'record', keys: [Buffer.from('imported')], values: [Buffer.from('1')] });
    expect(record!.instance).toEqual({ imported: 1 });
    const results = [record!.set('a', 1), record!.set('a', 2), record!.delete('a'), record!.insertInstance({ a: 3 })];

    await grid.join();
    expect(await Promise.all(results)).toEqual([undefined, 1, true, undefined]);
    await until(() => records.every(({ instance }) => Object.keys(instance).length === 5), 'all have all fields');
    await alike(records);
    expect(record!.instance).toEqual({ a: 3, imported: 1, 'initial-0': 0, 'initial-1': 1, 'initial-2': 2 });
  });

  it('a peer that comes back hears what changed meanwhile, and has the rest as it was', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const records = await createRecords(grid.peers);
    const away = grid.followers[0]!;
    const [record, other] = [records[grid.peers.indexOf(away)]!, records[grid.peers.indexOf(grid.leader)]!];
    await record.insertInstance({ kept: 1, changed: 1, gone: { n: 1 }, back: 1 });
    const heard = listen(record);

    await away.leave();
    await other.set('new', [1]);
    await other.set('changed', 2);
    await other.delete('gone');
    await other.set('back', 2);
    await other.set('back', 1);
    expect([heard, record.get('changed')]).toEqual([[], 1]);

    await away.join();
    await alike(records);
    expect(heard).toEqual([
      ['remove', { key: 'gone', value: { n: 1 } }],
      ['insert', { key: 'new', value: [1] }],
      ['update', { key: 'changed', oldValue: 1, newValue: 2 }],
    ]);
    expect(record.instance).toEqual({ kept: 1, changed: 2, back: 1, new: [1] });
    expect(await record.updateIf('changed', 3, 2)).toBe(true);
  });

  it('an operation of a peer that is away waits until it is back, and is heard once', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const records = await createRecords(grid.peers);
    const away = grid.followers[0]!;
    const record = records[grid.peers.indexOf(away)]!;
    const heard = listen(record);

    await away.leave();
    const waiting = [record.set('a', 1), record.updateIf('b', 2, undefined)];
    await away.join();
    expect(await Promise.all(waiting)).toEqual([undefined, true]);
    await alike(records);
    expect(heard).toEqual([
      ['insert', { key: 'a', value: 1 }],
      ['insert', { key: 'b', value: 2 }],
    ]);
  });

  it('without a leader operations fail in time, by name, and the record goes on when there is one', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const away = grid.followers[0]!;
    const record = away.createRecord<Fields>({ recordId: 'record', requestTimeoutInMs: 300 });
    await record.set('a', 1);

    grid.cut(away);
    await until(() => away.raft.leaderId === undefined, 'the leader is missed');
    const { error } = await ending(record.updateIf('a', 2, 1), 'the operation', 1500);
    expect(error).toMatchObject({ code: 'NO_QUORUM', message: expect.stringMatching(/^No leader is elected within/) });

    grid.heal(away);
    await grid.settled();
    await record.set('a', 3);
    expect(record.get('a')).toBe(3);
  });
});
