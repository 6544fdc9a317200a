/** The shared map: its content is replicated to every peer that has created it, and read locally. */
import type { HamokCodec } from '../common/HamokCodec';
import type { HamokMapSnapshot } from '../HamokSnapshot';
import type { CollectionPort } from '../node/CollectionPort';
import { ChangeKind, CompareAction } from '../node/protocol';
import type { Change } from '../node/RecordSink';
import { functionOption, objectWith } from '../node/validation';
import { type BaseMap, MemoryBaseMap } from './BaseMap';
import type { CollectionConfig } from './CollectionConfig';
import { EntryCollection, type EntrySenders, iterable, rejected } from './EntryCollection';
import { compareAndAct, type Finding } from './entries/compareAndAct';
import { EntryCodec } from './entries/EntryCodec';
import { clear, insertAll, removeAll, setAll } from './entries/entrySenders';
import { type EqualValues, equalJson } from './entries/equality';
import { assertImportable, insertWhenReady } from './entries/importing';
import { KeyIndex } from './entries/KeyIndex';
import { Mirror } from './entries/Mirror';
import { bytesToText, textToBytes } from './entries/snapshotText';
import { UnreadableKeys } from './entries/UnreadableKeys';

/**
 * The events of a `HamokMap` and the arguments of their listeners. They come on every peer, those of one operation after
 * all its changes, and before `commit` of `Hamok` and the caller's promise. What a map holds when it is created late comes
 * silently; a peer that was away hears the difference.
 */
export type HamokMapEventMap<K, V> = {
  /** A key was set that did not exist. */
  insert: [key: K, value: V];
  /** A key was set that existed, also to an equal value. Those of one operation come after its `insert`s. */
  update: [key: K, oldValue: V, newValue: V];
  /** An entry was deleted, by `delete` or `remove` and their like. */
  remove: [key: K, value: V];
  /** All entries were deleted; no `remove` comes for them. When there were none, nothing comes. */
  clear: [];
  /** The map was closed on this peer; the last event. */
  close: [];
};

/** The options of `hamok.createMap`. */
export type HamokMapBuilderConfig<K, V> = CollectionConfig & {
  /** The same on every peer that shares the map. */
  mapId: string;
  /** Default: JSON. Equal keys must give equal bytes. */
  keyCodec?: HamokCodec<K, Uint8Array>;
  /** Default: JSON. */
  valueCodec?: HamokCodec<V, Uint8Array>;
  /**
   * The local storage of the map, for the user to read. What it holds now is taken out and inserted into the shared map,
   * where existing keys win. Default: a `MemoryBaseMap`.
   */
  baseMap?: BaseMap<K, V>;
  /** What `updateIf` and `removeIf` compare with. Default: equal JSON text. */
  equalValues?: EqualValues<V>;
};

/** What is used of a `baseMap`, besides iterating over it. */
const MAP_FUNCTIONS = ['get', 'set', 'has', 'delete', 'clear', 'keys', 'values', 'entries'];

/** An entry's change as listeners hear of it. */
interface EntryEvent<K, V> {
  readonly kind: number;
  readonly key: K;
  readonly value: V;
  readonly oldValue: V;
}

const CHANGE_EVENTS = ['insert', 'update', 'remove', 'clear'] as const;

const SENDERS: EntrySenders = {
  set: setAll,
  setAll,
  insert: insertAll,
  insertAll,
  delete: removeAll,
  deleteAll: removeAll,
  remove: removeAll,
  removeAll,
  clear,
};

/**
 * A map that peers share. Reads are local, synchronous, and see what this peer has applied; also after `close()`.
 * Iteration is in the order of insertion; a value that is set again keeps its place. Keys that the codec encodes to equal
 * bytes are one key. For the other mutations see {@link EntryCollection}, for `ready` and `close` {@link Collection}.
 */
export class HamokMap<K, V> extends EntryCollection<K, V, HamokMapEventMap<K, V>> {
  /** The local storage. To be read only. */
  readonly baseMap: BaseMap<K, V>;
  /** What `updateIf` and `removeIf` compare with. */
  readonly equalValues: EqualValues<V>;

  protected readonly senders = SENDERS;

  private readonly index = new KeyIndex<K>();
  private readonly unreadable = new UnreadableKeys();
  private readonly mirror: Mirror<EntryEvent<K, V>>;

  /** Made by `hamok.createMap`. @throws HamokError `INVALID_CONFIG` @internal */
  constructor(port: CollectionPort, config: HamokMapBuilderConfig<K, V>) {
    super(port, new EntryCodec(config.keyCodec, config.valueCodec));
    this.baseMap = objectWith('baseMap', config.baseMap ?? new MemoryBaseMap(), MAP_FUNCTIONS);
    this.equalValues = functionOption('equalValues', config.equalValues ?? equalJson);

    this.mirror = new Mirror(port, {
      clear: () => this.clearAll(),
      apply: (change) => this.apply(change),
      emit: (events) => this.emitAll(events),
    });
    this.initialized = this.share([...this.baseMap]);
    this.baseMap.clear();
  }

  /** Number of entries. */
  get size(): number {
    return this.baseMap.size;
  }

  /** Whether there are no entries. */
  get isEmpty(): boolean {
    return this.baseMap.size === 0;
  }

  /** The value of a key, `undefined` when it does not exist. */
  get(key: K): V | undefined {
    return this.baseMap.get(typeof key === 'object' ? this.index.find(key, this.codec) : key);
  }

  /** The entries of those keys that exist. */
  getAll(keys: IterableIterator<K> | K[]): ReadonlyMap<K, V> {
    const found = new Map<K, V>();

    for (const key of iterable(keys, 'keys')) {
      const held = this.index.find(key, this.codec);
      if (this.baseMap.has(held)) found.set(key, this.baseMap.get(held) as V);
    }

    return found;
  }

  /** The keys, in the order of insertion. */
  keys(): IterableIterator<K> {
    return this.baseMap.keys();
  }

  /** The values, in the order of insertion. */
  values(): IterableIterator<V> {
    return this.baseMap.values();
  }

  /** The entries, in the order of insertion. */
  entries(): IterableIterator<[K, V]> {
    return this.baseMap.entries();
  }

  /** The entries, in the order of insertion. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.baseMap.entries();
  }

  /**
   * Sets a value if the key exists and its value equals `oldValue`; in one step, wherever else the key is changed.
   * Resolves with whether it was set. Errors are those of the other mutations, and what `equalValues` throws.
   */
  updateIf(key: K, value: V, oldValue: V): Promise<boolean> {
    let keyBytes: Uint8Array;
    let valueBytes: Uint8Array;

    try {
      this.assertOpen('update an entry on');
      keyBytes = this.codec.encodeKey(key);
      valueBytes = this.codec.encodeValue(value);
    } catch (error) {
      return rejected(error);
    }

    return compareAndAct(this.port, () => this.look(oldValue, keyBytes, valueBytes));
  }

  /** Deletes an entry if its value equals `oldValue`, as `updateIf` sets one. Resolves with whether it was deleted. */
  removeIf(key: K, oldValue: V): Promise<boolean> {
    let keyBytes: Uint8Array;

    try {
      this.assertOpen('remove entries on');
      keyBytes = this.codec.encodeKey(key);
    } catch (error) {
      return rejected(error);
    }

    return compareAndAct(this.port, () => this.look(oldValue, keyBytes, undefined));
  }

  /** What this peer has of the map, as plain data. @throws HamokError `CLOSED` */
  export(): HamokMapSnapshot {
    this.assertOpen('export data on');

    const keys: string[] = [];
    const values: string[] = [];

    for (const [key, value] of this.baseMap) {
      keys.push(bytesToText(this.codec.encodeKey(key)));
      values.push(bytesToText(this.codec.encodeValue(value)));
    }

    return { mapId: this.id, keys, values };
  }

  /**
   * Takes over what `export()` gave. The entries can be read at once if the map was never connected, and are inserted
   * into the shared map when it is, where existing keys win.
   *
   * @param eventing whether to emit `insert` and `update` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the map is connected, or for another map's snapshot
   */
  import(snapshot: HamokMapSnapshot, eventing = false): void {
    this.assertOpen('import data on');
    assertImportable(this.port, snapshot.mapId, 'storage');

    const keys = snapshot.keys.map(textToBytes);
    const values = snapshot.values.map(textToBytes);
    const entries = keys.map((bytes, position): [K, V] => [
      this.codec.decodeKey(bytes),
      this.codec.decodeValue(values[position] ?? new Uint8Array(0)),
    ]);

    this.share(entries);
    // Later on the mirror shows the shared map and nothing else.
    if (this.port.opened) return;

    const events: EntryEvent<K, V>[] = [];

    entries.forEach(([key, value], position) => {
      events.push(this.put(key, keys[position] as Uint8Array, value));
    });
    if (eventing) this.emitAll(events);
  }

  private share(entries: [K, V][]): Promise<void> {
    const keys = entries.map(([key]) => this.codec.encodeKey(key));
    const values = entries.map(([, value]) => this.codec.encodeValue(value));

    return insertWhenReady(this.port, insertAll, keys, values);
  }

  /** @param valueBytes undefined: remove */
  private look(oldValue: V, keyBytes: Uint8Array, valueBytes: Uint8Array | undefined): Finding {
    // What the grid calls by these bytes is held under the key that they are decoded to.
    const unreadable = this.unreadable.has(keyBytes);
    const held = unreadable ? undefined : this.index.find(this.codec.decodeKey(keyBytes), this.codec);
    const present = unreadable || this.baseMap.has(held as K);
    const equal = present && !unreadable && this.equalValues(this.baseMap.get(held as K) as V, oldValue);
    const operation = {
      key: keyBytes,
      seenRevision: this.mirror.revision,
      present,
      action: !equal ? CompareAction.CHECK : valueBytes ? CompareAction.SET : CompareAction.REMOVE,
      value: equal ? valueBytes : undefined,
    };

    return { equal, send: (outbox, { token, handle }) => outbox.compare(token, handle, operation) };
  }

  private clearAll(): void {
    this.baseMap.clear();
    this.index.clear();
    this.unreadable.clear();
  }

  private apply({ kind, key: keyBytes, value }: Change): EntryEvent<K, V> | undefined {
    if (!keyBytes) {
      this.clearAll();

      return { kind } as EntryEvent<K, V>;
    }

    this.unreadable.delete(keyBytes);
    if (!value) return this.drop(keyBytes, kind);

    try {
      return this.put(this.codec.decodeKey(keyBytes), keyBytes, this.codec.decodeValue(value), kind);
    } catch (error) {
      this.unreadable.add(keyBytes);
      // What was there before is there no more.
      if (kind === ChangeKind.UPDATE) this.drop(keyBytes, ChangeKind.REMOVE);
      throw error;
    }
  }

  private drop(keyBytes: Uint8Array, kind: number): EntryEvent<K, V> | undefined {
    const key = this.index.release(this.codec.decodeKey(keyBytes), keyBytes);

    // It was there, and could not be read.
    if (!this.baseMap.has(key)) return undefined;

    const oldValue = this.baseMap.get(key) as V;

    this.baseMap.delete(key);

    return { kind, key, value: oldValue, oldValue };
  }

  private put(decoded: K, keyBytes: Uint8Array, value: V, kind?: number): EntryEvent<K, V> {
    const key = this.index.hold(decoded, keyBytes);

    // What could not be read before is new here.
    if (kind !== ChangeKind.INSERT) kind = this.baseMap.has(key) ? ChangeKind.UPDATE : ChangeKind.INSERT;

    const oldValue = kind === ChangeKind.UPDATE ? this.baseMap.get(key) : undefined;

    this.baseMap.set(key, value);

    return { kind, key, value, oldValue: oldValue as V };
  }

  private emitAll(events: readonly EntryEvent<K, V>[]): void {
    if (!CHANGE_EVENTS.some((event) => this.listenerCount(event) > 0)) return;
    for (const { kind, key, value, oldValue } of events) {
      if (kind === ChangeKind.INSERT) this.dispatch('insert', [key, value]);
      else if (kind === ChangeKind.UPDATE) this.dispatch('update', [key, oldValue, value]);
      else if (kind === ChangeKind.REMOVE) this.dispatch('remove', [key, oldValue]);
      else this.dispatch('clear', []);
    }
  }
}
