/**
 * The mutations that `HamokMap` and `HamokRemoteMap` share. They differ in what carries an operation out, which is the
 * table of senders that each of them gives.
 */
import { invalidArgument } from '../common/errors';
import type { CollectionPort, Send, SendBatch } from '../node/CollectionPort';
import { toError } from '../node/guardedEmit';
import type { EventMap } from '../node/TypedEmitter';
import { Collection, type CollectionEventMap } from './Collection';
import type { EntryCodec } from './entries/EntryCodec';
import { entryMap, existed, firstValue, keySet, nothing } from './entries/results';

/** How each operation goes to the native side. */
export interface EntrySenders {
  readonly set: SendBatch;
  readonly setAll: SendBatch;
  readonly insert: SendBatch;
  readonly insertAll: SendBatch;
  readonly delete: SendBatch;
  readonly deleteAll: SendBatch;
  readonly remove: SendBatch;
  readonly removeAll: SendBatch;
  readonly clear: Send;
}

const NO_VALUES: readonly Uint8Array[] = [];

/**
 * What `HamokMap` and `HamokRemoteMap` have in common: their mutations.
 *
 * Every mutation is ordered by the grid and happens in the same order on all peers. Its promise resolves after that,
 * when the listeners of this peer have been called for it. It rejects with an `Error` that has a `code`:
 * `INVALID_ARGUMENT` for an undefined key or value and for what the codec refuses, `TIMEOUT`, `NO_LEADER`,
 * `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`.
 */
export abstract class EntryCollection<K, V, M extends EventMap<M> & CollectionEventMap> extends Collection<M> {
  protected readonly codec: EntryCodec<K, V>;
  protected abstract readonly senders: EntrySenders;

  /** Made by `hamok.createMap` and `hamok.createRemoteMap`. @internal */
  constructor(port: CollectionPort, codec: EntryCodec<K, V>) {
    super(port);
    this.codec = codec;
  }

  /** Sets an entry. Resolves with the value that the key had, `undefined` when it had none. */
  set(key: K, value: V): Promise<V | undefined> {
    return this.one('set an entry on', this.senders.set, key, value);
  }

  /** Sets entries in one step. Resolves with the entries that existed, with their old values. */
  setAll(entries: ReadonlyMap<K, V>): Promise<ReadonlyMap<K, V>> {
    return this.many('set entries on', this.senders.setAll, entries);
  }

  /** Sets an entry unless its key exists. Resolves with the value that exists, `undefined` when the entry was set. */
  insert(key: K, value: V): Promise<V | undefined> {
    return this.one('insert entries on', this.senders.insert, key, value);
  }

  /** Sets in one step those entries whose keys do not exist. Resolves with the entries that exist, unchanged. */
  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): Promise<ReadonlyMap<K, V>> {
    return this.many('insert entries on', this.senders.insertAll, entries);
  }

  /** Deletes an entry. Resolves with whether it existed. */
  delete(key: K): Promise<boolean> {
    return this.oneKey('delete entries on', this.senders.delete, key);
  }

  /** Deletes entries in one step. Resolves with the keys that existed. */
  deleteAll(keys: ReadonlySet<K> | K[]): Promise<ReadonlySet<K>> {
    return this.manyKeys('delete entries on', this.senders.deleteAll, keys, keySet<K>, new Set());
  }

  /** Deletes an entry. Resolves with whether it existed. */
  remove(key: K): Promise<boolean> {
    return this.oneKey('remove entries on', this.senders.remove, key);
  }

  /** Deletes entries in one step. Resolves with those that existed. */
  removeAll(keys: ReadonlySet<K> | K[]): Promise<ReadonlyMap<K, V>> {
    const convert = entryMap<K> as (...args: Parameters<typeof entryMap<K>>) => Map<K, V>;

    return this.manyKeys('remove entries on', this.senders.removeAll, keys, convert, new Map());
  }

  /** Deletes all entries. */
  clear(): Promise<void> {
    try {
      this.assertOpen('clear');
    } catch (error) {
      return rejected(error);
    }

    return this.port.request(this.senders.clear, nothing, undefined, undefined);
  }

  private one(action: string, send: SendBatch, key: K, value: V): Promise<V | undefined> {
    let keys: Uint8Array[];
    let values: Uint8Array[];

    try {
      this.assertOpen(action);
      keys = [this.codec.encodeKey(key)];
      values = [this.codec.encodeValue(value)];
    } catch (error) {
      return rejected(error);
    }

    return this.port.batch(send, keys, values, firstValue, this.codec, undefined) as Promise<V | undefined>;
  }

  private oneKey(action: string, send: SendBatch, key: K): Promise<boolean> {
    let keys: Uint8Array[];

    try {
      this.assertOpen(action);
      keys = [this.codec.encodeKey(key)];
    } catch (error) {
      return rejected(error);
    }

    return this.port.batch(send, keys, NO_VALUES, existed, undefined, undefined);
  }

  private many(action: string, send: SendBatch, entries: Iterable<readonly [K, V]>): Promise<Map<K, V>> {
    const keys: K[] = [];
    const keyBytes: Uint8Array[] = [];
    const valueBytes: Uint8Array[] = [];

    try {
      this.assertOpen(action);
      // Of entries with one key, the first counts. A map has none of those.
      const seen = entries instanceof Map ? undefined : new Set<K>();

      for (const [key, value] of iterable(entries, 'entries')) {
        if (seen && seen.size === seen.add(key).size) continue;
        keys.push(key);
        keyBytes.push(this.codec.encodeKey(key));
        valueBytes.push(this.codec.encodeValue(value));
      }
    } catch (error) {
      return rejected(error);
    }
    if (keys.length === 0) return Promise.resolve(new Map());

    return this.port.batch(send, keyBytes, valueBytes, entryMap<K>, this.codec, keys) as Promise<Map<K, V>>;
  }

  private manyKeys<R>(
    action: string,
    send: SendBatch,
    keys: Iterable<K>,
    convert: (...args: Parameters<typeof entryMap<K>>) => R,
    none: R,
  ): Promise<R> {
    let list: K[];
    let keyBytes: Uint8Array[];

    try {
      this.assertOpen(action);
      list = [...new Set(iterable(keys, 'keys'))];
      keyBytes = list.map((key) => this.codec.encodeKey(key));
    } catch (error) {
      return rejected(error);
    }
    if (list.length === 0) return Promise.resolve(none);

    return this.port.batch(send, keyBytes, NO_VALUES, convert, this.codec, list);
  }
}

/** A promise that rejects with an `Error` that has a code. */
export function rejected(thrown: unknown): Promise<never> {
  const error = toError(thrown);

  return Promise.reject('code' in error ? error : Object.assign(invalidArgument(error.message), { cause: error }));
}

/** What can be iterated, and is no text. @throws TypeError `INVALID_ARGUMENT` */
export function iterable<T extends Iterable<unknown>>(value: T, what: string): T {
  if (typeof value !== 'object' || typeof value?.[Symbol.iterator] !== 'function') {
    throw invalidArgument(`The ${what} must be a collection that can be iterated`);
  }

  return value;
}
