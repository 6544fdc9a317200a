/**
 * Compiled, never run: stores as users write them must be `RemoteMap`s under `strict`, with every parameter typed by the
 * interface alone.
 */
import type { RemoteMap, RemoteMapUpdateResult } from 'hamok/lib/collections/RemoteMap';

/** The hash commands of a Redis client, typed as ioredis types them. */
interface HashClient {
  hget(hash: string, field: string): Promise<string | null>;
  hset(hash: string, ...fieldsAndValues: (string | Buffer | number)[]): Promise<number>;
  hdel(hash: string, ...fields: (string | Buffer)[]): Promise<number>;
  hkeys(hash: string): Promise<string[]>;
  hlen(hash: string): Promise<number>;
  del(...hashes: string[]): Promise<number>;
}

interface Session {
  user: string;
  startedAt: number;
}

/** Everything asynchronous, values typed by hand where JSON gives `any`. */
export function hashStore(client: HashClient, hash: string): RemoteMap<string, Session> {
  return {
    async size() {
      return client.hlen(hash);
    },
    async clear() {
      return client.del(hash).then(() => void 0);
    },
    async keys() {
      return (await client.hkeys(hash)).values();
    },
    async get(key) {
      const text = await client.hget(hash, key);
      return text ? JSON.parse(text) : undefined;
    },
    async getAll(keys) {
      const wanted = [...keys];
      const texts = await Promise.all(wanted.map((key) => client.hget(hash, key)));
      const found = wanted
        .map((key, index) => [key, texts[index] ? JSON.parse(texts[index]) : undefined])
        .filter(([, value]) => value !== undefined);

      return new Map(found as [string, Session][]);
    },
    async set(key, value, callback) {
      const before = await client.hget(hash, key);

      await client.hset(hash, key, JSON.stringify(value));
      callback?.(before ? JSON.parse(before) : undefined);
    },
    async setAll(entries, callback) {
      const inserted: [string, Session][] = [];
      const updated: [string, Session, Session][] = [];

      for (const [key, value] of entries) {
        const before = await client.hget(hash, key);

        if (before) updated.push([key, JSON.parse(before), value]);
        else inserted.push([key, value]);
        await client.hset(hash, key, JSON.stringify(value));
      }
      callback?.({ inserted, updated });
    },
    async remove(key) {
      const text = await client.hget(hash, key);

      await client.hdel(hash, key);

      return text ? JSON.parse(text) : undefined;
    },
    async removeAll(keys) {
      const wanted = [...keys];
      const removed = await this.getAll(wanted.values());

      await client.hdel(hash, ...wanted);

      return removed;
    },
    iterator() {
      async function* entries() {
        for (const key of await client.hkeys(hash)) {
          const text = await client.hget(hash, key);

          yield [key, text ? JSON.parse(text) : undefined] as [string, Session];
        }
      }

      return entries();
    },
  };
}

/** A class over a `Map`: what changes an entry is synchronous, parameters and results are written out. */
export class LocalStore<K, V> implements RemoteMap<K, V> {
  private readonly entries = new Map<K, V>();

  async size(): Promise<number> {
    return this.entries.size;
  }

  async clear(): Promise<void> {
    this.entries.clear();
  }

  async keys(): Promise<IterableIterator<K>> {
    return this.entries.keys();
  }

  async get(key: K): Promise<V | undefined> {
    return this.entries.get(key);
  }

  async getAll(keys: IterableIterator<K>): Promise<ReadonlyMap<K, V>> {
    const found = new Map<K, V>();

    for (let next = keys.next(); !next.done; next = keys.next()) {
      if (this.entries.has(next.value)) found.set(next.value, this.entries.get(next.value) as V);
    }

    return found;
  }

  set(key: K, value: V, callback?: (oldValue: V | undefined) => void): void {
    const oldValue = this.entries.get(key);

    this.entries.set(key, value);
    callback?.(oldValue);
  }

  setAll(entries: ReadonlyMap<K, V>, callback?: (result: RemoteMapUpdateResult<K, V>) => void): void {
    const result: RemoteMapUpdateResult<K, V> = { inserted: [], updated: [] };

    for (const [key, value] of entries) {
      this.set(key, value, (oldValue) => {
        if (oldValue === undefined) result.inserted.push([key, value]);
        else result.updated.push([key, oldValue, value]);
      });
    }
    callback?.(result);
  }

  async remove(key: K): Promise<V | undefined> {
    const value = this.entries.get(key);

    this.entries.delete(key);

    return value;
  }

  async removeAll(keys: IterableIterator<K>): Promise<ReadonlyMap<K, V>> {
    const removed = await this.getAll(keys);

    for (const key of removed.keys()) this.entries.delete(key);

    return removed;
  }

  async *iterator(): AsyncIterableIterator<[K, V]> {
    yield* this.entries;
  }
}
