/** Random operations on a map of the grid, with what they must do according to a JavaScript `Map`. */
import type { HamokMap, HamokRemoteMap } from 'hamok';
import type { Random } from './grid';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', ''];
const FALSY = [0, '', false, null];

type AnyMap = HamokMap<string, unknown> | HamokRemoteMap<string, unknown>;

/** An operation, what its caller must be told, and what it does to the model. */
export interface MapStep {
  readonly name: string;
  call(): Promise<unknown>;
  readonly result: unknown;
  change(): void;
}

export class MapSteps {
  private valueCount = 0;

  constructor(private readonly random: Random) {}

  /** One operation, against a model that has the map's entries. */
  next(map: AnyMap, model: Map<string, unknown>): MapStep {
    const [key, value] = [this.random.pick(KEYS), this.anyValue()];
    const [keys, entries] = [this.someKeys(), this.someEntries(() => this.anyValue())];
    const expected = this.random.int(3) > 0 && model.has(key) ? model.get(key) : this.anyValue();
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
    const missing = () => [...entries.keys()].filter((it) => !model.has(it));
    const steps: [name: string, call: () => Promise<unknown>, result: unknown, change: () => unknown][] = [
      [`set ${key}`, () => map.set(key, value), old, () => model.set(key, value)],
      ['setAll', () => map.setAll(entries), olds, () => put(entries)],
      [`insert ${key}`, () => map.insert(key, value), old, () => has || model.set(key, value)],
      [
        'insertAll',
        () => map.insertAll(this.random.int(2) > 0 ? entries : [...entries]),
        olds,
        () => put(existing(entries, missing())),
      ],
      [`delete ${key}`, () => map.delete(key), has, () => model.delete(key)],
      [`remove ${key}`, () => map.remove(key), has, () => model.delete(key)],
      ['deleteAll', () => map.deleteAll(keys), new Set(found.keys()), () => remove(keys)],
      ['removeAll', () => map.removeAll(new Set(keys)), found, () => remove(keys)],
      [`updateIf ${key}`, () => map.updateIf(key, value, expected), equal, () => equal && model.set(key, value)],
    ];

    if ('removeIf' in map) {
      steps.push([`removeIf ${key}`, () => map.removeIf(key, expected), equal, () => equal && model.delete(key)]);
    }

    const clear: (typeof steps)[number] = ['clear', () => map.clear(), undefined, () => model.clear()];
    const [name, call, result, change] = this.random.int(40) === 0 ? clear : this.random.pick(steps);

    return { name, call, result, change };
  }

  /** One operation while others run. Says what it wrote, and what of others' it took away. */
  async atOnce(map: AnyMap, written: unknown[], replaced: unknown[]): Promise<void> {
    const [key, value] = [this.random.pick(KEYS), this.newValue()];
    const current = await map.get(key);

    switch (this.random.int(7)) {
      case 0:
      case 1: {
        const old = await map.set(key, value);
        written.push(value);
        if (old !== undefined) replaced.push(old);
        break;
      }
      case 2: {
        const entries = this.someEntries(() => this.newValue());
        replaced.push(...(await map.setAll(entries)).values());
        written.push(...entries.values());
        break;
      }
      case 3:
        if ((await map.insert(key, value)) === undefined) written.push(value);
        break;
      case 4: {
        const entries = this.someEntries(() => this.newValue());
        const kept = await map.insertAll(entries);
        for (const [name, it] of entries) if (!kept.has(name)) written.push(it);
        break;
      }
      case 5:
        replaced.push(...(await map.removeAll(this.someKeys())).values());
        break;
      default: {
        if (current === undefined) return;
        const removes = 'removeIf' in map && this.random.int(3) === 0;
        if (await (removes ? map.removeIf(key, current) : map.updateIf(key, value, current))) {
          replaced.push(current);
          if (!removes) written.push(value);
        }
      }
    }
  }

  /** Never the same twice. */
  private newValue(): unknown {
    return this.random.int(3) === 0 ? { value: ++this.valueCount } : ++this.valueCount;
  }

  private anyValue(): unknown {
    return this.random.int(4) === 0 ? this.random.pick(FALSY) : this.newValue();
  }

  /** Never none: without keys nothing is asked of the grid, and so nothing is learnt of it. */
  private someKeys(): string[] {
    return Array.from({ length: 1 + this.random.int(3) }, () => this.random.pick(KEYS));
  }

  private someEntries(value: () => unknown): Map<string, unknown> {
    return new Map(this.someKeys().map((key) => [key, value()]));
  }
}

/** What a caller is told of some keys. */
function existing(model: ReadonlyMap<string, unknown>, keys: Iterable<string>): Map<string, unknown> {
  return new Map([...keys].filter((key) => model.has(key)).map((key) => [key, model.get(key)]));
}
