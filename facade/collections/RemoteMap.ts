/** The store behind a `HamokRemoteMap`, which users implement over Redis, a database and the like. */

/** What `RemoteMap.setAll` did. */
export interface RemoteMapUpdateResult<K, V> {
  /** Entries whose keys were new: key and value. */
  inserted: [key: K, value: V][];
  /** Entries whose keys existed: key, value before, value now. */
  updated: [key: K, oldValue: V, newValue: V][];
}

/**
 * A store that all peers share. Each peer has an object of its own for it. Reads of a `HamokRemoteMap` go to the object of
 * the calling peer; operations that change the store run on the leader's object, one at a time for each map, in the order
 * in which the grid committed them.
 *
 * A function that throws or rejects makes the caller's promise reject with that error, and the next operation goes on.
 */
export interface RemoteMap<K, V> {
  /** The number of entries. */
  size(): Promise<number>;

  /** Deletes all entries. */
  clear(): Promise<void>;

  /** The keys of all entries. */
  keys(): Promise<IterableIterator<K>>;

  /** The value of a key, `undefined` when it does not exist. */
  get(key: K): Promise<V | undefined>;

  /** The entries of those `keys` that exist. */
  getAll(keys: IterableIterator<K>): Promise<ReadonlyMap<K, V>>;

  /**
   * Sets an entry, then calls `callback` with the value that the key had, `undefined` when it had none. The operation is
   * over when the callback has been called and the promise, if there is one, has settled.
   */
  set(key: K, value: V, callback?: (oldValue: V | undefined) => void): Promise<void> | void;

  /** Sets entries, then calls `callback` once with what changed. It is over as `set` is. */
  setAll(entries: ReadonlyMap<K, V>, callback?: (result: RemoteMapUpdateResult<K, V>) => void): Promise<void> | void;

  /** Deletes an entry. Gives its value, `undefined` when the key did not exist. */
  remove(key: K): Promise<V | undefined>;

  /** Deletes entries. Gives those that existed. */
  removeAll(keys: IterableIterator<K>): Promise<ReadonlyMap<K, V>>;

  /** Iterates over all entries. */
  iterator(): AsyncIterableIterator<[K, V]>;
}
