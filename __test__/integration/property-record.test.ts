/**
 * A record against an object: random operations of three peers, that leave, close and are lost in between.
 *
 * What is called one after the other must give the model's results. What is called at once must end in the same fields
 * everywhere, with each value that was written either there or given to the one caller that replaced it. And what a peer
 * tells its listeners must lead to what it shows.
 */
import type { Hamok, HamokRecord } from 'hamok';
import { expect, it } from 'vitest';
import { createRandom } from '../support/grid';
import { counts, type Member, RestartingGrid, randomRestarts } from '../support/restarts';

type Fields = Record<string, unknown>;
type Model = Map<string, unknown>;

const SEQUENTIAL = 40;

const NAMES = ['a', 'b', 'c', 'd', 'at', '__proto__'];
const FALSY = [0, '', false, null];

const random = createRandom('property-record.test.ts');
let valueCount = 0;

/** The field `at` has a codec of its own. */
const payloadCodecs = new Map([
  [
    'at',
    { encode: (value: unknown) => `#${JSON.stringify(value)}`, decode: (data: string) => JSON.parse(data.slice(1)) },
  ],
]);

/** Never the same twice. */
const newValue = () => (random.int(3) === 0 ? { value: [++valueCount] } : ++valueCount);
const anyValue = (): unknown => (random.int(4) === 0 ? random.pick(FALSY) : newValue());
// Never none: without fields nothing is asked of the grid, and so nothing is learnt of it.
const someNames = () => [...new Set(Array.from({ length: 1 + random.int(3) }, () => random.pick(NAMES)))];
const someFields = (value: () => unknown): Fields => Object.fromEntries(someNames().map((name) => [name, value()]));
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

interface Copy {
  fields: Model;
  /** Events that do not fit those before. */
  readonly wrong: string[];
}

/** Opens the record, and keeps a copy that is made of its events alone. */
function open(peer: Hamok, copies: Map<HamokRecord<Fields>, Copy>): HamokRecord<Fields> {
  const record = peer.createRecord<Fields>({ recordId: 'record', requestTimeoutInMs: 20_000, payloadCodecs });
  const copy: Copy = { fields: new Map(), wrong: [] };
  const expectOld = (event: string, key: string, old?: unknown) => {
    const has = copy.fields.get(key);
    if (copy.fields.has(key) !== (event !== 'insert') || !same(has, old))
      copy.wrong.push(`${event} ${key}: had ${has}`);
  };

  copies.set(record, copy);
  // A fill is silent; only what came after it can fit.
  record.ready.then(() => {
    copy.fields = new Map(Object.entries(record.instance));
    copy.wrong.length = 0;
  });
  record.on('insert', ({ key, value }) => {
    expectOld('insert', key);
    copy.fields.set(key, value);
  });
  record.on('update', ({ key, oldValue, newValue: value }) => {
    expectOld('update', key, oldValue);
    copy.fields.set(key, value);
  });
  record.on('remove', ({ key, value }) => {
    expectOld('remove', key, value);
    copy.fields.delete(key);
  });
  record.on('clear', () => copy.fields.clear());

  return record;
}

/** What the model says an `updateInstanceIf` finds; undefined stands for a field that is not there. */
const holds = (model: Model, expected: Fields) =>
  Object.entries(expected).every(([name, it]) => same(model.get(name), it));

/** One operation on the record, and on the model; its result and what it must be. */
async function sequentialStep(record: HamokRecord<Fields>, model: Model): Promise<void> {
  const [name, value, fields] = [random.pick(NAMES), anyValue(), someFields(anyValue)];
  const guess = (field: string) => (random.int(4) > 0 ? model.get(field) : random.pick([undefined, anyValue()]));
  const expected = Object.fromEntries((random.int(8) === 0 ? [] : someNames()).map((field) => [field, guess(field)]));
  const expectedOne = guess(name);
  const [has, old] = [model.has(name), model.get(name)];
  const existing = Object.entries(fields).filter(([field]) => model.has(field));
  const put = (some: Fields, also = (_field: string) => true) => {
    for (const [field, it] of Object.entries(some)) if (also(field)) model.set(field, it);
  };
  const steps: [what: string, call: () => Promise<unknown>, result: unknown, change: () => unknown][] = [
    [`set ${name}`, () => record.set(name, value), old, () => model.set(name, value)],
    [`insert ${name}`, () => record.insert(name, value), old, () => has || model.set(name, value)],
    [
      'insertInstance',
      () => record.insertInstance({ ...fields, none: undefined }),
      existing.length > 0 ? Object.fromEntries(existing.map(([field]) => [field, model.get(field)])) : undefined,
      () => put(fields, (field) => !model.has(field)),
    ],
    [
      `updateIf ${name}`,
      () => record.updateIf(name, value, expectedOne),
      same(old, expectedOne),
      () => same(old, expectedOne) && model.set(name, value),
    ],
    [
      `updateInstanceIf ${JSON.stringify(expected)}`,
      () => record.updateInstanceIf(fields, expected),
      holds(model, expected),
      () => holds(model, expected) && put(fields),
    ],
    [`delete ${name}`, () => record.delete(name), has, () => model.delete(name)],
  ];
  const clear: (typeof steps)[number] = ['clear', () => record.clear(), undefined, () => model.clear()];
  const [what, call, result, change] = random.int(40) === 0 ? clear : random.pick(steps);

  expect(await call(), what).toEqual(result);
  change();
  expect(Object.entries(record.instance), `the fields after ${what}`).toEqual([...model]);
  expect(record.get(name), `${name} after ${what}`).toEqual(model.get(name));
}

/** One operation while others run. Says what it wrote, and what of others' it took away. */
async function concurrentStep(record: HamokRecord<Fields>, written: unknown[], replaced: unknown[]): Promise<void> {
  const [name, value] = [random.pick(NAMES), newValue()];
  const defined = (values: unknown[]) => values.filter((it) => it !== undefined);

  switch (random.int(5)) {
    case 0: {
      replaced.push(...defined([await record.set(name, value)]));
      written.push(value);
      break;
    }
    case 1:
      if ((await record.insert(name, value)) === undefined) written.push(value);
      break;
    case 2: {
      const fields = someFields(newValue);
      const kept = (await record.insertInstance(fields)) ?? {};
      for (const [field, it] of Object.entries(fields)) if (!Object.hasOwn(kept, field)) written.push(it);
      break;
    }
    case 3: {
      const current = record.get(name);
      if (await record.updateIf(name, value, current)) {
        replaced.push(...defined([current]));
        written.push(value);
      }
      break;
    }
    default: {
      const fields = someFields(newValue);
      const current = Object.fromEntries(Object.keys(fields).map((field) => [field, record.get(field)]));
      if (await record.updateInstanceIf(fields, current)) {
        replaced.push(...defined(Object.values(current)));
        written.push(...Object.values(fields));
      }
    }
  }
}

it('a record of three peers that restart is an object', async () => {
  const copies = new Map<HamokRecord<Fields>, Copy>();
  const grid = await RestartingGrid.start((peer) => open(peer, copies));
  let model: Model = new Map();
  const concurrently = async (members: readonly Member<HamokRecord<Fields>>[], meanwhile?: Promise<void>) => {
    const written: unknown[] = [...model.values()];
    const replaced: unknown[] = [];

    await grid.work(members, (record) => concurrentStep(record, written, replaced), meanwhile);
    const [first, ...others] = grid.collections.map(({ instance }) => Object.entries(instance));
    for (const other of others) expect(other, 'the fields of another peer').toEqual(first);
    expect(counts([...replaced, ...first!.map(([, value]) => value)]), 'the values that were written').toEqual(
      counts(written),
    );
    model = new Map(first);
    for (const record of grid.collections) {
      expect(copies.get(record)!.wrong, 'events that do not fit').toEqual([]);
      expect(counts(copies.get(record)!.fields), 'what events tell').toEqual(counts(first!));
    }
  };

  for (const restart of randomRestarts(random)) {
    for (let step = 0; step < SEQUENTIAL; step++) await sequentialStep(random.pick(grid.collections), model);
    await concurrently(grid.members);

    const victim = grid.victim(restart, random);
    const others = grid.members.filter((member) => member !== victim);
    await concurrently(others, grid.restart(restart, victim));
    // Otherwise there would soon be all fields, and for ever.
    await grid.collections[0]!.clear();
    model.clear();
  }
  await sequentialStep(random.pick(grid.collections), model);
});
