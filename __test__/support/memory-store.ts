/** A store for remote maps, in memory, that all peers of a grid share, as they would share a Redis. */

import type { RemoteMapContext } from 'hamok';
import type { RemoteMap } from 'hamok/lib/collections/RemoteMap';

/** What was done to the store. */
export interface StoreEntry<V> {
  /** The peer whose object did it. */
  by: string;
  term: number;
  attempt: number;
  method: 'set' | 'setAll' | 'remove' | 'removeAll' | 'clear';
  key?: string;
  value?: V;
}

export class MemoryStore<V> {
  readonly entries = new Map<string, V>();
  /** Every change, in order. */
  readonly log: StoreEntry<V>[] = [];
  /** Called before each change; what it throws or rejects with is the store's failure. */
  before: (entry: StoreEntry<V>) => Promise<void> | void = () => {};
  /** The most changes that were under way at one time. */
  mostAtOnce = 0;
  private atOnce = 0;

  /** The object of one peer. */
  of(by: string): RemoteMap<string, V> {
    const { entries } = this;
    const act = async <R>(
      context: RemoteMapContext,
      what: Pick<StoreEntry<V>, 'method' | 'key' | 'value'>,
      change: () => R,
    ): Promise<R> => {
      const entry = { by, term: context.term, attempt: context.attempt, ...what };

      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
      try {
        await this.before(entry);
        this.log.push(entry);

        return change();
      } finally {
        this.atOnce--;
      }
    };
    const store = {
      size: async () => entries.size,
      keys: async () => entries.keys(),
      get: async (key: string) => entries.get(key),
      getAll: async (keys: IterableIterator<string>) =>
        new Map([...keys].filter((key) => entries.has(key)).map((key) => [key, entries.get(key) as V])),
      set: async (key: string, value: V, callback: ((old?: V) => void) | undefined, context: RemoteMapContext) => {
        const old = await act(context, { method: 'set', key, value }, () => {
          const before = entries.get(key);
          entries.set(key, value);
          return before;
        });
        callback?.(old);
      },
      setAll: async (
        all: ReadonlyMap<string, V>,
        callback: ((result: { inserted: [string, V][]; updated: [string, V, V][] }) => void) | undefined,
        context: RemoteMapContext,
      ) => {
        const result = await act(context, { method: 'setAll' }, () => {
          const inserted: [string, V][] = [];
          const updated: [string, V, V][] = [];
          for (const [key, value] of all) {
            if (entries.has(key)) updated.push([key, entries.get(key) as V, value]);
            else inserted.push([key, value]);
            entries.set(key, value);
          }
          return { inserted, updated };
        });
        callback?.(result);
      },
      remove: async (key: string, context: RemoteMapContext) =>
        act(context, { method: 'remove', key }, () => {
          const value = entries.get(key);
          entries.delete(key);
          return value;
        }),
      removeAll: async (keys: IterableIterator<string>, context: RemoteMapContext) =>
        act(context, { method: 'removeAll' }, () => {
          const removed = new Map<string, V>();
          for (const key of keys) {
            if (entries.has(key)) removed.set(key, entries.get(key) as V);
            entries.delete(key);
          }
          return removed;
        }),
      clear: async (context: RemoteMapContext) => act(context, { method: 'clear' }, () => entries.clear()),
      async *iterator() {
        yield* entries;
      },
    };

    return store as unknown as RemoteMap<string, V>;
  }
}
