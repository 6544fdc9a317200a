/** The checks of stores: a store that makes a mistake does not pass, and one that makes none does, whoever wrote it. */
import type { RemoteMap } from 'hamok';
import { createMemoryStore, MemoryDatabase } from 'hamok/lib/stores/memory';
import { type StoreCheck, storeChecks } from 'hamok/lib/stores/testing';
import { describe, expect, it } from 'vitest';
import { type Mistake, OwnDatabase } from './support/OwnStore';

function checksOf(mistake?: Mistake): StoreCheck[] {
  const database = new OwnDatabase<unknown>(mistake);

  return storeChecks<string, unknown>({
    open: (name) => database.open(name),
    failing: { method: 'set', key: 'key', value: undefined },
  });
}

describe('a store of a user that makes no mistake', () => {
  for (const { name, run } of checksOf()) it(name, run);
});

describe('a store of a user', () => {
  /** By what the checks must find: all checks whose names fit must fail. */
  const mistakes: Record<Mistake, RegExp> = {
    'does not look at epochs': /lower epoch or term is refused|new epoch$|as numbers$/,
    'does not look at terms': /lower epoch or term is refused|deposed leader/,
    'does not look at indexes': /index below the last|that is refused on|new epoch$/,
    'goes on with indexes in a new epoch': /fence: terms and indexes start again/,
    'has no fence at all': /refused and changes|repeated, in any|takes effect once|of leaders that write/,
    'keeps no records': /repeated|recognised|takes effect once/,
    'keeps records in the object': /repeated, in any|batch: repeated|takes effect once/,
    'forgets records in a new epoch': /repeated, in any/,
    'keeps half of the records': /last 1024 operations/,
    'does not record failures': /failure: one operation of a batch/,
    'looks at records before the fence': /deposed leader/,
    'does not raise the fence when it answers from a record': /answered from its record/,
    'raises the fence when it refuses': /leaves no trace/,
    'looks first and writes later': /takes effect once/,
    'undoes a batch in which one fails': /failure: one operation of a batch/,
    'goes on after a refusal': /that is refused on/,
    'gives each call another epoch': /acquire: (a grid|grids that|neither)/,
    'gives all grids the same epoch': /acquire: /,
    'does not tell what was there': /^map: set tells|^set: does the same|^set: repeated/,
    'takes 0 and the like for nothing': /json: every value/,
    'inserts over what exists': /^insert: gives|^insertAll: does/,
    'iterates twice over some': /iteration: what stays/,
    'gives all maps the same entries': /map: maps with other names|fence: each map/,
  };

  it.each(Object.entries(mistakes))('that %s fails the checks that are about it', async (mistake, pattern) => {
    const failing = checksOf(mistake as Mistake).filter(({ name }) => pattern.test(name));

    expect(failing.length).toBeGreaterThan(0);
    // One after the other: some mistakes need the check before.
    for (const { name, run } of failing) {
      await expect(run(), name).rejects.toThrow();
    }
  });
});

describe('the checks', () => {
  it('for a store without fences are some of them', () => {
    const open = () => createMemoryStore<string, unknown>();
    const plain = storeChecks<string, unknown>({ open, fences: false }).map(({ name }) => name);
    const exact = storeChecks<string, unknown>({ open }).map(({ name }) => name);

    expect(exact).toEqual(expect.arrayContaining(plain));
    expect(plain.every((name) => /^(map|iteration|json): /.test(name))).toBe(true);
    expect(new Set(exact).size).toBe(exact.length);
  });

  it('say what was expected and what came', async () => {
    const [check] = checksOf('does not tell what was there').filter(({ name }) => name.startsWith('map: set tells'));

    await expect(check?.run()).rejects.toThrow('the second set\n  expected: { number: 0 }\n  got:      undefined');
  });

  it('close what they opened, also when they fail', async () => {
    const database = new MemoryDatabase();
    const opened = new Set<unknown>();
    const checks = storeChecks<string, unknown>({
      open(name) {
        const store = createMemoryStore<string, unknown>({ database, name });

        opened.add(store);

        return Object.assign(store, { size: async () => 7 });
      },
      close: (store) => void opened.delete(store),
    });

    await expect(checks.find(({ name }) => name === 'map: a new one is empty')?.run()).rejects.toThrow('size');
    expect(opened.size).toBe(0);
  });

  it('pass a store that is not asynchronous where it need not be', async () => {
    const maps = new Map<string, Map<string, unknown>>();
    const checks = storeChecks<string, unknown>({
      fences: false,
      open(name) {
        const entries = maps.get(name) ?? new Map<string, unknown>();

        maps.set(name, entries);

        return {
          ...synchronous(entries),
          set(key, value, callback) {
            const old = entries.get(key);

            entries.set(key, value);
            // It gives no promise, and calls back later.
            setImmediate(() => callback?.(old));
          },
        };
      },
    });

    for (const { run } of checks) await run();
  });
});

function synchronous(entries: Map<string, unknown>): RemoteMap<string, unknown> {
  const take = (keys: Iterable<string>, remove: boolean) => {
    const found = new Map([...keys].filter((key) => entries.has(key)).map((key) => [key, entries.get(key)]));

    if (remove) for (const key of found.keys()) entries.delete(key);

    return found;
  };

  return {
    size: async () => entries.size,
    clear: async () => entries.clear(),
    keys: async () => [...entries.keys()].values(),
    get: async (key) => entries.get(key),
    getAll: async (keys) => take(keys, false),
    set() {},
    setAll(all, callback) {
      const isOld = ([key]: [string, unknown]) => entries.has(key);
      const inserted = [...all].filter((entry) => !isOld(entry));
      const updated = [...all].filter(isOld).map(([key, value]): [string, unknown, unknown] => {
        return [key, entries.get(key), value];
      });

      for (const [key, value] of all) entries.set(key, value);
      callback?.({ inserted, updated });
    },
    remove: async (key) => take([key], true).get(key),
    removeAll: async (keys) => take(keys, true),
    async *iterator() {
      for (const key of [...entries.keys()]) if (entries.has(key)) yield [key, entries.get(key)];
    },
  };
}
