/** The map over a store of the user's: the grid orders what is done to it, the leader does it. */
import type { HamokCodec } from '../common/HamokCodec';
import { createLogger } from '../common/logger';
import type { HamokRemoteMapSnapshot } from '../HamokSnapshot';
import type { CollectionPort, CollectionSink, Send, SendBatch } from '../node/CollectionPort';
import { readRemoteEvents } from '../node/NativeStream';
import { outcomeOf } from '../node/Outcome';
import { ChangeKind, RemoteMethod } from '../node/protocol';
import type { Execution } from '../node/RecordSink';
import type { RemoteEvent, RemoteResult } from '../node/ReplyOutbox';
import { boolean, functionOption, integer, object, time } from '../node/validation';
import type { CollectionConfig } from './CollectionConfig';
import { EntryCollection, type EntrySenders, iterable, rejected } from './EntryCollection';
import { EntryCodec } from './entries/EntryCodec';
import { type EqualValues, equalJson } from './entries/equality';
import { assertImportable } from './entries/importing';
import { existed, nothing } from './entries/results';
import type { RemoteMap } from './RemoteMap';
import { RecentNames } from './remote-map/RecentNames';
import { RemoteMapExecutor } from './remote-map/RemoteMapExecutor';
import { type RemoteMapKeys, remoteMapKeys } from './remote-map/RemoteMapKeys';
import { type HamokRemoteMapStats, StoreWatch } from './remote-map/StoreWatch';

/**
 * The events of a `HamokRemoteMap` and the arguments of their listeners. On every peer, unless `noEvents` is set; on the
 * caller's before its promise. They say what the store has reported of an operation, in the order of the operations.
 */
export type HamokRemoteMapEventMap<K, V> = {
  /** A key was set that did not exist. */
  insert: [key: K, value: V];
  /** A key was set that existed. Those of one operation come after its `insert`s. */
  update: [key: K, oldValue: V, newValue: V];
  /** An entry was deleted, by `delete` or `remove` and their like. */
  remove: [key: K, value: V];
  /** All entries were deleted; no `remove` comes for them. */
  clear: [];
  /** This peer was away for so long that it missed events. Read the store. */
  'events-lost': [];
  /** On the leader: a call of the store has taken a second, and goes on. */
  'store-slow': [elapsedInMs: number];
  /**
   * On the leader: the store, which takes batches, fails or does not answer, and is asked again until it does. Callers may
   * time out meanwhile, and their operations take effect later.
   */
  'store-down': [error: Error];
  /** On the leader: it does again. */
  'store-up': [];
  /** The map was closed on this peer; the last event. */
  close: [];
};

/** The options of `hamok.createRemoteMap`. */
export type HamokRemoteMapBuilderConfig<K, V> = CollectionConfig & {
  /** The same on every peer that shares the map. */
  mapId: string;
  /** The store. */
  remoteMap: RemoteMap<K, V>;
  /** For what peers send each other; the store has its own ways. Default: JSON. Equal keys must give equal bytes. */
  keyCodec?: HamokCodec<K, Uint8Array>;
  /** As `keyCodec`, for values. */
  valueCodec?: HamokCodec<V, Uint8Array>;
  /** No peer hears of changes, and nothing is sent for it. Set it on every peer. Default false. */
  noEvents?: boolean;
  /** What `updateIf` compares with. Default: equal JSON text. */
  equalValues?: EqualValues<V>;
  /**
   * How long the store may take for an operation, in milliseconds. After that the caller's promise rejects with
   * `ABANDONED`, and the next operation starts; a store that takes batches is asked again instead. Default 30000.
   */
  abandonAfterMs?: number;
  /**
   * How many operations may wait for their execution. Further ones of this peer reject with `TOO_MANY_PENDING`: when it
   * has so many under way itself, or when so many of all peers are ordered and not executed. Default 100000.
   */
  maxPendingOperations?: number;
};

/** How a remote map reads. */
export type RemoteMapReadOptions = {
  /**
   * Whether the read sees everything that any peer was told to be done before the call. It then waits until the leader has
   * confirmed that it leads and has executed all operations that came before. Default false.
   */
  linearizable?: boolean;
};

const SENDERS: EntrySenders = {
  set: remotely(RemoteMethod.SET),
  setAll: remotely(RemoteMethod.SET_ALL),
  insert: remotely(RemoteMethod.INSERT),
  insertAll: remotely(RemoteMethod.INSERT_ALL),
  delete: remotely(RemoteMethod.DELETE),
  deleteAll: remotely(RemoteMethod.DELETE_ALL),
  remove: remotely(RemoteMethod.REMOVE),
  removeAll: remotely(RemoteMethod.REMOVE_ALL),
  clear: (outbox, { token, handle }) => outbox.remote(RemoteMethod.CLEAR, token, handle, [], []),
};
const UPDATE_IF = remotely(RemoteMethod.UPDATE_IF);
const RECLAIM: Send = (outbox, { token, handle }) => outbox.reclaim(token, handle);

/** Operations whose events were heard, and may come again: more than are handed over, of some leaders in turn. */
const LEAST_HEARD = 2048;
/** The highest number that an option can have. */
const MAX_PENDING = 0xffff_ffff;

/** What every peer hears of operations. */
const OPERATION_EVENTS = ['insert', 'update', 'remove', 'clear'] as const;

const logger = createLogger('HamokRemoteMap');

/**
 * A map whose entries are in a store of the user's, such as Redis. Reads go to the store directly. Mutations are ordered
 * by the grid and executed by the leader, one at a time, with its own `remoteMap` object: so every peer that may lead
 * must create the map. For most of them see {@link EntryCollection}. Their promises reject also with `CALLBACK_FAILED`, and
 * the text of what the store threw; `ABANDONED`. Reads reject with what the store threw, and with `CLOSED`.
 *
 * A store with `acquire` and `applyBatch`, such as those of `hamok/stores/redis` and `hamok/stores/postgres`, is *exact*:
 * each operation takes effect once and in its place, whatever dies, freezes or gets lost.
 *
 * In the store's answers `undefined` stands for an absent key. Everything else is a value, also `0`, `''` and `false`;
 * `null` is one if the value codec brings it back as `null`, as JSON does.
 */
export class HamokRemoteMap<K, V> extends EntryCollection<K, V, HamokRemoteMapEventMap<K, V>> {
  /** The store. */
  readonly remoteMap: RemoteMap<K, V>;
  /** What `updateIf` compares with. */
  readonly equalValues: EqualValues<V>;
  /** Whether changes are reported. */
  readonly emitEvents: boolean;

  protected readonly senders = SENDERS;

  private readonly executor: RemoteMapExecutor<K, V>;
  /** Whether the store recognises what it has carried out. */
  private readonly isExact: boolean;
  /** Whose events the listeners of this peer have heard, on an exact store: on others a repetition changes something. */
  private readonly heard = new RecentNames(LEAST_HEARD);
  private readonly watch = new StoreWatch({
    slow: (ms) => {
      logger.warn(`The store of the remote map ${this.id} is slow: a call takes longer than ${Math.round(ms)} ms`);
      this.dispatch('store-slow', [ms]);
    },
    down: (error) => {
      logger.warn(error, `The store of the remote map ${this.id} does not carry out what it is asked`);
      this.dispatch('store-down', [error]);
    },
    up: () => {
      logger.warn(`The store of the remote map ${this.id} carries out again what it is asked`);
      this.dispatch('store-up', []);
    },
  });

  /** Made by `hamok.createRemoteMap`. @throws HamokError `INVALID_CONFIG` @internal */
  constructor(port: CollectionPort, config: HamokRemoteMapBuilderConfig<K, V>) {
    super(port, new EntryCodec(config.keyCodec, config.valueCodec));
    this.remoteMap = object('remoteMap', config.remoteMap);
    this.equalValues = functionOption('equalValues', config.equalValues ?? equalJson);
    this.emitEvents = !boolean('noEvents', config.noEvents ?? false);

    const maxPending = integer('maxPendingOperations', config.maxPendingOperations ?? 100_000, 1, MAX_PENDING);
    const fenced = typeof this.remoteMap.acquire === 'function';

    this.isExact = fenced && typeof this.remoteMap.applyBatch === 'function';
    this.executor = new RemoteMapExecutor(
      port.id,
      {
        store: this.remoteMap,
        codec: this.codec,
        equalValues: this.equalValues,
        ownEquality: config.equalValues !== undefined,
        emitEvents: this.emitEvents,
        fenced,
        batches: this.isExact,
      },
      {
        replies: port.replies,
        watch: this.watch,
        done: (execution, result) => this.onDone(execution, result),
        abandonAfterMs: time('abandonAfterMs', config.abandonAfterMs ?? 30_000, 1),
        report: (error) => port.report(error),
      },
    );

    const sink: CollectionSink = {
      execute: (order) => this.executor.execute(order),
      halt: (term, letRunningFinish) => this.executor.halt(term, letRunningFinish),
      remoteEvents: (operationId, packed) => this.onRemoteEvents(operationId, packed),
      eventsLost: () => this.dispatch('events-lost', []),
      executing: () => this.executor.size,
    };

    port.attach(sink, { fenced, maxPending });
  }

  /** Figures of this peer. */
  get stats(): HamokRemoteMapStats {
    const { executed, failed, repeated, storeTimeInMs } = this.watch;

    return { pending: this.port.pending, lag: this.port.lag, executed, failed, repeated, storeTimeInMs };
  }

  /** The number of entries in the store. */
  size(): Promise<number> {
    return this.read(() => this.remoteMap.size());
  }

  /** Whether the store has no entries. */
  async isEmpty(): Promise<boolean> {
    return (await this.size()) === 0;
  }

  /**
   * The value that the store has for a key, `undefined` when it has none. With `linearizable` it rejects also with what
   * `sync()` rejects with.
   */
  async get(key: K, { linearizable = false }: RemoteMapReadOptions = {}): Promise<V | undefined> {
    if (linearizable) await this.sync();

    return this.read(() => this.remoteMap.get(key));
  }

  /** The entries of those keys that the store has. */
  getAll(keys: IterableIterator<K> | K[]): Promise<ReadonlyMap<K, V>> {
    return this.read(() => {
      const iterator = iterable(keys, 'keys')[Symbol.iterator]();
      return this.remoteMap.getAll(iterator as IterableIterator<K>);
    });
  }

  /** The keys in the store: await it for an iterator, or iterate over it with `for await`. */
  keys(): RemoteMapKeys<K> {
    return remoteMapKeys(this.read(() => this.remoteMap.keys()));
  }

  /** Iterates over the entries in the store. A failure rejects `next()`. */
  async *iterator(): AsyncIterableIterator<[K, V]> {
    this.assertOpen('get entries from');
    yield* this.remoteMap.iterator();
  }

  /**
   * Sets a value if the key exists and its value equals `oldValue`. Resolves with whether it was set. Errors are those of
   * the other mutations, and `CALLBACK_FAILED` for what `equalValues` throws.
   */
  updateIf(key: K, value: V, oldValue: V): Promise<boolean> {
    let keys: Uint8Array[];
    let values: Uint8Array[];

    try {
      this.assertOpen('update an entry on');
      keys = [this.codec.encodeKey(key)];
      values = [this.codec.encodeValue(value)];
      // No stored value is undefined.
      if (oldValue === undefined) return Promise.resolve(false);
      values.push(this.codec.encodeValue(oldValue));
    } catch (error) {
      return rejected(error);
    }

    return this.port.batch(UPDATE_IF, keys, values, existed, undefined, undefined);
  }

  /**
   * Resolves when everything that was ordered before the call, by any peer, has been executed: a read after it sees that
   * in the store. Rejects with `TIMEOUT`, `NO_LEADER`, `NO_QUORUM` or `CLOSED`.
   */
  sync(): Promise<void> {
    try {
      this.assertOpen('sync');
    } catch (error) {
      return rejected(error);
    }

    return this.port.barrier();
  }

  /**
   * Claims the store for this grid. When the store has refused it with `STALE_EPOCH`, because another grid has written, this
   * grid waits: two grids that push each other out would only alternate. Call this on any peer of the grid that shall have
   * the store; what waits is executed then, and the other grid is refused. Resolves when the claim is ordered. Does nothing
   * with a store that has no `acquire`. Errors are those of `sync()`.
   */
  acquire(): Promise<void> {
    try {
      this.assertOpen('acquire');
    } catch (error) {
      return rejected(error);
    }

    return this.port.request(RECLAIM, nothing, undefined, undefined);
  }

  /** How far this peer is. The entries stay in the store. @throws HamokError `CLOSED` */
  export(): HamokRemoteMapSnapshot {
    this.assertOpen('export data on');

    return { mapId: this.id, appliedCommitIndex: this.port.commitIndex() };
  }

  /**
   * Takes what `export()` gave; there is nothing to take over.
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the map is connected, or for another map's snapshot
   */
  import(snapshot: HamokRemoteMapSnapshot): void {
    this.assertOpen('import data on');
    assertImportable(this.port, snapshot.mapId, 'storage');
  }

  protected override onClosed(): void {
    this.executor.halt(Infinity, false);
  }

  private async read<R>(call: () => Promise<R>): Promise<R> {
    this.assertOpen('get entries from');

    return call();
  }

  /** Who waits here need not wait until the others know. It may be done again before they do, in this grid or another. */
  private onDone({ operationId, callerToken }: Execution, { entries, events }: RemoteResult): void {
    if (this.closed) return;
    if (events.length > 0 && this.heard.add(operationId)) this.emitAll(events);
    if (callerToken > 0) this.port.answer(callerToken, outcomeOf(entries));
  }

  private onRemoteEvents(operationId: string, packed: Buffer): void {
    if (!this.emitEvents || !OPERATION_EVENTS.some((name) => this.listenerCount(name) > 0)) return;
    if (!this.isExact || this.heard.add(operationId)) this.emitAll(readRemoteEvents(packed));
  }

  private emitAll(events: Iterable<RemoteEvent>): void {
    for (const event of events) {
      try {
        this.emitRemote(event);
      } catch (error) {
        this.port.report(error);
      }
    }
  }

  private emitRemote({ kind, key: keyBytes, value, oldValue }: RemoteEvent): void {
    if (!keyBytes) {
      this.dispatch('clear', []);
      return;
    }

    const { codec } = this;
    const name = kind === ChangeKind.INSERT ? 'insert' : kind === ChangeKind.UPDATE ? 'update' : 'remove';

    // Every peer hears of every change, and few listen: nothing is decoded for nobody.
    if (this.listenerCount(name) === 0) return;

    const key = codec.decodeKey(keyBytes);

    if (name === 'insert') {
      this.dispatch(name, [key, codec.decodeOptional(value) as V]);
    } else if (name === 'update') {
      this.dispatch(name, [key, codec.decodeOptional(oldValue) as V, codec.decodeOptional(value) as V]);
    } else {
      this.dispatch(name, [key, codec.decodeOptional(oldValue) as V]);
    }
  }
}

function remotely(method: RemoteMethod): SendBatch {
  return (outbox, token, handle, keys, values) => outbox.remote(method, token, handle, keys, values);
}
