/**
 * The contract of a store that carries out each operation exactly once and in order, whatever fails: the interface of a
 * `RemoteMap`, fences, and a memory of what was done.
 *
 * Such a store keeps, besides the entries of a map, a *fence*: the highest epoch, the highest term in it, and the highest
 * index in that epoch. And it keeps a *record* of the results of the last 1,024 operations. In one transaction with each
 * write it does this:
 *
 * 1. A write of a lower epoch, or of the same epoch and a lower term, is refused: `STALE_EPOCH`.
 * 2. A write whose `operationId` it has a record of is answered from the record, and changes no entries.
 * 3. Any other write with an index below the last one of its epoch is refused: `STALE_INDEX`.
 * 4. What is not refused raises the fence; what is new is carried out and recorded, also when it fails.
 *
 * A write that is refused leaves no trace. A leader gives an operation one index, in its first attempt and in all others.
 */
import type { RemoteMap, RemoteMapUpdateResult } from '../index';
import type { BatchContext, StoreContext } from './ExecutionContext';
import type { StaleWriteError } from './StaleWriteError';

/** What an operation does: what the function of the name `method` does. */
export type StoreAction<K, V> =
  | {
      /** Sets an entry, or sets it if its key does not exist. */
      readonly method: 'set' | 'insert';
      /** The key of the entry. */
      readonly key: K;
      /** The value to set. */
      readonly value: V;
    }
  | {
      /** Sets a value if the present one is `oldValue`. */
      readonly method: 'updateIf';
      /** The key of the entry. */
      readonly key: K;
      /** The value to set. */
      readonly value: V;
      /** What must be there. */
      readonly oldValue: V;
    }
  | {
      /** Sets entries, or those whose keys do not exist. */
      readonly method: 'setAll' | 'insertAll';
      /** The entries. */
      readonly entries: ReadonlyMap<K, V>;
    }
  | {
      /** Deletes an entry. */
      readonly method: 'remove';
      /** Its key. */
      readonly key: K;
    }
  | {
      /** Deletes entries. */
      readonly method: 'removeAll';
      /** Their keys. */
      readonly keys: readonly K[];
    }
  | {
      /** Deletes all entries. */
      readonly method: 'clear';
    };

/** One operation of a batch. */
export type StoreOperation<K, V> = StoreAction<K, V> & {
  /** As in the context of a single write. */
  readonly index: number;
  /** As in the context of a single write. */
  readonly operationId: string;
};

/** What the function of the same name gives; for `set` and `setAll`, what its callback gets. */
export type StoreValue<K, V> = V | undefined | boolean | ReadonlyMap<K, V> | RemoteMapUpdateResult<K, V>;

/** How an operation of a batch ended. */
export type StoreResult<K, V> =
  | {
      /** It was carried out. */
      readonly status: 'done';
      /** As the first attempt had it. */
      readonly result: StoreValue<K, V>;
      /** Whether an earlier attempt has carried it out. */
      readonly repeated: boolean;
    }
  | {
      /**
       * It cannot be carried out, and has changed nothing; or it was, and a codec cannot read what was there before. The next
       * operations are not concerned.
       */
      readonly status: 'failed';
      /** Why. After a repetition only its text is what it was. */
      readonly error: Error;
      /** Whether an earlier attempt has failed. */
      readonly repeated: boolean;
    }
  | {
      /** The store has refused it, and with it all later operations of the batch. */
      readonly status: 'refused';
      /** That of the first operation that was refused. */
      readonly error: StaleWriteError;
    };

/**
 * A store that peers give to `createRemoteMap`, each an object of its own. What it promises is above; that it keeps a
 * promise is what `hamok/stores/testing` checks.
 *
 * A single write rejects with a `StaleWriteError` when it is refused, and with the store's error when it cannot be carried
 * out. When a write or a batch rejects with anything else, such as a lost connection, nobody knows whether it was carried
 * out: repeat it as it was, with the same operation ids, until there is an answer.
 *
 * Writes of a map are to be made one after the other, each when the one before has settled; a batch is how many travel
 * together. When `context.signal` is aborted already, a write rejects and is not sent.
 */
export interface ExactStore<K, V> extends RemoteMap<K, V> {
  /**
   * The epoch of a grid: the next number when the grid is new to this map, higher than all before; otherwise the number
   * that it got the first time.
   * @param gridId at most 200 characters
   */
  acquire(gridId: string): Promise<number>;

  /**
   * Carries out operations in their order, in one transaction and one round trip.
   * @param operations at most 1,024
   * @returns a result for each
   * @throws TypeError `INVALID_ARGUMENT`
   */
  applyBatch(operations: readonly StoreOperation<K, V>[], context: BatchContext): Promise<StoreResult<K, V>[]>;

  /** As `RemoteMap.getAll`. */
  getAll(keys: Iterable<K>): Promise<ReadonlyMap<K, V>>;

  /** As `RemoteMap.set`. */
  set(key: K, value: V, callback?: (oldValue: V | undefined) => void, context?: StoreContext): Promise<void>;

  /** As `RemoteMap.setAll`. */
  setAll(
    entries: ReadonlyMap<K, V>,
    callback?: (result: RemoteMapUpdateResult<K, V>) => void,
    context?: StoreContext,
  ): Promise<void>;

  /** Sets an entry whose key does not exist. Otherwise gives the value that exists, and nothing changes. */
  insert(key: K, value: V, context?: StoreContext): Promise<V | undefined>;

  /** Sets those entries whose keys do not exist. Gives those that exist. */
  insertAll(entries: ReadonlyMap<K, V>, context?: StoreContext): Promise<ReadonlyMap<K, V>>;

  /** Sets a value if the one that is kept, encoded, is `oldValue`, encoded. Gives whether it was. */
  updateIf(key: K, value: V, oldValue: V, context?: StoreContext): Promise<boolean>;

  /** As `RemoteMap.remove`. */
  remove(key: K, context?: StoreContext): Promise<V | undefined>;

  /** As `RemoteMap.removeAll`. */
  removeAll(keys: Iterable<K>, context?: StoreContext): Promise<ReadonlyMap<K, V>>;

  /** As `RemoteMap.clear`. What was recorded stays. */
  clear(context?: StoreContext): Promise<void>;
}
