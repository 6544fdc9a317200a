/** The store behind a `HamokRemoteMap`, which users implement over Redis, a database and the like. */
import type { StoreOperation, StoreResult } from '../stores/ExactStore';
import type { BatchContext } from '../stores/ExecutionContext';
import type { RemoteMapContext } from './remote-map/RemoteMapContext';

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
 *
 * The last argument of what the leader calls is a context; it is undefined when a peer only reads. A store that keeps
 * what it says in the same transaction as each write can refuse a leader that was replaced and recognise repetitions; see
 * `acquire`, and `hamok/stores/redis` and `hamok/stores/postgres` for stores that do.
 */
export interface RemoteMap<K, V> {
  /** The number of entries. */
  size(): Promise<number>;

  /** Deletes all entries. */
  clear(context?: RemoteMapContext): Promise<void>;

  /** The keys of all entries. */
  keys(): Promise<IterableIterator<K>>;

  /** The value of a key, `undefined` when it does not exist. */
  get(key: K, context?: RemoteMapContext): Promise<V | undefined>;

  /** The entries of those `keys` that exist. */
  getAll(keys: IterableIterator<K>, context?: RemoteMapContext): Promise<ReadonlyMap<K, V>>;

  /**
   * Sets an entry, then calls `callback` with the value that the key had, `undefined` when it had none. The operation is
   * over when the callback has been called and the promise, if there is one, has settled.
   */
  set(key: K, value: V, callback?: (oldValue: V | undefined) => void, context?: RemoteMapContext): Promise<void> | void;

  /** Sets entries, then calls `callback` once with what changed. It is over as `set` is. */
  setAll(
    entries: ReadonlyMap<K, V>,
    callback?: (result: RemoteMapUpdateResult<K, V>) => void,
    context?: RemoteMapContext,
  ): Promise<void> | void;

  /** Deletes an entry. Gives its value, `undefined` when the key did not exist. */
  remove(key: K, context?: RemoteMapContext): Promise<V | undefined>;

  /** Deletes entries. Gives those that existed. */
  removeAll(keys: IterableIterator<K>, context?: RemoteMapContext): Promise<ReadonlyMap<K, V>>;

  /** Iterates over all entries. */
  iterator(): AsyncIterableIterator<[K, V]>;

  /**
   * Optional. The epoch of a grid: the next number when `gridId` is new to the map, higher than all before; otherwise the
   * number that it got the first time. The leader asks before it executes anything in a grid, and once more after another
   * grid was merged into it. Every context then has that epoch. A write that rejects with an error whose `code` is
   * `STALE_EPOCH` tells a leader that it was replaced: it stops executing.
   * @param gridId at most 200 characters
   */
  acquire?(gridId: string): Promise<number>;

  /**
   * Optional, and only used with `acquire`. Carries out several operations in their order, in one step, and in place of
   * the functions above. The store recognises operations that it has carried out by their ids; so what it rejects, or does
   * not answer, is asked again until there is an answer, and no operation is given up. See `ExactStore` of
   * `hamok/stores/testing`.
   * @param operations at most 1,024
   * @returns a result for each
   */
  applyBatch?(operations: readonly StoreOperation<K, V>[], context: BatchContext): Promise<StoreResult<K, V>[]>;
}
