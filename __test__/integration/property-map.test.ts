/**
 * A map against a JavaScript `Map`: random operations of three peers, that leave, close and are lost in between.
 *
 * What is called one after the other must give the model's results. What is called at once must end in the same entries
 * everywhere, with each value that was written either there or given to the one caller that replaced it. And what a peer
 * tells its listeners must lead to what it shows.
 */
import type { Hamok, HamokMap } from 'hamok';
import { expect, it } from 'vitest';
import { createRandom } from '../support/grid';
import { counts, type Member, RestartingGrid, randomRestarts } from '../support/restarts';

const SEQUENTIAL = 40;

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', ''];
const FALSY = [0, '', false, null];

const random = createRandom('property-map.test.ts');
let valueCount = 0;

/** Never the same twice. */
const newValue = () => (random.int(3) === 0 ? { value: ++valueCount } : ++valueCount);
const anyValue = (): unknown => (random.int(4) === 0 ? random.pick(FALSY) : newValue());
// Never none: without keys nothing is asked of the grid, and so nothing is learnt of it.
const someKeys = () => Array.from({ length: 1 + random.int(3) }, () => random.pick(KEYS));
const someEntries = (value: () => unknown) => new Map(someKeys().map((key) => [key, value()]));

/** Opens the map, and keeps a copy that is made of its events alone. */
function open(peer: Hamok, copies: Map<HamokMap<string, unknown>, Copy>): HamokMap<string, unknown> {
  const map = peer.createMap<string, unknown>({ mapId: 'map', requestTimeoutInMs: 20_000 });
  const copy: Copy = { entries: new Map(), wrong: [] };
  const expectOld = (event: string, key: string, old: unknown) => {
    const has = copy.entries.has(key) ? JSON.stringify(copy.entries.get(key)) : 'none';
    if (has !== (event === 'insert' ? 'none' : JSON.stringify(old))) copy.wrong.push(`${event} ${key}: had ${has}`);
  };

  copies.set(map, copy);
  // A fill is silent; only what came after it can fit.
  map.ready.then(() => {
    copy.entries = new Map(map);
    copy.wrong.length = 0;
  });
  map.on('insert', (key, value) => {
    expectOld('insert', key, undefined);
    copy.entries.set(key, value);
  });
  map.on('update', (key, old, value) => {
    expectOld('update', key, old);
    copy.entries.set(key, value);
  });
  map.on('remove', (key, value) => {
    expectOld('remove', key, value);
    copy.entries.delete(key);
  });
  map.on('clear', () => copy.entries.clear());

  return map;
}

interface Copy {
  entries: Map<string, unknown>;
  /** Events that do not fit those before. */
  readonly wrong: string[];
}

/** What a caller is told of some keys. */
const existing = (model: ReadonlyMap<string, unknown>, keys: Iterable<string>) =>
  new Map([...keys].filter((key) => model.has(key)).map((key) => [key, model.get(key)]));

/** One operation on the map, and on the model; its result and what it must be. */
async function sequentialStep(map: HamokMap<string, unknown>, model: Map<string, unknown>): Promise<void> {
  const [key, value] = [random.pick(KEYS), anyValue()];
  const [keys, entries] = [someKeys(), someEntries(anyValue)];
  const expected = random.int(3) > 0 && model.has(key) ? model.get(key) : anyValue();
  const equal = model.has(key) && JSON.stringify(model.get(key)) === JSON.stringify(expected);
  const old = model.get(key);
  const has = model.has(key);
  const olds = existing(model, entries.keys());
  const found = existing(model, new Set(keys));
  const put = (some: ReadonlyMap<string, unknown>) => {
    for (const [name, it] of some) model.set(name, it);
  };
  const remove = (some: Iterable<string>) => {
    for (const it of some) model.delete(it);
  };
  const steps: [name: string, call: () => Promise<unknown>, result: unknown, change: () => unknown][] = [
    [`set ${key}`, () => map.set(key, value), old, () => model.set(key, value)],
    ['setAll', () => map.setAll(entries), olds, () => put(entries)],
    [`insert ${key}`, () => map.insert(key, value), old, () => has || model.set(key, value)],
    [
      'insertAll',
      () => map.insertAll(random.int(2) > 0 ? entries : [...entries]),
      olds,
      () =>
        put(
          existing(
            entries,
            [...entries.keys()].filter((it) => !model.has(it)),
          ),
        ),
    ],
    [`delete ${key}`, () => map.delete(key), has, () => model.delete(key)],
    [`remove ${key}`, () => map.remove(key), has, () => model.delete(key)],
    ['deleteAll', () => map.deleteAll(keys), new Set(found.keys()), () => remove(keys)],
    ['removeAll', () => map.removeAll(new Set(keys)), found, () => remove(keys)],
    [`updateIf ${key}`, () => map.updateIf(key, value, expected), equal, () => equal && model.set(key, value)],
    [`removeIf ${key}`, () => map.removeIf(key, expected), equal, () => equal && model.delete(key)],
  ];
  const clear: (typeof steps)[number] = ['clear', () => map.clear(), undefined, () => model.clear()];
  const [name, call, result, change] = random.int(40) === 0 ? clear : random.pick(steps);

  expect(await call(), name).toEqual(result);
  change();
  expect([...map], `the entries after ${name}`).toEqual([...model]);
}

/** One operation while others run. Says what it wrote, and what of others' it took away. */
async function concurrentStep(map: HamokMap<string, unknown>, written: unknown[], replaced: unknown[]): Promise<void> {
  const [key, value] = [random.pick(KEYS), newValue()];
  const current = map.get(key);

  switch (random.int(7)) {
    case 0:
    case 1: {
      const old = await map.set(key, value);
      written.push(value);
      if (old !== undefined) replaced.push(old);
      break;
    }
    case 2: {
      const entries = someEntries(newValue);
      replaced.push(...(await map.setAll(entries)).values());
      written.push(...entries.values());
      break;
    }
    case 3:
      if ((await map.insert(key, value)) === undefined) written.push(value);
      break;
    case 4: {
      const entries = someEntries(newValue);
      const kept = await map.insertAll(entries);
      for (const [name, it] of entries) if (!kept.has(name)) written.push(it);
      break;
    }
    case 5:
      replaced.push(...(await map.removeAll(someKeys())).values());
      break;
    default: {
      if (current === undefined) return;
      const updates = random.int(3) > 0;
      if (await (updates ? map.updateIf(key, value, current) : map.removeIf(key, current))) {
        replaced.push(current);
        if (updates) written.push(value);
      }
    }
  }
}

it('a map of three peers that restart is a Map', async () => {
  const copies = new Map<HamokMap<string, unknown>, Copy>();
  const grid = await RestartingGrid.start((peer) => open(peer, copies));
  let model = new Map<string, unknown>();
  const concurrently = async (members: readonly Member<HamokMap<string, unknown>>[], meanwhile?: Promise<void>) => {
    const written: unknown[] = [...model.values()];
    const replaced: unknown[] = [];

    await grid.work(members, (map) => concurrentStep(map, written, replaced), meanwhile);
    const [first, ...others] = grid.collections.map((map) => [...map]);
    for (const other of others) expect(other, 'the entries of another peer').toEqual(first);
    expect(counts([...replaced, ...first!.map(([, value]) => value)]), 'the values that were written').toEqual(
      counts(written),
    );
    model = new Map(first);
    for (const map of grid.collections) {
      expect(copies.get(map)!.wrong, 'events that do not fit').toEqual([]);
      expect(counts(copies.get(map)!.entries), 'what events tell').toEqual(counts(first!));
    }
  };

  for (const restart of randomRestarts(random)) {
    for (let step = 0; step < SEQUENTIAL; step++) await sequentialStep(random.pick(grid.collections), model);
    await concurrently(grid.members);

    const victim = grid.victim(restart, random);
    const others = grid.members.filter((member) => member !== victim);
    await concurrently(others, grid.restart(restart, victim));
  }
  await sequentialStep(random.pick(grid.collections), model);
});
