/** What every remote map must do, with fences or without. */
import type { RemoteMap } from '../../index';
import { holds, same } from './assertions';
import { type Check, entriesOf, set, setAll } from './Subject';

type MapCheck<K, V> = Check<K, V, RemoteMap<K, V>>;

export function mapChecks<K, V>(): MapCheck<K, V>[] {
  return [
    {
      name: 'map: a new one is empty',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        same(await store.size(), 0, 'size');
        same([...(await store.keys())], [], 'keys');
        same(await entriesOf(store), new Map(), 'iterator');
        same(await store.get(samples.key(0)), undefined, 'get');
        same(await store.getAll(samples.keys(2).values()), new Map(), 'getAll');
        same(await store.remove(samples.key(0)), undefined, 'remove');
        same(await store.removeAll(samples.keys(2).values()), new Map(), 'removeAll');
        await store.clear();
      },
    },
    {
      name: 'map: set tells the value that was there',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        same(await set(store, samples.key(0), samples.value(0)), undefined, 'the first set');
        same(await set(store, samples.key(0), samples.value(1)), samples.value(0), 'the second set');
        same(await store.get(samples.key(0)), samples.value(1), 'get');
        same(await store.size(), 1, 'size');
      },
    },
    {
      name: 'map: set and setAll need no callback',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await store.set(samples.key(0), samples.value(0));
        await store.setAll(samples.entries([0, 1], [1, 1]));
        same(await entriesOf(store), samples.entries([0, 1], [1, 1]), 'the entries');
      },
    },
    {
      name: 'map: setAll tells what was inserted and what was updated',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await set(store, samples.key(0), samples.value(0));
        same(
          await setAll(store, samples.entries([0, 10], [1, 11])),
          {
            inserted: [[samples.key(1), samples.value(11)]],
            updated: [[samples.key(0), samples.value(0), samples.value(10)]],
          },
          'setAll',
        );
        same(await entriesOf(store), samples.entries([0, 10], [1, 11]), 'the entries');
        same(await setAll(store, new Map()), { inserted: [], updated: [] }, 'setAll of nothing');
      },
    },
    {
      name: 'map: getAll gives those that exist',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(3));
        same(
          await store.getAll([samples.key(1), samples.key(7), samples.key(2)].values()),
          samples.entries([1, 1], [2, 2]),
          'getAll',
        );
        same(await store.getAll(([] as K[]).values()), new Map(), 'getAll of nothing');
      },
    },
    {
      name: 'map: remove gives the value that was there',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(2));
        same(await store.remove(samples.key(0)), samples.value(0), 'the first remove');
        same(await store.remove(samples.key(0)), undefined, 'the second remove');
        same(await entriesOf(store), samples.entries([1, 1]), 'the entries');
      },
    },
    {
      name: 'map: removeAll gives those that existed',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(3));
        same(
          await store.removeAll([samples.key(0), samples.key(7), samples.key(2)].values()),
          samples.entries([0, 0], [2, 2]),
          'removeAll',
        );
        same(await entriesOf(store), samples.entries([1, 1]), 'the entries');
        same(await store.removeAll(([] as K[]).values()), new Map(), 'removeAll of nothing');
      },
    },
    {
      name: 'map: clear removes everything, and the map goes on',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(3));
        await store.clear();
        same(await store.size(), 0, 'size');
        same(await set(store, samples.key(0), samples.value(5)), undefined, 'set');
        same(await entriesOf(store), samples.entries([0, 5]), 'the entries');
      },
    },
    {
      name: 'map: two peers see the same entries',
      async run(subject) {
        const { samples } = subject;
        const [first, second] = [await subject.open(), await subject.open()];

        await set(first, samples.key(0), samples.value(0));
        same(await second.get(samples.key(0)), samples.value(0), 'get');
        same(await set(second, samples.key(0), samples.value(1)), samples.value(0), 'set');
        same(await first.get(samples.key(0)), samples.value(1), 'get');
      },
    },
    {
      name: 'map: maps with other names are other maps',
      async run(subject) {
        const { samples } = subject;
        const [store, other] = [await subject.open(), await subject.open('-other')];

        await set(store, samples.key(0), samples.value(0));
        await set(other, samples.key(0), samples.value(1));
        await other.clear();
        same(await entriesOf(store), samples.entries([0, 0]), 'the entries');
      },
    },
    {
      name: 'map: thousands of entries, in one call and one by one',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const many = samples.many(5000);

        await setAll(store, many);
        same(await store.size(), 5000, 'size');
        same(await store.getAll(many.keys()), many, 'getAll');
        same(new Map([...(await store.keys())].map((key) => [key, 0])).size, 5000, 'the number of keys');
        same(await entriesOf(store), many, 'the entries');
        same(await store.removeAll(many.keys()), many, 'removeAll');
        same(await store.size(), 0, 'size afterwards');
      },
    },
    {
      name: 'map: sets of different keys at the same time are all there',
      async run(subject) {
        const { samples } = subject;
        const stores = [await subject.open(), await subject.open()] as const;
        const all = samples.many(100);

        await Promise.all([...all].map(([key, value], number) => set(stores[number % 2 === 0 ? 0 : 1], key, value)));
        same(await entriesOf(stores[0]), all, 'the entries');
      },
    },
  ];
}

/** For stores that keep any JSON, under any string. */
export function jsonChecks<K, V>(): MapCheck<K, V>[] {
  const values = [0, '', false, null, [], {}, -0.5, 'a\0b', '"', '\\', '\ufeff', '\u{1f600}', '\ud800', 2 ** 53];
  const keys = ['', ' ', '0', '{}', 'a\0b', '"', '\\', '%', '*', "'", '\ufeff', '\u{1f600}', 'x'.repeat(500)];

  return [
    {
      name: 'json: every value is one, also those that count as false',
      async run(subject) {
        const store = await subject.open();
        const { samples } = subject;

        for (const value of values as V[]) {
          await set(store, samples.key(0), value);
          same(await store.get(samples.key(0)), value, 'get');
          same(await store.getAll([samples.key(0)].values()), new Map([[samples.key(0), value]]), 'getAll');
          same(await set(store, samples.key(0), samples.value(1)), value, 'set tells');
          await set(store, samples.key(0), value);
          same(
            await setAll(store, samples.entries([0, 2])),
            { inserted: [], updated: [[samples.key(0), value, samples.value(2)]] },
            'setAll tells',
          );
          await set(store, samples.key(0), value);
          same(await store.removeAll([samples.key(0)].values()), new Map([[samples.key(0), value]]), 'removeAll');
          await set(store, samples.key(0), value);
          same(await store.remove(samples.key(0)), value, 'remove');
        }
      },
    },
    {
      name: 'json: any string is a key, and each another',
      async run(subject) {
        const store = await subject.open();
        const entries = new Map((keys as K[]).map((key, number) => [key, subject.samples.value(number)]));

        await setAll(store, entries);
        same(await entriesOf(store), entries, 'the entries');
        for (const [key, value] of entries) same(await store.remove(key), value, `remove ${JSON.stringify(key)}`);
        same(await store.size(), 0, 'size');
      },
    },
    {
      name: 'json: a value may be large',
      async run(subject) {
        const store = await subject.open();
        const value = 'large '.repeat(50_000) as V;

        await set(store, subject.samples.key(0), value);
        holds((await store.get(subject.samples.key(0))) === value, 'a text of 300,000 characters comes back as it was');
      },
    },
  ];
}
