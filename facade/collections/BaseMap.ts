/** The local storage of a `HamokMap`: a JavaScript `Map` with operations on many entries. */

/** What `BaseMap.setAll` did. */
export interface BaseMapUpdateResult<K, V> {
  /** Entries whose keys were new: key and value. */
  inserted: [key: K, value: V][];
  /** Entries whose keys existed: key, value before, value now. */
  updated: [key: K, oldValue: V, newValue: V][];
}

/**
 * Where a `HamokMap` keeps its entries on this peer. Users may give one of their own to read from it, or to hold the
 * entries in another form. It is written by the map alone. Every value counts as one, also `0`, `''`, `false` and `null`;
 * iteration is in the order of insertion.
 */
export interface BaseMap<K, V> extends Map<K, V> {
  /** The entries of those `keys` that exist. */
  getAll(keys: Iterable<K>): ReadonlyMap<K, V>;

  /** Sets an entry, then calls `callback` with the value that the key had, `undefined` when it had none. */
  set(key: K, value: V, callback?: (oldValue: V | undefined) => void): this;

  /** Sets entries, then calls `callback` once with what changed. */
  setAll(entries: ReadonlyMap<K, V>, callback?: (result: BaseMapUpdateResult<K, V>) => void): void;

  /** Sets an entry unless its key exists. Gives the value that exists, `undefined` when the entry was set. */
  insert(key: K, value: V): V | undefined;

  /** Sets those entries whose keys do not exist. Gives the entries that exist, unchanged. */
  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): ReadonlyMap<K, V>;

  /** Deletes entries. Gives those keys that existed. */
  deleteAll(keys: Iterable<K>): K[];

  /** Deletes an entry. Gives its value, `undefined` when the key did not exist. */
  remove(key: K): V | undefined;

  /** Deletes entries. Gives those that existed. */
  removeAll(keys: Iterable<K>): ReadonlyMap<K, V>;
}

/** The `BaseMap` that a `HamokMap` makes for itself: entries in memory. Single reads and writes are those of `Map`. */
export class MemoryBaseMap<K, V> extends Map<K, V> implements BaseMap<K, V> {
  /** See `BaseMap`. */
  getAll(keys: Iterable<K>): ReadonlyMap<K, V> {
    const found = new Map<K, V>();

    for (const key of keys) if (this.has(key)) found.set(key, this.get(key) as V);

    return found;
  }

  /** See `BaseMap`. */
  override set(key: K, value: V, callback?: (oldValue: V | undefined) => void): this {
    if (!callback) return super.set(key, value);

    const oldValue = this.get(key);

    super.set(key, value);
    callback(oldValue);

    return this;
  }

  /** See `BaseMap`. */
  setAll(entries: ReadonlyMap<K, V>, callback?: (result: BaseMapUpdateResult<K, V>) => void): void {
    const inserted: [K, V][] = [];
    const updated: [K, V, V][] = [];

    for (const [key, value] of entries) {
      if (this.has(key)) updated.push([key, this.get(key) as V, value]);
      else inserted.push([key, value]);
      super.set(key, value);
    }

    callback?.({ inserted, updated });
  }

  /** See `BaseMap`. */
  insert(key: K, value: V): V | undefined {
    if (this.has(key)) return this.get(key);

    super.set(key, value);

    return undefined;
  }

  /** See `BaseMap`. */
  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): ReadonlyMap<K, V> {
    const existing = new Map<K, V>();

    for (const [key, value] of entries) {
      if (this.has(key)) existing.set(key, this.get(key) as V);
      else super.set(key, value);
    }

    return existing;
  }

  /** See `BaseMap`. */
  deleteAll(keys: Iterable<K>): K[] {
    const deleted: K[] = [];

    for (const key of keys) if (this.delete(key)) deleted.push(key);

    return deleted;
  }

  /** See `BaseMap`. */
  remove(key: K): V | undefined {
    const value = this.get(key);

    this.delete(key);

    return value;
  }

  /** See `BaseMap`. */
  removeAll(keys: Iterable<K>): ReadonlyMap<K, V> {
    const removed = this.getAll(keys);

    for (const key of removed.keys()) this.delete(key);

    return removed;
  }
}
