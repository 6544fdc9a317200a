/** An action of each method, and what it does to the same two entries: that is checked in all ways there are. */
import type { ExactStore, StoreAction, StoreValue } from '../ExactStore';
import type { Samples } from './Samples';
import { setAll } from './Subject';

/** What one action does to `START`. */
export interface Example<K, V> {
  readonly action: StoreAction<K, V>;
  readonly result: StoreValue<K, V>;
  readonly entries: ReadonlyMap<K, V>;
}

/** The entries before, by the numbers of keys and values. */
const START = [
  [0, 0],
  [1, 1],
] as const;

/** Fills an empty map. These writes are plain. */
export async function start<K, V>(store: ExactStore<K, V>, samples: Samples<K, V>): Promise<Map<K, V>> {
  const entries = samples.entries(...START);

  await setAll(store, entries);

  return entries;
}

export function examples<K, V>(samples: Samples<K, V>): Example<K, V>[] {
  const key = (number: number) => samples.key(number);
  const value = (number: number) => samples.value(number);

  return [
    {
      action: { method: 'set', key: key(0), value: value(10) },
      result: value(0),
      entries: samples.entries([0, 10], [1, 1]),
    },
    {
      action: { method: 'setAll', entries: samples.entries([0, 10], [2, 12]) },
      result: { inserted: [[key(2), value(12)]], updated: [[key(0), value(0), value(10)]] },
      entries: samples.entries([0, 10], [1, 1], [2, 12]),
    },
    {
      action: { method: 'insert', key: key(2), value: value(12) },
      result: undefined,
      entries: samples.entries([0, 0], [1, 1], [2, 12]),
    },
    {
      action: { method: 'insertAll', entries: samples.entries([0, 10], [2, 12]) },
      result: samples.entries([0, 0]),
      entries: samples.entries([0, 0], [1, 1], [2, 12]),
    },
    {
      action: { method: 'updateIf', key: key(0), value: value(10), oldValue: value(0) },
      result: true,
      entries: samples.entries([0, 10], [1, 1]),
    },
    { action: { method: 'remove', key: key(0) }, result: value(0), entries: samples.entries([1, 1]) },
    {
      action: { method: 'removeAll', keys: [key(0), key(2)] },
      result: samples.entries([0, 0]),
      entries: samples.entries([1, 1]),
    },
    { action: { method: 'clear' }, result: undefined, entries: new Map() },
  ];
}

/** The names of the methods, in the order of the examples. */
export const METHODS = [
  'set',
  'setAll',
  'insert',
  'insertAll',
  'updateIf',
  'remove',
  'removeAll',
  'clear',
] as const satisfies readonly StoreAction<unknown, unknown>['method'][];

/** The example of a method. */
export function exampleOf<K, V>(samples: Samples<K, V>, method: (typeof METHODS)[number]): Example<K, V> {
  return examples(samples).find(({ action }) => action.method === method) as Example<K, V>;
}
