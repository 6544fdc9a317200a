/**
 * Maps, records, queues, events and remote maps that the instances of a Node.js service share. Everything that users can
 * name is in this file: a peer; what all collections have; maps; remote maps; records; queues; emitters; codecs; messages;
 * the ordering engine and its log; errors and logging.
 *
 * Begin at {@link Hamok}: a service makes one, carries its messages, has it `join()`, and creates collections with it.
 *
 * Made by `npm run build:types` from the doc comments in facade/.
 */

import { EventEmitter } from 'node:events';
import {
  BinaryReadOptions,
  BinaryWriteOptions,
  FieldList,
  JsonReadOptions,
  JsonValue,
  Message,
  PartialMessage,
  PlainMessage,
  proto2,
} from '@bufbuild/protobuf';

// ── A peer ──

/**
 * A peer of a grid. Peers find one another through the messages that the application carries: what `message` events hand
 * out goes to the other peers' `accept()`. Peers share the collections that are created here.
 *
 * Nothing runs, and nothing keeps the process alive, before `join()` and after `leave()` or `close()`. Errors that a
 * promise rejects with have a `code`.
 *
 * @example
 * const hamok = new Hamok();
 * hamok.on('message', (message) => publish(message.toBinary()));
 * subscribe((bytes) => hamok.accept(HamokMessage.fromBinary(bytes)));
 *
 * const rooms = hamok.createMap<string, Room>({ mapId: 'rooms' });
 * await hamok.join();
 * await rooms.set('lobby', { host: 'ada' });
 */
export declare class Hamok<
  AppData extends Record<string, unknown> = Record<string, unknown>,
> extends TypedEmitter<HamokEventMap> {
  /** What was configured for the application's use. */
  readonly config: Readonly<HamokObjectConfig<AppData>>;

  /**
   * Makes a peer, which does nothing before `join()`.
   * @throws HamokError `INVALID_CONFIG`, whose text names the option; `UNSUPPORTED_PLATFORM` when there is no native
   *   library for this platform, `NATIVE_LOAD_FAILED` when it cannot be loaded
   */
  constructor(config?: Partial<HamokConfig<AppData>>);

  /** A live view of the ordering engine. */
  get raft(): RaftView;

  /** A live view of what this peer knows of its grid. */
  get grid(): HamokGrid;

  /** The open collections of this peer by their ids; live. To be read only. */
  get storages(): Map<string, AnyCollection>;

  /** The application's own object. */
  get appData(): AppData;

  /** This peer's id. */
  get localPeerId(): string;

  /** The ids of the other peers in the grid; live. */
  get remotePeerIds(): ReadonlySet<string>;

  /** Whether this peer leads. Not while it leaves: others may lead then. */
  get leader(): boolean;

  /**
   * Resolves when this peer belongs to a grid with a leader, at once when it does. Begins nothing: that is `join()`.
   * Rejects with `CLOSED` when this peer is closed before.
   */
  get ready(): Promise<this>;

  /** This peer's role; `'empty'` before `join()` and after `leave()`. */
  get state(): HamokState;

  /** Whether this peer runs: from `join()` until it has left. */
  get run(): boolean;

  /** Whether `close()` was called. */
  get closed(): boolean;

  /** As `remotePeerIds`, to be iterated once. */
  get activeRemoteHeartbeats(): IterableIterator<string>;

  /** Figures of the moment. */
  get stats(): {
    /** Calls on this peer that wait for their answers. */
    numberOfPendingRequests: number;
    /** Operations of remote maps that are committed and not executed. */
    numberOfOngoingRequests: number;
    /** Operations of remote maps that this peer executes, or is to execute next. */
    numberOfPendingResponses: number;
    /** Number of other peers in the grid. */
    numberOfRemotePeers: number;
    /** See `raft.logs.bytesInMemory`. */
    raftLogsBytesInMemory: number;
  };

  /**
   * Begins to look for a grid and resolves when this peer belongs to one that has a leader, at once when it does. A call
   * while joining gives the same promise; after a `leave()` that is under way it begins when that is done.
   *
   * Rejects with `Timeout waiting for leader` (`TIMEOUT`) when the retries are used up: this peer goes on looking all the
   * same, until `leave()` or `close()`. With `CLOSED` when one of these is called meanwhile, and on a closed peer; with
   * `PEER_ID_IN_USE`; with `INVALID_ARGUMENT` for wrong parameters.
   *
   * Events, the first two within this call: `state-changed`, `follower`; `remote-peer-joined` for each peer; on the
   * winner of the election `state-changed`, `candidate`; `leader-changed`; on the winner `state-changed`, `leader`;
   * `joined`; then the promise.
   */
  join(params?: HamokJoinProcessParams): Promise<void>;

  /**
   * Leaves the grid, which takes `electionTimeoutInMs` at most. Collections stay open, and are brought up to date by the
   * next `join()`. Resolves at once, without `left`, when this peer does not run; aborts a `join()` that is under way.
   * Rejects with `CLOSED` on a closed peer.
   *
   * Events: `leader-changed`, `state-changed`, `remote-peer-left` for each peer, `left`; then the promise.
   */
  leave(): Promise<void>;

  /**
   * Ends this peer at once, for good. The other peers are told so by messages that go out within this call. Pending
   * operations reject with `Connection is closed`. A second call does nothing.
   *
   * Events, all within this call: `leader-changed`, `state-changed`, `remote-peer-left` for each peer; for each collection
   * its connection's `close` and its own; `close`. Then all listeners are removed.
   */
  close(): void;

  /**
   * Hands in a message that came for this peer. What is addressed to another peer, what this peer has sent itself, and
   * everything before `join()` or after the end is ignored. What is no message becomes an `error` event
   * (`INVALID_MESSAGE`). Never throws.
   * @param _commitIndex accepted for old code, without effect
   */
  accept(message: HamokMessage, _commitIndex?: number): void;

  /**
   * Orders a message of the application's: every peer gets it with its `commit` event, in the same order. Resolves after
   * this peer's listeners have been called. Waits until this peer has joined; from then on it rejects after 5 s with
   * `TIMEOUT`, `NO_LEADER` or `NO_QUORUM`, and also with `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`, and with
   * `INVALID_ARGUMENT` when it is given no message.
   */
  submit(entry: HamokMessage): Promise<void>;

  /**
   * Tells that a peer exists: emits `remote-peer-joined`. Not needed: peers find one another by their messages.
   * @throws HamokError `CLOSED`
   */
  addRemotePeerId(remoteEndpointId: string): void;

  /** Tells that a peer is gone: emits `remote-peer-left`. The leader removes it from the grid, unless it is heard again. */
  removeRemotePeerId(remoteEndpointId: string): void;

  /**
   * Resolves when everything that is committed at the time of the call is applied on this peer: a read after it sees all
   * writes that were acknowledged, to anybody, before it. Rejects after 5 s with `TIMEOUT`, `NO_LEADER` or `NO_QUORUM`;
   * with `CLOSED`.
   */
  waitUntilCommitHead(): Promise<void>;

  /**
   * Resolves when some peer leads, at once when one does. Rejects with `CLOSED`.
   * @param timeoutInMs after which it rejects with `TIMEOUT`; default: never
   */
  waitUntilLeader(timeoutInMs?: number): Promise<void>;

  /**
   * For operators, when the majority of the grid is lost and `quorumLoss` is `'wait'`: this peer gives the grid up, and
   * goes on in a new one with the peers that do so too, and newcomers. To be called on every peer that is left, within
   * `electionTimeoutInMs`, when all of them have told `quorum-lost`. What was acknowledged and has reached none of these is lost. Make
   * sure first that the missing peers are stopped: otherwise two grids may acknowledge writes until they meet.
   *
   * Does nothing while a leader is there, and on a peer that does not run. Returns at once; `reformed` and `joined` tell
   * that it is done, when there are `minPeers`.
   * @throws HamokError `CLOSED`
   */
  forceReform(): void;

  /** Does nothing: peers find one another by themselves. Kept for old code. */
  broadcastEndpointNotification(): void;

  /**
   * Creates a map, usable at once: operations wait in order until this peer has joined.
   * @throws HamokError `INVALID_CONFIG`; `INVALID_ARGUMENT` when the id is taken; `KIND_MISMATCH` when another kind of
   *   collection has it; `CLOSED`
   */
  createMap<K, V>(options: HamokMapBuilderConfig<K, V>): HamokMap<K, V>;

  /**
   * The map of this id, if it exists on this peer: then the other options are not looked at. Otherwise as `createMap`.
   * @param callback called within this call, with `true`, if it existed
   * @throws HamokError as `createMap`, but not because a map has this id
   */
  getOrCreateMap<K, V>(
    options: HamokMapBuilderConfig<K, V>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokMap<K, V>;

  /** Creates a remote map, as `createMap` creates a map. */
  createRemoteMap<K, V>(options: HamokRemoteMapBuilderConfig<K, V>): HamokRemoteMap<K, V>;

  /** As `getOrCreateMap`, for remote maps. */
  getOrCreateRemoteMap<K, V>(
    options: HamokRemoteMapBuilderConfig<K, V>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokRemoteMap<K, V>;

  /** Creates a record, as `createMap` creates a map. */
  createRecord<T extends HamokRecordObject<T> = HamokRecordObject>(
    options: HamokRecordBuilderConfig<T>,
  ): HamokRecord<T>;

  /** As `getOrCreateMap`, for records. */
  getOrCreateRecord<T extends HamokRecordObject<T> = HamokRecordObject>(
    options: HamokRecordBuilderConfig<T>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokRecord<T>;

  /** Creates a queue, as `createMap` creates a map. */
  createQueue<T>(options: HamokQueueBuilderConfig<T>): HamokQueue<T>;

  /** As `getOrCreateMap`, for queues. */
  getOrCreateQueue<T>(options: HamokQueueBuilderConfig<T>, callback?: (alreadyExisted: boolean) => void): HamokQueue<T>;

  /** Creates an emitter, as `createMap` creates a map. */
  createEmitter<T extends HamokEmitterEventMap<T> = HamokEmitterEventMap, M extends object = Record<string, unknown>>(
    options: HamokEmitterBuilderConfig<T>,
  ): HamokEmitter<T, M>;

  /** As `getOrCreateMap`, for emitters. */
  getOrCreateEmitter<
    T extends HamokEmitterEventMap<T> = HamokEmitterEventMap,
    M extends object = Record<string, unknown>,
  >(options: HamokEmitterBuilderConfig<T>, callback?: (alreadyExisted: boolean) => void): HamokEmitter<T, M>;
}

/** The options of a `Hamok`. Its constructor takes a part of them; times are in milliseconds. */
export type HamokConfig<AppData extends Record<string, unknown> = Record<string, unknown>> = RaftConfig & {
  /** How often a peer tells requesters that a postponed request is still under way. Default 1000. */
  ongoingRequestsSendingPeriodInMs: number;
  /** Log entries older than this may be dropped; 0: never because of their age. Default 300000. */
  logEntriesExpirationTimeInMs?: number;
  /** Accepted for old code, without effect: a peer gets its log from its grid. */
  initialLogEntries?: Map<number, LogEntry>;
  /**
   * A `MemoryStoredRaftLogs`, which becomes `hamok.raft.logs`; one object for each `Hamok`. Its `expirationTimeInMs` takes
   * the place of `logEntriesExpirationTimeInMs`. A store of another kind is refused. Default: one of the package's own.
   */
  raftLogs?: RaftLogs;
  /** Shown in `config`, otherwise without effect. Default 1000. */
  remoteStorageStateWaitingTimeoutInMs?: number;
  /** The application's own object. Default: `{}`. */
  appData?: AppData;
  /** How many peers must hear each other before they form a grid; with 1 a lone peer works by itself. Default 2. */
  minPeers?: number;
  /**
   * What this peer does when fewer than a majority of the grid's peers can be reached. Give all peers the same.
   * - `'reform'`: when that has lasted for three times `electionTimeoutInMs`, the peers that are left and newcomers go on if
   *   together they are as many as that majority, not counting peers that said farewell. Already after
   *   `followerMaxIdleInMs` if each missing peer has said farewell, or a newcomer has its peer id.
   * - `'wait'`: nothing is acknowledged until a majority is back or an operator calls `forceReform()`.
   * - `'available'`: as `'reform'`, but any `minPeers` go on. Both sides of a long partition may then acknowledge writes.
   *
   * Default `'reform'`.
   */
  quorumLoss?: 'reform' | 'wait' | 'available';
  /** A larger write or event is rejected with `COMMAND_TOO_LARGE`. In bytes. Default 16 MiB. */
  maxCommandBytes?: number;
};

/** What `hamok.config` shows. */
export type HamokObjectConfig<AppData extends Record<string, unknown> = Record<string, unknown>> = {
  /** The application's own object. */
  appData: AppData;
  /** Kept for old code, in milliseconds; collections need no such wait. */
  remoteStorageStateWaitingTimeoutInMs: number;
};

/** The settings of the ordering engine. Times are in milliseconds; fractions are rounded up. */
export type RaftConfig = {
  /** This peer's id, unique among the running peers of a grid. Default: a UUID v4. */
  peerId: string;
  /**
   * An election that is not won within it is given up; also how long the leader waits before it declares a silent peer
   * gone, and how long `leave()` takes at most. Default 3000.
   */
  electionTimeoutInMs: number;
  /** A follower that hears nothing from the leader for this long seeks an election. At least 20. Default 1000. */
  followerMaxIdleInMs: number;
  /** How often the leader lets the others hear of it, and the period of `heartbeat` events. At least 1. Default 100. */
  heartbeatInMs: number;
  /** The peer votes and stores, but never becomes candidate or leader. Default false. */
  onlyFollower: boolean;
};

/** How long `join()` waits for a leader. */
export type HamokJoinProcessParams = {
  /** How long one attempt waits, in milliseconds. Default 5000. */
  fetchRemotePeerTimeoutInMs?: number;
  /** How many more attempts there are after the first; 0: none, -1: no end of them. Default 3. */
  maxRetry?: number;
};

/** The peers that an attempt has heard. Kept for old code. */
export type HamokFetchRemotePeersResponse = {
  /** Their ids. */
  remotePeers: string[];
};

/**
 * The events of a `Hamok` and the arguments of their listeners.
 *
 * A listener that throws stops nothing: its error is thrown again on the next tick, or, if it was a listener of
 * `message`, becomes an `error` event.
 */
export type HamokEventMap = {
  /** This peer follows now; right after its `state-changed`. */
  follower: [];
  /** This peer stands for election now; right after its `state-changed`. */
  candidate: [];
  /** This peer leads now; right after its `state-changed`. */
  leader: [];
  /** To be delivered: to the peer `message.destinationId`, or to every peer when that is undefined. */
  message: [message: HamokMessage];
  /** A peer is a member of this peer's grid now. */
  'remote-peer-joined': [peerId: string];
  /** A peer left the grid or was removed from it, or this peer itself no longer belongs to it. */
  'remote-peer-left': [peerId: string];
  /** Another peer leads, or none; `undefined` stands for none. */
  'leader-changed': [leaderId: string | undefined, prevLeaderId: string | undefined];
  /** This peer's role changed. */
  'state-changed': [newState: HamokState, prevState: HamokState];
  /**
   * An operation of a collection, or what was given to `submit()`, is committed and applied here: after the collection's
   * events, before the caller's promise. For an operation, the message has `protocol`, `type`, `sourceId`, `storageId`,
   * `keys` and `values`, the latter two as they are encoded.
   */
  commit: [commitIndex: number, message: HamokMessage];
  /** Every `heartbeatInMs` while running, on every peer. */
  heartbeat: [];
  /** Something failed that no caller waits for. Logged when nobody listens. */
  error: [error: Error];
  /** The leader has not heard from a peer for `electionTimeoutInMs`; `remote-peer-left` follows. On the leader only. */
  'no-heartbeat-from': [peerId: string];
  /** A peer is not up to date. Kept for old listeners: peers catch up by themselves. */
  'unsynced-peer': [peerId: string];
  /**
   * This peer belongs to a grid that has a leader: after `join()`, and each time after `rejoining`. If the grid was
   * re-formed meanwhile, `reformed` has come before.
   */
  joined: [];
  /**
   * This peer has lost the leader and looks for one; `leader-changed` follows. If it was cut off from all others,
   * `remote-peer-left` has come for each.
   */
  rejoining: [];
  /**
   * Fewer than a majority of the grid's peers can be reached: nobody leads, and nothing is acknowledged. After `rejoining`,
   * and `electionTimeoutInMs` after the last word of a majority at the earliest. `quorum-restored` or `reformed` ends it,
   * or another grid that this peer joins. What the peers do meanwhile is said by the option `quorumLoss`.
   */
  'quorum-lost': [];
  /**
   * After `quorum-lost`: there is a leader again in the same grid, and nothing that was acknowledged is lost. After
   * `leader-changed`, right before or after `joined`.
   */
  'quorum-restored': [];
  /**
   * The grid has lost its majority and goes on without it, as a new grid with the state of the peers that take part. What
   * was acknowledged and has reached none of these is lost, unless a missing peer comes back and brings it along: see
   * `grid-merged`. After `leader-changed`; `joined` follows. Not on newcomers.
   */
  reformed: [
    reform: {
      /** Id of the new grid, 16 hexadecimal digits. */
      gridId: string;
      /** Id of the grid that it goes on from. */
      parentGridId: string;
      /** Grows with each reform and each merge. */
      epoch: number;
      /** The peers that had a vote in the former grid, took no part, and have not said farewell. */
      missingPeerIds: string[];
    },
  ];
  /**
   * Another grid was merged into this peer's: its peers have come over and have brought along what this one lacked. On all
   * peers of the grid, those that have come over included.
   */
  'grid-merged': [
    merge: {
      /** Id of the grid that stays, 16 hexadecimal digits. */
      gridId: string;
      /** Id of the grid that was merged into it, and is no more. */
      mergedGridId: string;
      /** Grows with each reform and each merge: higher than those of both grids. */
      epoch: number;
    },
  ];
  /** `leave()` is done; the last event of leaving. */
  left: [];
  /** `close()` is done; the last event. */
  close: [];
};

/** A peer's role; `'empty'` before `join` and after `leave`. */
export type HamokState = 'follower' | 'candidate' | 'leader' | 'empty';

/** `hamok.grid`: what a peer knows of its grid. A live view, read-only. */
export declare class HamokGrid {
  /** Made with its peer. */
  private constructor();

  /** This peer's id. */
  get localPeerId(): string;

  /** The id of the peer that leads; undefined when none does. */
  get leaderId(): string | undefined;

  /** The ids of the other peers in the grid. */
  get remotePeerIds(): ReadonlySet<string>;

  /** Whether this peer belongs to a grid that has a leader. */
  get connected(): boolean;

  /** This peer's requests that wait for an answer. */
  get pendingRequests(): {
    /** Their number. */
    readonly size: number;
  };
}

// ── What all collections have ──

/** A collection of any kind. */
export interface AnyCollection {
  /** The id that it was created with. */
  readonly id: string;
  /** The link to the grid. */
  readonly connection: HamokConnection;
  /** Whether `close()` was called, on it or on its `Hamok`. */
  readonly closed: boolean;
  /** Resolves with the collection when it can be used. */
  readonly ready: Promise<AnyCollection>;

  /** Closes the collection on this peer. */
  close(): void;
}

/**
 * A collection that peers share. Events reach every peer that has created it; a listener that throws stops nothing, its
 * error is thrown again on the next tick.
 */
declare abstract class Collection<M extends EventMap<M> & CollectionEventMap> extends TypedEmitter<M> {
  /** The link to the grid. */
  readonly connection: HamokConnection;

  /** Made by `hamok.createMap` and the like. */
  protected constructor();

  /** The id that it was created with. */
  get id(): string;

  /** Whether `close()` was called, on it or on its `Hamok`. */
  get closed(): boolean;

  /**
   * Resolves with the collection when it can be used, and has what it was created with; operations need not wait for it,
   * they are kept in order until then. Rejects with `CLOSED` when it is closed before, with `KIND_MISMATCH` when another
   * peer has another kind of collection under this id.
   */
  get ready(): Promise<this>;

  /**
   * Closes the collection on this peer: pending operations reject with `Connection is closed`, the connection emits
   * `close`, then the collection does, and its listeners are removed. Other peers keep theirs. A second call does
   * nothing.
   */
  close(): void;
}

/** Events that every collection has. */
export type CollectionEventMap = {
  /** The collection was closed; the last event. */
  close: [];
};

/** Options of every collection. */
export type CollectionConfig = {
  /**
   * How long an operation waits for its answer, in milliseconds, before its promise rejects; 0: no timeout. The time
   * begins when the collection is ready, and again whenever the leader reports that it is at work. Default 5000.
   */
  requestTimeoutInMs?: number;
  /** Kept for old code, in milliseconds; collections need no such wait. Default 1000. */
  remoteStorageStateWaitingTimeoutInMs?: number;
  /** A batch of more keys travels in several requests, and is no longer one step; 0: no limit. Default 0. */
  maxOutboundMessageKeys?: number;
  /** As `maxOutboundMessageKeys`, for the values. Default 0. */
  maxOutboundMessageValues?: number;
};

/** The link between a collection and its grid. */
export declare class HamokConnection extends TypedEmitter<HamokConnectionEventMap> {
  /** What it was made for. */
  readonly config: {
    /** The id of the collection. */
    readonly storageId: string;
  };
  /** The grid that the collection belongs to. */
  readonly grid: HamokGrid;

  /** Made with its collection, by `hamok.createMap` and the like. */
  private constructor();

  /** The id of the peer that the collection belongs to. */
  get localPeerId(): string;

  /** Whether the collection is usable and its peer belongs to a grid with a leader. */
  get connected(): boolean;

  /** Whether the collection was closed. */
  get closed(): boolean;

  /** Counts up with what has changed the collection on this peer; -1 when nothing has. */
  get highestSeenCommitIndex(): number;
}

/** The events of a `HamokConnection` and the arguments of their listeners. */
export type HamokConnectionEventMap = {
  /** The collection is in touch with its grid: at first, and each time after `disconnected`. */
  connected: [];
  /** The peer has lost the leader, or has left. */
  disconnected: [];
  /** Another peer leads, or none: `undefined`. */
  'leader-changed': [leaderId: string | undefined];
  /** A peer is no longer a member of the grid. */
  'remote-peer-removed': [peerId: string];
  /** The collection was closed; the last event. */
  close: [];
};

/** Event names and the arguments of their listeners. */
export type EventMap<M> = { [E in keyof M]: unknown[] };

/**
 * Node's `EventEmitter` with the events of `M`, and without a limit of listeners. What is not here, such as
 * `listenerCount` and `removeAllListeners`, is as Node.js has it.
 */
declare abstract class TypedEmitter<M extends EventMap<M>> extends EventEmitter {
  protected constructor();

  /** Calls a listener at every such event from now on, after those that are there. */
  on<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** Calls a listener at the next such event only. */
  once<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** Takes a listener off; one that was put on several times goes once. */
  off<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** The same as `on`. */
  addListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** The same as `off`. */
  removeListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** Calls a listener at every such event from now on, before those that are there. */
  prependListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** Calls a listener at the next such event only, before those that are there. */
  prependOnceListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;

  /** Calls the listeners of an event here, and tells no other peer. For tests. @returns whether there were any */
  emit<E extends keyof M & string>(event: E, ...args: M[E]): boolean;
}

// ── Maps ──

/**
 * A map that peers share. Reads are local, synchronous, and see what this peer has applied; also after `close()`.
 * Iteration is in the order of insertion; a value that is set again keeps its place. Keys that the codec encodes to equal
 * bytes are one key. For the other mutations see {@link EntryCollection}, for `ready` and `close` {@link Collection}.
 */
export declare class HamokMap<K, V> extends EntryCollection<K, V, HamokMapEventMap<K, V>> {
  /** The local storage. To be read only. */
  readonly baseMap: BaseMap<K, V>;
  /** What `updateIf` and `removeIf` compare with. */
  readonly equalValues: EqualValues<V>;

  /** Made by `hamok.createMap`. */
  private constructor();

  /** Number of entries. */
  get size(): number;

  /** Whether there are no entries. */
  get isEmpty(): boolean;

  /** The value of a key, `undefined` when it does not exist. */
  get(key: K): V | undefined;

  /** The entries of those keys that exist. */
  getAll(keys: IterableIterator<K> | K[]): ReadonlyMap<K, V>;

  /** The keys, in the order of insertion. */
  keys(): IterableIterator<K>;

  /** The values, in the order of insertion. */
  values(): IterableIterator<V>;

  /** The entries, in the order of insertion. */
  entries(): IterableIterator<[K, V]>;

  /** The entries, in the order of insertion. */
  [Symbol.iterator](): IterableIterator<[K, V]>;

  /**
   * Sets a value if the key exists and its value equals `oldValue`; in one step, wherever else the key is changed.
   * Resolves with whether it was set. Errors are those of the other mutations, and what `equalValues` throws.
   */
  updateIf(key: K, value: V, oldValue: V): Promise<boolean>;

  /** Deletes an entry if its value equals `oldValue`, as `updateIf` sets one. Resolves with whether it was deleted. */
  removeIf(key: K, oldValue: V): Promise<boolean>;

  /** What this peer has of the map, as plain data. @throws HamokError `CLOSED` */
  export(): HamokMapSnapshot;

  /**
   * Takes over what `export()` gave. The entries can be read at once if the map was never connected, and are inserted
   * into the shared map when it is, where existing keys win.
   *
   * @param eventing whether to emit `insert` and `update` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the map is connected, or for another map's snapshot
   */
  import(snapshot: HamokMapSnapshot, eventing?: boolean): void;
}

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

/**
 * What `HamokMap` and `HamokRemoteMap` have in common: their mutations.
 *
 * Every mutation is ordered by the grid and happens in the same order on all peers. Its promise resolves after that,
 * when the listeners of this peer have been called for it. It rejects with an `Error` that has a `code`:
 * `INVALID_ARGUMENT` for an undefined key or value and for what the codec refuses, `TIMEOUT`, `NO_LEADER`,
 * `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`.
 */
declare abstract class EntryCollection<K, V, M extends EventMap<M> & CollectionEventMap> extends Collection<M> {
  /** Made by `hamok.createMap` and `hamok.createRemoteMap`. */
  protected constructor();

  /** Sets an entry. Resolves with the value that the key had, `undefined` when it had none. */
  set(key: K, value: V): Promise<V | undefined>;

  /** Sets entries in one step. Resolves with the entries that existed, with their old values. */
  setAll(entries: ReadonlyMap<K, V>): Promise<ReadonlyMap<K, V>>;

  /** Sets an entry unless its key exists. Resolves with the value that exists, `undefined` when the entry was set. */
  insert(key: K, value: V): Promise<V | undefined>;

  /** Sets in one step those entries whose keys do not exist. Resolves with the entries that exist, unchanged. */
  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): Promise<ReadonlyMap<K, V>>;

  /** Deletes an entry. Resolves with whether it existed. */
  delete(key: K): Promise<boolean>;

  /** Deletes entries in one step. Resolves with the keys that existed. */
  deleteAll(keys: ReadonlySet<K> | K[]): Promise<ReadonlySet<K>>;

  /** Deletes an entry. Resolves with whether it existed. */
  remove(key: K): Promise<boolean>;

  /** Deletes entries in one step. Resolves with those that existed. */
  removeAll(keys: ReadonlySet<K> | K[]): Promise<ReadonlyMap<K, V>>;

  /** Deletes all entries. */
  clear(): Promise<void>;
}

/**
 * Whether two values count as the same. (Taken from a method, so that a map of numbers is also a map of unknown values
 * for TypeScript, as a `Map` is.)
 */
export type EqualValues<V> = {
  /** Whether `a` and `b` count as the same. */
  compare(a: V, b: V): boolean;
}['compare'];

/**
 * The entries of a `HamokMap` as its codecs encode them, keys and values in the same order. Bytes that are UTF-8 text,
 * as with the default codec, are that text; others are in base64 behind a marker.
 */
export type HamokMapSnapshot = {
  /** The id of the map. */
  mapId: string;
  /** Encoded keys. */
  keys: string[];
  /** Encoded values. */
  values: string[];
};

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

/** What `BaseMap.setAll` did. */
export interface BaseMapUpdateResult<K, V> {
  /** Entries whose keys were new: key and value. */
  inserted: [key: K, value: V][];
  /** Entries whose keys existed: key, value before, value now. */
  updated: [key: K, oldValue: V, newValue: V][];
}

/** The `BaseMap` that a `HamokMap` makes for itself: entries in memory. Single reads and writes are those of `Map`. */
export declare class MemoryBaseMap<K, V> extends Map<K, V> implements BaseMap<K, V> {
  /** See `BaseMap`. */
  getAll(keys: Iterable<K>): ReadonlyMap<K, V>;

  /** See `BaseMap`. */
  set(key: K, value: V, callback?: (oldValue: V | undefined) => void): this;

  /** See `BaseMap`. */
  setAll(entries: ReadonlyMap<K, V>, callback?: (result: BaseMapUpdateResult<K, V>) => void): void;

  /** See `BaseMap`. */
  insert(key: K, value: V): V | undefined;

  /** See `BaseMap`. */
  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): ReadonlyMap<K, V>;

  /** See `BaseMap`. */
  deleteAll(keys: Iterable<K>): K[];

  /** See `BaseMap`. */
  remove(key: K): V | undefined;

  /** See `BaseMap`. */
  removeAll(keys: Iterable<K>): ReadonlyMap<K, V>;
}

// ── Remote maps ──

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
export declare class HamokRemoteMap<K, V> extends EntryCollection<K, V, HamokRemoteMapEventMap<K, V>> {
  /** The store. */
  readonly remoteMap: RemoteMap<K, V>;
  /** What `updateIf` compares with. */
  readonly equalValues: EqualValues<V>;
  /** Whether changes are reported. */
  readonly emitEvents: boolean;

  /** Made by `hamok.createRemoteMap`. */
  private constructor();

  /** Figures of this peer. */
  get stats(): HamokRemoteMapStats;

  /** The number of entries in the store. */
  size(): Promise<number>;

  /** Whether the store has no entries. */
  isEmpty(): Promise<boolean>;

  /**
   * The value that the store has for a key, `undefined` when it has none. With `linearizable` it rejects also with what
   * `sync()` rejects with.
   */
  get(key: K, { linearizable }?: RemoteMapReadOptions): Promise<V | undefined>;

  /** The entries of those keys that the store has. */
  getAll(keys: IterableIterator<K> | K[]): Promise<ReadonlyMap<K, V>>;

  /** The keys in the store: await it for an iterator, or iterate over it with `for await`. */
  keys(): RemoteMapKeys<K>;

  /** Iterates over the entries in the store. A failure rejects `next()`. */
  iterator(): AsyncIterableIterator<[K, V]>;

  /**
   * Sets a value if the key exists and its value equals `oldValue`. Resolves with whether it was set. Errors are those of
   * the other mutations, and `CALLBACK_FAILED` for what `equalValues` throws.
   */
  updateIf(key: K, value: V, oldValue: V): Promise<boolean>;

  /**
   * Resolves when everything that was ordered before the call, by any peer, has been executed: a read after it sees that
   * in the store. Rejects with `TIMEOUT`, `NO_LEADER`, `NO_QUORUM` or `CLOSED`.
   */
  sync(): Promise<void>;

  /**
   * Claims the store for this grid. When the store has refused it with `STALE_EPOCH`, because another grid has written, this
   * grid waits: two grids that push each other out would only alternate. Call this on any peer of the grid that shall have
   * the store; what waits is executed then, and the other grid is refused. Resolves when the claim is ordered. Does nothing
   * with a store that has no `acquire`. Errors are those of `sync()`.
   */
  acquire(): Promise<void>;

  /** How far this peer is. The entries stay in the store. @throws HamokError `CLOSED` */
  export(): HamokRemoteMapSnapshot;

  /**
   * Takes what `export()` gave; there is nothing to take over.
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the map is connected, or for another map's snapshot
   */
  import(snapshot: HamokRemoteMapSnapshot): void;
}

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

/** How a remote map reads. */
export type RemoteMapReadOptions = {
  /**
   * Whether the read sees everything that any peer was told to be done before the call. It then waits until the leader has
   * confirmed that it leads and has executed all operations that came before. Default false.
   */
  linearizable?: boolean;
};

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

/** What `RemoteMap.setAll` did. */
export interface RemoteMapUpdateResult<K, V> {
  /** Entries whose keys were new: key and value. */
  inserted: [key: K, value: V][];
  /** Entries whose keys existed: key, value before, value now. */
  updated: [key: K, oldValue: V, newValue: V][];
}

/**
 * What a function of a store gets as one more argument when the leader executes an operation: who executes it, in which
 * place of the order, and whether it still should. Declare a last parameter `context?: RemoteMapContext` to use it; when a
 * peer only reads, it is undefined.
 *
 * What a store needs to know of a write: one with a lower `(epoch, term)` than it has seen comes from a leader that was
 * replaced; one whose `operationId` it has seen is a repetition.
 */
export interface RemoteMapContext {
  /**
   * Counts the grids that have written to the store: the number that its `acquire` gave to this one. For a store without
   * `acquire` it begins at 1 with every new grid, and rises when a grid is re-formed or merged.
   */
  readonly epoch: number;
  /** The leader's term in which the operation was handed to it. Grows with every election; begins anew in each grid. */
  readonly term: number;
  /**
   * The place of the operation in the order of its grid. Higher than that of every earlier operation; begins anew in a new
   * grid, but not in one that goes on from another.
   */
  readonly index: number;
  /** Names the operation: the same in each attempt, of whichever leader. At most 200 characters. */
  readonly operationId: string;
  /** 1; 2 when it may have been executed already, by a former leader or by this one. */
  readonly attempt: number;
  /** Aborted when the result no longer matters: this peer no longer leads, or the operation was given up. */
  readonly signal: AbortSignal;
}

/** Figures of a remote map; see `HamokRemoteMap.stats`. */
export interface HamokRemoteMapStats {
  /** Operations of this peer that have no answer yet; `sync()` and what waits as it does are among them. */
  readonly pending: number;
  /** Operations of all peers that are ordered and not known to be executed. */
  readonly lag: number;
  /** Operations that this peer has executed as the leader, failed ones included. */
  readonly executed: number;
  /** Those of them that ended in an error for their caller. */
  readonly failed: number;
  /**
   * Those of them that had been executed before: an exact store has recognised them; of another store, all that may have
   * been.
   */
  readonly repeated: number;
  /**
   * How long the last 1,024 calls of the store took on this peer as the leader, in milliseconds; reads are not among them. 0
   * when there was none.
   */
  readonly storeTimeInMs: {
    /** Half of them took no longer. */
    readonly p50: number;
    /** Of a hundred, one took longer. */
    readonly p99: number;
  };
}

/** The keys of a remote map: to be awaited for an iterator, or iterated with `for await`. */
export type RemoteMapKeys<K> = Promise<IterableIterator<K>> & AsyncIterableIterator<K>;

/** The state of a `HamokRemoteMap`. Its entries are in the user's store, and stay there. */
export type HamokRemoteMapSnapshot = {
  /** The id of the map. */
  mapId: string;
  /** Log index up to which this peer had applied the grid's operations. */
  appliedCommitIndex: number;
};

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

/** What the function of the same name gives; for `set` and `setAll`, what its callback gets. */
export type StoreValue<K, V> = V | undefined | boolean | ReadonlyMap<K, V> | RemoteMapUpdateResult<K, V>;

/** The context of a batch. Each operation of it has an index and an operation id of its own. */
export type BatchContext = Pick<RemoteMapContext, 'epoch' | 'term'> &
  Partial<Pick<RemoteMapContext, 'attempt' | 'signal'>>;

/** Why a store refused a write. */
export type StaleWriteCode =
  /** A leader of a later epoch, or of a later term, has written. Who gets this does not lead any more. */
  | 'STALE_EPOCH'
  /**
   * A later operation of the map has been carried out, and there is no record of this one. It was given up, and the order
   * would be broken if it were carried out now.
   */
  | 'STALE_INDEX';

/** A store has refused a write: nothing was changed. Programs read `code`. */
export declare class StaleWriteError extends Error {
  /** Why. */
  readonly code: StaleWriteCode;

  /** Makes an error. */
  constructor(code: StaleWriteCode, message: string);
}

// ── Records ──

/**
 * An object that peers share. Reads are local, synchronous, and see what this peer has applied; also after `close()`.
 *
 * Every mutation is ordered by the grid and happens in the same order on all peers. Its promise resolves after that,
 * when the listeners of this peer have been called for it. It rejects with an `Error` that has a `code`:
 * `INVALID_ARGUMENT` for an undefined value and for what the codec refuses, `TIMEOUT`, `NO_LEADER`,
 * `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`.
 *
 * A field exists or not; `0`, `''`, `false` and `null` are values like any other. A value that its codec cannot read on
 * this peer is reported by the `error` event of `Hamok`, and cannot be seen here.
 */
export declare class HamokRecord<T extends HamokRecordObject<T>> extends Collection<HamokRecordEventMap<T>> {
  /** Made by `hamok.createRecord`. */
  private constructor();

  /** The value of a field, `undefined` when it does not exist. Plain objects and arrays are frozen, deeply. */
  get<K extends keyof T>(key: K): T[K] | undefined;

  /**
   * All fields, as an object of the caller's own, decoded for it: to change it changes nothing in the record.
   * @throws HamokError `INVALID_MESSAGE` when a codec cannot read any more what it has read before
   */
  get instance(): T;

  /** Sets a field. Resolves with the value that it had, `undefined` when it did not exist. */
  set<K extends keyof T>(key: K, value: T[K]): Promise<T[K] | undefined>;

  /** Sets a field unless it exists. Resolves with the value that exists, `undefined` when the field was set. */
  insert<K extends keyof T>(key: K, value: T[K]): Promise<T[K] | undefined>;

  /**
   * Sets in one step those fields that do not exist; fields that are `undefined` are left out, as in JSON. Resolves with
   * the fields that exist, unchanged, `undefined` when none of them did.
   */
  insertInstance(instance: Partial<T>): Promise<Partial<T> | undefined>;

  /**
   * Sets a field if its value equals `oldValue`; in one step, wherever else the field is changed. `undefined` as
   * `oldValue` stands for a field that does not exist. Resolves with whether it was set. Errors are those of the other
   * mutations, and what `equalValues` throws.
   */
  updateIf<K extends keyof T>(key: K, value: T[K], oldValue: T[K] | undefined): Promise<boolean>;

  /**
   * Sets the fields of `newInstance` if all fields of `oldInstance` are equal to the record's, in one step as `updateIf`
   * does: all or nothing, so it is never split. A field that is `undefined` is left out of `newInstance`; in
   * `oldInstance` it stands for one that does not exist. An empty `oldInstance` compares nothing. Resolves with whether
   * all was equal, and set.
   */
  updateInstanceIf(newInstance: Partial<T>, oldInstance: Partial<T>): Promise<boolean>;

  /** Deletes a field. Resolves with whether it existed. */
  delete<K extends keyof T>(key: K): Promise<boolean>;

  /** Deletes all fields. */
  clear(): Promise<void>;

  /** What this peer has of the record, as it is encoded. @throws HamokError `CLOSED` */
  export(): HamokRecordSnapshot;

  /**
   * Takes over what `export()` gave. The fields can be read at once if the record was never connected, and are inserted
   * into the shared record when it is, where existing fields win.
   *
   * @param eventing whether to emit `insert` and `update` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the record is connected, or for another record's snapshot;
   *   `INVALID_MESSAGE` for what a codec cannot read
   */
  import(snapshot: HamokRecordSnapshot, eventing?: boolean): void;
}

/** The options of `hamok.createRecord`. */
export type HamokRecordBuilderConfig<T extends HamokRecordObject<T>> = CollectionConfig & {
  /** The same on every peer that shares the record. */
  recordId: string;
  /** Codecs by the names of their fields; the same on every peer. Default: JSON. */
  payloadCodecs?: Map<keyof T, HamokCodec<T[keyof T], string>>;
  /** Inserted into the shared record, where existing fields win. */
  initialObject?: Partial<T>;
  /** What `updateIf` and `updateInstanceIf` compare with. Default: equal JSON text. */
  equalValues?: <K extends keyof T>(a: T[K], b: T[K]) => boolean;
};

/**
 * The events of a `HamokRecord` and the arguments of their listeners. They come on every peer, those of one operation
 * after all its changes, and before `commit` of `Hamok` and the caller's promise. What a record holds when it is created
 * late comes silently; a peer that was away hears the difference.
 */
export type HamokRecordEventMap<T extends HamokRecordObject<T>> = {
  /** A field was set that did not exist. */
  insert: [{ key: keyof T; value: T[keyof T] }];
  /** A field was set that existed, also to an equal value. Those of one operation come after its `insert`s. */
  update: [{ key: keyof T; oldValue: T[keyof T]; newValue: T[keyof T] }];
  /** A field was deleted. */
  remove: [{ key: keyof T; value: T[keyof T] }];
  /** All fields were deleted; no `remove` comes for them. When there were none, nothing comes. */
  clear: [];
  /** The record was closed on this peer; the last event. */
  close: [];
};

/** What a record can hold: fields by their names, in a type alias or an interface. */
export type HamokRecordObject<T = Record<string, unknown>> = { [K in keyof T]: unknown };

/** The fields of a `HamokRecord` as bytes: names and values in the same order. JSON has no bytes; everything else does. */
export type HamokRecordSnapshot = {
  /** The id of the record. */
  recordId: string;
  /** Names in UTF-8. */
  keys: Uint8Array[];
  /** The text that JSON, or the field's codec, gives; in UTF-8. */
  values: Uint8Array[];
};

// ── Queues ──

/**
 * A queue that peers share: first in, first out, in one order for the whole grid. Reads are local, synchronous, and see
 * what this peer has applied.
 *
 * The promise of a mutation resolves when it has happened and the listeners of this peer have been called for it. It
 * rejects with an `Error` that has a `code`: `INVALID_ARGUMENT` for an undefined item and for what the codec refuses,
 * `TIMEOUT`, `NO_LEADER`, `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`. A `pop` that rejects may have
 * taken an item all the same.
 */
export declare class HamokQueue<T> extends Collection<HamokQueueEventMap<T>> {
  /** Made by `hamok.createQueue`. */
  private constructor();

  /** Number of items. */
  get size(): number;

  /** Whether there are no items. */
  get empty(): boolean;

  /** The items, from head to tail. */
  [Symbol.iterator](): IterableIterator<T>;

  /** Appends items at the tail, in their order and in one step. `null` is an item, `undefined` is none. */
  push(...items: T[]): Promise<void>;

  /**
   * Takes the item at the head: no other caller gets it, on any peer. Resolves with `undefined` if the queue was empty
   * when its turn came.
   */
  pop(): Promise<T | undefined>;

  /** The item at the head, `undefined` when this peer sees none. Another peer may take it. @throws HamokError `CLOSED` */
  peek(): T | undefined;

  /** Drops all items. */
  clear(): Promise<void>;

  /** What this peer has of the queue, as plain data. @throws HamokError `CLOSED` */
  export(): HamokQueueSnapshot;

  /**
   * Takes over what `export()` gave. The items can be read at once if the queue was never connected, and are pushed to
   * the tail of the shared queue when it is; there they have other numbers.
   *
   * @param eventing whether to emit `add` and `not-empty` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the queue is connected, or for another queue's snapshot
   */
  import(snapshot: HamokQueueSnapshot, eventing?: boolean): void;
}

/** The options of `hamok.createQueue`. */
export type HamokQueueBuilderConfig<T> = CollectionConfig & {
  /** The same on every peer that shares the queue. */
  queueId: string;
  /** For the items. Default: JSON. */
  codec?: HamokCodec<T, Uint8Array>;
  /**
   * The local storage of the queue, for the user to read: items by their numbers, which ascend from head to tail. What it
   * holds now is dropped. Default: a `MemoryBaseMap`.
   */
  baseMap?: BaseMap<number, T>;
};

/**
 * The events of a `HamokQueue` and the arguments of their listeners. On every peer. A push emits `add` for each item,
 * then `not-empty` if there was none before. A pop emits `remove`; the pop of the last item `empty`, then `remove`.
 * `clear` emits `empty` alone, and nothing when there were no items. A peer that was away hears `remove` and `add` for what
 * changed, from head to tail, then `empty` or `not-empty` if the queue became so.
 */
export type HamokQueueEventMap<T> = {
  /** An item was appended. */
  add: [item: T];
  /** An item was taken, by any peer. */
  remove: [item: T];
  /** The last item was taken, or all were dropped by `clear`. */
  empty: [];
  /** There are items, and were none. */
  'not-empty': [];
  /** The queue was closed on this peer; the last event. */
  close: [];
};

/** The items of a `HamokQueue` from head to tail. */
export type HamokQueueSnapshot = {
  /** The id of the queue. */
  queueId: string;
  /** The items' numbers, in decimal. */
  keys: string[];
  /** The items as the codec encodes them, as text; see {@link HamokMapSnapshot}. */
  values: string[];
};

// ── Emitters ──

/**
 * An emitter that peers share: an event reaches the listeners that any peer of the grid has for it.
 *
 * Who subscribes to what is ordered by the grid, and the same on all peers; see `subscriptions`. The events themselves go
 * directly to the subscribed peers, are not stored, and have no common order: between two peers, and over a transport
 * that keeps the order of messages, they arrive as they were sent, except that one over 512 KiB travels in pieces and may be
 * overtaken. Each peer calls its listeners at most once for an event. A listener that throws stops nothing: its error is
 * thrown again on the next tick, and the event counts as received.
 *
 * Promises reject with an `Error` that has a `code`: `INVALID_ARGUMENT`, `TIMEOUT`, `NO_LEADER`, `NO_QUORUM`,
 * `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`.
 */
export declare class HamokEmitter<T extends HamokEmitterEventMap<T>, M extends object = Record<string, unknown>> {
  /** The link to the grid. */
  readonly connection: HamokConnection;
  /** Who subscribes to what. */
  readonly subscriptions: HamokEmitterSubscriptions<T, M>;
  /** The option of this name. */
  readonly payloadsCodec: HamokEmitterBuilderConfig<T>['payloadsCodec'];
  /** The option of this name. */
  readonly autoClean: boolean;

  /** Made by `hamok.createEmitter`. */
  private constructor();

  /** The id that it was created with. */
  get id(): string;

  /** Whether `close()` was called, on it or on its `Hamok`. */
  get closed(): boolean;

  /**
   * Resolves with the emitter when it can be used; operations need not wait for it, they are kept in order until then.
   * Rejects with `CLOSED` when it is closed before, with `KIND_MISMATCH` when another peer has another kind of collection
   * under this id.
   */
  get ready(): Promise<this>;

  /** Whether no event has subscribers. */
  get empty(): boolean;

  /** Figures of the moment. */
  get stats(): HamokEmitterStats;

  /**
   * Closes the emitter on this peer: its subscriptions are taken off the shared list, its listeners are dropped, pending
   * operations reject with `Connection is closed`, the connection emits `close`. A second call does nothing.
   */
  close(): void;

  /**
   * Has a listener called for an event. The first listener of an event puts this peer on the shared list of subscribers; a
   * peer that comes back to its grid after it was taken off is put there again. Resolves when this peer is on the list;
   * when it rejects, the listener is taken off again. A function that subscribes twice is called twice.
   *
   * @param metaData what other peers see of the subscription; there is one for each event of a peer. With a further
   *   listener it takes the place of what was given before. Must have a JSON form. Default: none
   */
  subscribe<K extends keyof T>(event: K, listener: (...args: T[K]) => void, metaData?: M): Promise<void>;

  /**
   * Takes off a listener, at once; what was added twice, once. With its last listener of an event this peer is taken off
   * the list of that event's subscribers; resolves when it is. What does not listen is no error.
   */
  unsubscribe<K extends keyof T>(event: K, listener: (...args: T[K]) => void): Promise<void>;

  /**
   * Gives this peer's subscription of an event other meta data. Resolves with whether it was done. Rejects with
   * `INVALID_ARGUMENT` when this peer has no listener for the event.
   *
   * @param previousMetaData if given, it is done only when the subscription has meta data with the same JSON text, in one
   *   step; `null`: only when it has none
   */
  updateSubscriptionMetaData<K extends keyof T>(event: K, metaData: M, previousMetaData?: M | null): Promise<boolean>;

  /**
   * Sends an event to its subscribers and resolves with the ids of the peers that have received it, which means that a
   * listener was called there; this peer's own id comes last. What gets lost on the way is sent again, and who leaves the
   * grid in the meantime is not waited for. Waits until the emitter is ready; then this peer's own listeners are called
   * at once. Rejects with `TIMEOUT` when a subscriber of the grid does not answer in time: others may have received it.
   */
  publish<K extends keyof T>(event: K, ...args: T[K]): Promise<string[]>;

  /**
   * Sends an event to its subscribers, once, and does not ask whether it arrives. This peer's own listeners are called
   * within this call. An event larger than `maxCommandBytes` is not sent, and an `error` event of `Hamok` says so.
   *
   * @returns whether it was sent to another peer, or a listener of this peer was called
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` when the arguments cannot be encoded. They are encoded only when
   *   another peer subscribes, so this shows no sooner
   */
  notify<K extends keyof T>(event: K, ...args: T[K]): boolean;

  /**
   * Whether an event has subscribers in the grid, or this peer is one. The answer knows of every subscription that was
   * acknowledged, to anybody, before the call, and of this peer's own also without that.
   * @param onlyLocal ask for this peer's own subscription; default false
   */
  hasSubscribers<K extends keyof T>(event: K, onlyLocal?: boolean): Promise<boolean>;

  /**
   * Drops all listeners of this peer at once, and takes it off the list with everything it subscribes to, in one step.
   * Resolves when that is done. Whoever ignores the promise need not fear its rejection.
   */
  clear(): Promise<void>;

  /**
   * Takes off, in one step, the subscriptions of peers that are not in the grid. (They stay on the list when a peer leaves,
   * so that it finds them when it comes back.) Resolves with the ids of these peers, `undefined` when there were none. A
   * peer that comes back later is on the list again with what it has listeners for.
   */
  cleanup(): Promise<ReadonlySet<string> | undefined>;

  /** The subscriptions that this peer knows of, as plain data. @throws HamokError `CLOSED` */
  export(): HamokEmitterSnapshot;

  /**
   * Shows what `export()` gave until the emitter is connected for the first time; from then on it shows the shared list,
   * into which nothing of this goes, because a subscription is nothing without its listener. Emits nothing.
   *
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the emitter is connected, or for another emitter's snapshot
   */
  import(snapshot: HamokEmitterSnapshot): void;
}

/** The options of `hamok.createEmitter`. */
export type HamokEmitterBuilderConfig<T extends HamokEmitterEventMap<T>> = CollectionConfig & {
  /** The same on every peer that shares the emitter. */
  emitterId: string;
  /**
   * Codecs by the names of their events; the same on every peer. Default: JSON, in which `undefined` as an argument stays
   * what it is, and within an argument is lost or `null`.
   */
  payloadsCodec?: Map<
    keyof T,
    {
      /** Makes text of the arguments of an event. */
      encode(...args: unknown[]): string;
      /** Makes arguments of what `encode` gave, on any peer. */
      decode(data: string): unknown[];
    }
  >;
  /** Whether this peer, while it leads, takes off the subscriptions of peers that leave. Default false. */
  autoClean?: boolean;
};

/** Event names and the arguments of their listeners, such as `{ joined: [userId: string] }`; an interface will do too. */
export type HamokEmitterEventMap<T = Record<string, unknown[]>> = { [E in keyof T]: unknown[] };

/** Figures of a `HamokEmitter`, on one peer. */
export type HamokEmitterStats = {
  /** Number of events that have subscribers. */
  numberOfSubscriptions: number;
  /** Number of events that other peers have sent to this one. */
  numberOfReceivedEventInvocations: number;
  /** Number of calls of `publish` and `notify` whose event went to another peer. */
  numberOfSentEventInvocations: number;
};

/**
 * The subscriptions of a `HamokEmitter` as this peer knows them. Reads are local, synchronous, and see what this peer has
 * applied; also after `close()`. The events come on every peer for what peers subscribe to and what they drop, after the
 * change; one step's after all its changes. What the list holds when the emitter is created late comes silently.
 *
 * The methods that change something change what this peer knows, and nothing else: the emitter uses them for what the grid
 * tells it. To subscribe, use the emitter.
 */
declare class HamokEmitterSubscriptions<T, M extends object> extends TypedEmitter<
  HamokEmitterSubscriptionsEventMap<T, M>
> {
  /** Made with its emitter, by `hamok.createEmitter`. */
  private constructor();

  /** Number of events that have subscribers. */
  get size(): number;

  /** Whether an event has subscribers. */
  hasEvent(event: keyof T): boolean;

  /** Whether a peer subscribes to an event. */
  hasPeerOnEvent(event: keyof T, peerId: string): boolean;

  /** The subscribers of an event with their meta data, as of now; `undefined` when there are none. */
  getEventPeersMap(event: keyof T): Map<string, M | null> | undefined;

  /** The ids of an event's subscribers, as of now; `undefined` when there are none. */
  getPeerIds(event: keyof T): Set<string> | undefined;

  /** The ids of all peers that subscribe to something, as of now. */
  getAllPeerIds(): Set<string>;

  /** The events that have subscribers. */
  events(): IterableIterator<keyof T & string>;

  /** The events that have subscribers, each with them and their meta data. */
  entries(): IterableIterator<[keyof T & string, Map<string, M | null>]>;

  /** Adds a subscription. @returns false, and nothing changes, when it exists */
  addPeer(event: keyof T, peerId: string, metaData?: M | null): boolean;

  /** Changes the meta data of a subscription. @returns false, and nothing changes, when there is none */
  updatePeer(event: keyof T, peerId: string, metaData?: M | null): boolean;

  /** Takes off a subscription. @returns false when there is none */
  removePeer(event: keyof T, peerId: string): boolean;

  /** Takes off all subscriptions of a peer. @returns false when there are none */
  removePeerFromAllEvent(peerId: string): boolean;
}

/** The events of `HamokEmitterSubscriptions` and the arguments of their listeners. */
export type HamokEmitterSubscriptionsEventMap<T, M> = {
  /** A peer has subscribed to an event. */
  added: [event: keyof T & string, peerId: string, metaData: M | null];
  /** A subscription has other meta data. */
  updated: [event: keyof T & string, peerId: string, metaData: M | null, previousMetaData: M | null];
  /** A peer no longer subscribes to an event. */
  removed: [event: keyof T & string, peerId: string, metaData: M | null];
  /** What has changed, in words. */
  debug: [text: string];
};

/** The subscriptions of a `HamokEmitter`: by event, the peers that listen to it. */
export type HamokEmitterSnapshot = {
  /** The id of the emitter. */
  emitterId: string;
  /** The events that have subscribers. */
  subscriptions: {
    /** The name of the event. */
    event: string;
    /** The peers that subscribe to it. */
    subscribers: {
      /** The id of the peer. */
      peerId: string;
      /** What the peer has said of its subscription; `null` when nothing. */
      metaData: Record<string, unknown> | null;
    }[];
  }[];
};

// ── Codecs ──

/** An encoder and the decoder that belongs to it. Every peer must use the same codec for the same collection. */
export interface HamokCodec<T, R> extends HamokEncoder<T, R>, HamokDecoder<T, R> {}

/** Turns data into what is stored and sent. */
export interface HamokEncoder<T, R> {
  /** Encodes; equal data must give equal results when the codec is used for keys. May throw: the caller gets the error. */
  encode(data: T): R;
}

/** Turns what was stored or sent into data. */
export interface HamokDecoder<T, R> {
  /** Decodes what `encode` gave, on any peer. Bytes are a view of a larger buffer: copy them if you keep them as they are. */
  decode(data: R): T;
}

/** Makes a codec of two functions. */
export declare function createHamokCodec<T, R>(encode: (data: T) => R, decode: (data: R) => T): HamokCodec<T, R>;

/**
 * The default codec of all collections: JSON in UTF-8 bytes. Any text survives, lone surrogates too, since JSON escapes
 * them. `encode` throws a `TypeError` (`INVALID_ARGUMENT`) for what has no JSON form (`undefined`, functions, symbols),
 * and what `JSON.stringify` throws (cycles, bigints); `decode` throws a `SyntaxError` for what is not JSON.
 */
export declare function createHamokJsonBinaryCodec<T>(): HamokCodec<T, Uint8Array>;

/** JSON as text. Throws as `createHamokJsonBinaryCodec` does. */
export declare function createHamokJsonStringCodec<T>(): HamokCodec<T, string>;

/** Text as UTF-8 bytes. Lone surrogates become U+FFFD. */
export declare function createStrToUint8ArrayCodec(): HamokCodec<string, Uint8Array>;

// ── Messages ──

/**
 * A message of the grid. Every field is an own enumerable property: `undefined` when unset, an empty array when
 * repeated. `toBinary()` encodes what the fields say at the moment of the call, so fields may be edited freely.
 */
export declare class HamokMessage extends Message<HamokMessage> {
  /** What part of the system the message belongs to. */
  protocol?: HamokMessage_MessageProtocol;
  /** What the message says. */
  type?: HamokMessage_MessageType;
  /** Id of the peer that made the message. */
  sourceId?: string;
  /** Id of the peer that the message is for; unset: for every peer (broadcast). */
  destinationId?: string;
  /** Id of the collection that the message is about. */
  storageId?: string;
  /** Id of the request that the message makes or answers. */
  requestId?: string;
  /** Time in milliseconds since 1970, unsigned 64 bits. */
  timestamp?: bigint;
  /** Number of entries of the collection. */
  storageSize?: number;
  /** Encoded keys. */
  keys: Uint8Array[];
  /** Encoded values, in the order of `keys`. */
  values: Uint8Array[];
  /** Ids of the peers that the source hears. */
  activeEndpointIds: string[];
  /** Messages within the message. */
  embeddedMessages: HamokMessage[];
  /** Whether the request succeeded. */
  success?: boolean;
  /** Whether the request is to be executed synchronously. */
  executeSync?: boolean;
  /** Id of the peer that leads. */
  raftLeaderId?: string;
  /** Number of log entries. */
  raftNumberOfLogs?: number;
  /** Index of the last log entry that was applied. */
  raftLastAppliedIndex?: number;
  /** Index of the last log entry that was committed. */
  raftCommitIndex?: number;
  /** Index of the leader's next log entry. */
  raftLeaderNextIndex?: number;
  /** Term of the log entry before those that are sent. */
  raftPrevLogTerm?: number;
  /** Index of the log entry before those that are sent. */
  raftPrevLogIndex?: number;
  /** Term of the sender. */
  raftTerm?: number;
  /** Index of the log entry that the peer expects next. */
  raftPeerNextIndex?: number;
  /** Id of the peer that asks for votes. */
  raftCandidateId?: string;
  /** Position of this message in a chain of messages. */
  sequence?: number;
  /** Whether this message ends its chain. */
  lastMessage?: boolean;
  /** Encoded value that the key had before. */
  prevValue?: Uint8Array;
  /** Payload of an envelope, or the encoded state of a collection. */
  snapshot?: Uint8Array;

  /**
   * Makes a message.
   * @param data fields to set; `undefined` and `null` leave a field unset. Arrays of bytes become `Uint8Array`s, plain
   * objects in `embeddedMessages` become messages; everything else is taken as it is, without a copy.
   */
  constructor(data?: PartialMessage<HamokMessage>);

  /** The protobuf runtime that the class works with. */
  static readonly runtime: typeof proto2;
  /** Full protobuf name of the message. */
  static readonly typeName = 'io.github.hamok.dev.schema.HamokMessage';
  /** Descriptions of the fields, for reflection. */
  static readonly fields: FieldList;

  /**
   * Decodes a message. Fields of type bytes are views of `bytes`, not copies: do not reuse that memory while the
   * message is in use.
   *
   * @throws RangeError when the bytes end within a field; Error when they are no protobuf of this schema.
   */
  static fromBinary(bytes: Uint8Array, options?: Partial<BinaryReadOptions>): HamokMessage;

  /** Makes a message of what `toJson()` gives. @throws Error when a field is unknown or has a wrong type. */
  static fromJson(jsonValue: JsonValue, options?: Partial<JsonReadOptions>): HamokMessage;

  /** Makes a message of what `toJsonString()` gives. @throws Error as `fromJson()`, or when the text is not JSON. */
  static fromJsonString(jsonString: string, options?: Partial<JsonReadOptions>): HamokMessage;

  /** Whether all fields of two messages are equal. */
  static equals(
    a: HamokMessage | PlainMessage<HamokMessage> | undefined,
    b: HamokMessage | PlainMessage<HamokMessage> | undefined,
  ): boolean;

  /** The message as protobuf, in a `Uint8Array` with a buffer of its own. @throws Error when a field has a wrong type. */
  toBinary(options?: Partial<BinaryWriteOptions>): Uint8Array;
}

/** What part of the system a message belongs to. */
export declare enum HamokMessage_MessageProtocol {
  /** Between the peers of a grid. */
  GRID_COMMUNICATION_PROTOCOL = 1,
  /** About the ordering engine: an entry of its own in the log. */
  RAFT_COMMUNICATION_PROTOCOL = 2,
  /** About a collection: what `commit` events carry. */
  STORAGE_COMMUNICATION_PROTOCOL = 3,
}

/**
 * What a message says. This version sends `HELLO_NOTIFICATION`s only, and shows the `CLEAR_`, `DELETE_`, `REMOVE_`, `INSERT_`
 * and `UPDATE_ENTRIES_REQUEST`s of collections in `commit` events and in the log. The others are free for what an
 * application submits.
 */
export declare enum HamokMessage_MessageType {
  /** What one peer sends to others; the payload is in `snapshot`. */
  HELLO_NOTIFICATION = 1,
  /** Tells which peers the sender hears. */
  ENDPOINT_STATES_NOTIFICATION = 2,
  /** Tells that requests are still under way. */
  ONGOING_REQUESTS_NOTIFICATION = 3,
  /** Tells that a peer wants to join. */
  JOIN_NOTIFICATION = 4,
  /** Asks for a vote. */
  RAFT_VOTE_REQUEST = 12,
  /** Answers a request for a vote. */
  RAFT_VOTE_RESPONSE = 13,
  /** Carries a part of the entries that the leader appends. */
  RAFT_APPEND_ENTRIES_REQUEST_CHUNK = 16,
  /** Answers the leader that appends entries. */
  RAFT_APPEND_ENTRIES_RESPONSE = 17,
  /** Asks the leader to order a message. */
  SUBMIT_MESSAGE_REQUEST = 20,
  /** Answers a request to order a message. */
  SUBMIT_MESSAGE_RESPONSE = 21,
  /** Deletes all entries: `clear`. */
  CLEAR_ENTRIES_REQUEST = 24,
  /** Answers that all entries were deleted. */
  CLEAR_ENTRIES_RESPONSE = 25,
  /** Has all entries deleted, without an answer. */
  CLEAR_ENTRIES_NOTIFICATION = 26,
  /** Asks for the entries of `keys`. */
  GET_ENTRIES_REQUEST = 28,
  /** Gives entries. */
  GET_ENTRIES_RESPONSE = 29,
  /** Asks for the number of entries. */
  GET_SIZE_REQUEST = 32,
  /** Gives the number of entries. */
  GET_SIZE_RESPONSE = 33,
  /** Asks for the keys. */
  GET_KEYS_REQUEST = 36,
  /** Gives the keys. */
  GET_KEYS_RESPONSE = 37,
  /** Deletes the entries of `keys`: `delete` and `deleteAll` of a remote map. */
  DELETE_ENTRIES_REQUEST = 40,
  /** Answers which keys existed. */
  DELETE_ENTRIES_RESPONSE = 41,
  /** Has entries deleted, without an answer. */
  DELETE_ENTRIES_NOTIFICATION = 42,
  /** Deletes the entries of `keys`, by any other call; without `keys`: a `pop`. */
  REMOVE_ENTRIES_REQUEST = 44,
  /** Answers which entries were deleted. */
  REMOVE_ENTRIES_RESPONSE = 45,
  /** Has entries deleted, without an answer. */
  REMOVE_ENTRIES_NOTIFICATION = 46,
  /** Tells which entries were deleted. */
  ENTRIES_REMOVED_NOTIFICATION = 47,
  /** Sets those entries whose keys do not exist; without `keys`: a `push`. */
  INSERT_ENTRIES_REQUEST = 52,
  /** Answers which entries existed. */
  INSERT_ENTRIES_RESPONSE = 53,
  /** Has entries inserted, without an answer. */
  INSERT_ENTRIES_NOTIFICATION = 54,
  /** Tells which entries were inserted. */
  ENTRIES_INSERTED_NOTIFICATION = 55,
  /** Sets entries, or those that are as expected: `set`, `setAll`, `updateIf` and their like. */
  UPDATE_ENTRIES_REQUEST = 56,
  /** Answers which entries existed. */
  UPDATE_ENTRIES_RESPONSE = 57,
  /** Has entries set, without an answer. */
  UPDATE_ENTRIES_NOTIFICATION = 58,
  /** Tells which entry was set. */
  ENTRY_UPDATED_NOTIFICATION = 59,
  /** Tells how far a collection has applied the log. */
  STORAGE_APPLIED_COMMIT_NOTIFICATION = 60,
  /** Asks for the state of a collection. */
  STORAGE_HELLO_NOTIFICATION = 61,
  /** Gives the state of a collection. */
  STORAGE_STATE_NOTIFICATION = 62,
}

// ── The ordering engine and its log ──

/** `hamok.raft`: a live view, read-only. */
declare class RaftView {
  /** The engine's settings, with defaults filled in. */
  readonly config: Readonly<RaftConfig>;
  /** This peer's role. */
  readonly state: RaftState;
  /** The engine's figures. */
  readonly props: {
    /** Number of the election period; 0 before the first. */
    readonly currentTerm: number;
  };
  /** This peer's copy of the replicated log: the object given as `raftLogs`, or one made from the defaults. */
  readonly logs: MemoryStoredRaftLogs;

  /** Made with its peer. */
  private constructor();

  /** This peer's id. */
  get localPeerId(): string;

  /** The id of the peer that leads; undefined when none does. */
  get leaderId(): string | undefined;

  /** The ids of the other peers in the grid. */
  get remotePeers(): ReadonlySet<string>;
}

/** A peer's role in its grid. */
export interface RaftState {
  /** Its name. */
  readonly stateName: RaftStateName;
}

/** Name of a peer's role in its grid. */
export type RaftStateName = HamokState;

/**
 * A peer's copy of the log, live and read-only. Indexes begin at 0. Entries are dropped from the front when they are old
 * or many; peers that still need them get a snapshot instead.
 */
export interface RaftLogs extends Iterable<LogEntry> {
  /** Index of the last entry that is known to be committed; -1 when there is none. */
  readonly commitIndex: number;
  /** Index that the next entry will have. */
  readonly nextIndex: number;
  /** Index of the oldest entry that is still kept; `nextIndex` when none is. */
  readonly firstIndex: number;
  /** Number of entries that are kept. */
  readonly size: number;
  /** Bytes of the keys and values in the entries that are kept. */
  readonly bytesInMemory: number;

  /** The entry of this index; undefined when it is not there yet, or no longer. */
  get(index: number): LogEntry | undefined;

  /**
   * The entries from `start` up to `end`, which is not included. What is not there yet, or no longer, is left out.
   * @param end default: `nextIndex`
   */
  collectEntries(start: number, end?: number): LogEntry[];

  /** The entries after `commitIndex`, as they are when the iteration begins. */
  [Symbol.iterator](): IterableIterator<LogEntry>;

  /** Calls the listener at every such event from now on. */
  on<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;

  /** Calls the listener at the next such event only. */
  once<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;

  /** Calls the listener no more. */
  off<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;
}

/** The events of a log and the arguments of their listeners. */
export type RaftLogsEventMap = {
  /** An operation is committed and applied here; right before `commit` of `Hamok`, with the same arguments. */
  committed: [commitIndex: number, message: HamokMessage];
  /** An entry was dropped, after it had been applied here. `message`: see `LogEntry.entry`. */
  removed: [commitIndex: number, message: HamokMessage];
};

/** An entry of the replicated log, as a copy: changing it changes nothing in the log. */
export type LogEntry = {
  /** Position in the log, from 0. */
  index: number;
  /** The leader's term in which it was appended. */
  term: number;
  /**
   * What the entry holds. Operations that were called in one turn of JavaScript share an entry, so there are three cases:
   *
   * - one operation: the message that `commit` listeners get for it; what was given to `submit()` is that message itself;
   * - several operations: a message of protocol `STORAGE_COMMUNICATION_PROTOCOL` whose `embeddedMessages` are those of the
   *   operations, in order;
   * - an entry of the engine's own: a message of protocol `RAFT_COMMUNICATION_PROTOCOL` with nothing else in it.
   */
  entry: HamokMessage;
  /** When this peer stored it, in milliseconds since 1970. */
  timestamp: number;
};

/**
 * A peer's copy of the replicated log: a live, read-only view of what the engine keeps in memory. Without the option
 * `raftLogs` a `Hamok` makes its own. Empty until it is given to a `Hamok`; one object for each `Hamok`. After `close()`
 * its figures stay as they were last, its entries are gone, and its listeners are removed.
 */
export declare class MemoryStoredRaftLogs extends TypedEmitter<MemoryStoredRaftLogsEventMap> implements RaftLogs {
  /** The options. */
  readonly config: Readonly<MemoryStoredRaftLogsConfig>;

  /**
   * Makes a log that is empty until it is given to a `Hamok`.
   * @param _logEntries accepted for old code, without effect
   * @throws HamokError `INVALID_CONFIG`, whose text names the option
   */
  constructor(config: MemoryStoredRaftLogsConfig, _logEntries?: Map<number, LogEntry>);

  /** Index of the last entry that is known to be committed; -1 when there is none. */
  get commitIndex(): number;

  /** Index that the next entry will have. */
  get nextIndex(): number;

  /** Index of the oldest entry that is still kept; `nextIndex` when none is. */
  get firstIndex(): number;

  /** Number of entries that are kept. */
  get size(): number;

  /** Bytes of the keys and values in the entries that are kept. */
  get bytesInMemory(): number;

  /** The entry of this index; undefined when it is not there yet, or no longer. */
  get(index: number): LogEntry | undefined;

  /**
   * The entries from `start` up to `end`, which is not included. What is not there yet, or no longer, is left out.
   * @param end default: `nextIndex`
   */
  collectEntries(start: number, end?: number): LogEntry[];

  /** The entries after `commitIndex`, as they are when the iteration begins. */
  [Symbol.iterator](): IterableIterator<LogEntry>;
}

/** The options of a `MemoryStoredRaftLogs`; both are required. */
export type MemoryStoredRaftLogsConfig = {
  /**
   * Entries older than this may be dropped, in milliseconds; 0: never because of their age. It takes the place of the
   * option `logEntriesExpirationTimeInMs`.
   */
  expirationTimeInMs: number;
  /** `highWaterMark` is emitted when `bytesInMemory` rises above it; 0: never. */
  memorySizeHighWaterMark: number;
};

/**
 * The events of a `MemoryStoredRaftLogs` and the arguments of their listeners. A listener that throws stops nothing: its
 * error is thrown again on the next tick.
 */
export type MemoryStoredRaftLogsEventMap = RaftLogsEventMap & {
  /** An entry was dropped because of its age; right before `removed` for it, with the same arguments. */
  expired: [commitIndex: number, message: HamokMessage];
  /**
   * `bytesInMemory` has risen above `memorySizeHighWaterMark`: once each time, not again before it has been below.
   * Looked at before each `heartbeat` of `Hamok`, while somebody listens.
   */
  highWaterMark: [bytesInMemory: number];
};

// ── Errors and logging ──

/** An error of this package. `code` is stable between versions; the text is not. */
export declare class HamokError extends Error {
  /** What went wrong, for programs to decide on. */
  readonly code: HamokErrorCode;

  /** Makes an error. @param options `cause`: the error behind this one */
  constructor(code: HamokErrorCode, message: string, options?: { cause?: unknown });
}

/** What went wrong, for programs to decide on. */
export type HamokErrorCode =
  /**
   * Nothing answered within `requestTimeoutInMs`. The operation may still take effect. Read the state before you repeat
   * what must not happen twice, or allow more time.
   */
  | 'TIMEOUT'
  /** The collection or the instance was closed before or while the operation ran. Create it again. */
  | 'CLOSED'
  /**
   * There was a leader and there is none now. The operation may have been sent before, and may still take effect. Wait
   * for `joined`, and read the state before you repeat what must not happen twice.
   */
  | 'NO_LEADER'
  /**
   * As `NO_LEADER`, and there can be none: fewer than a majority of the grid's peers can be reached. Bring them back, or
   * start others in their place; under `quorumLoss: 'wait'`, `forceReform()` goes on without them. The operation may still
   * take effect. Wait for `joined`, and read the state before you repeat what must not happen twice.
   */
  | 'NO_QUORUM'
  /**
   * The grid no longer knows this peer's request, so that it may or may not have been applied; it will not be later.
   * Read the state and decide.
   */
  | 'OUTCOME_UNKNOWN'
  /** Another kind of collection exists under this id, here or on another peer. Use another id. */
  | 'KIND_MISMATCH'
  /** One write or event is larger than `maxCommandBytes`. Nothing was changed or sent; split it. */
  | 'COMMAND_TOO_LARGE'
  /**
   * As many operations of a remote map wait for their execution as its `maxPendingOperations` allows. Nothing was changed
   * or sent; wait, and try again.
   */
  | 'TOO_MANY_PENDING'
  /** A live peer of the grid has this peer id. Join under another, or stop that peer. */
  | 'PEER_ID_IN_USE'
  /**
   * An `error` event of the leader: operations of a remote map wait, and no peer that may lead has created the map.
   * Create it on every peer that may become the leader.
   */
  | 'NO_EXECUTOR'
  /** Bytes that came from another peer or from the application are no message. Check what the transport delivers. */
  | 'INVALID_MESSAGE'
  /** An argument of a call has a wrong type or value. Nothing was changed; a defect of the calling program. */
  | 'INVALID_ARGUMENT'
  /** A setting has a wrong type or value. Nothing was created; the text names the setting. */
  | 'INVALID_CONFIG'
  /**
   * A callback of a remote map threw or rejected on the peer that leads. The text is the callback's. What the store did
   * before it failed stands.
   */
  | 'CALLBACK_FAILED'
  /**
   * A callback of a remote map did not settle in time and the map went on without it. A store without fences may still be
   * changed by it; look why it hangs.
   */
  | 'ABANDONED'
  /** What a store of `hamok/stores` holds cannot be read: it is no hash, or a codec throws. Look who else writes there. */
  | 'UNREADABLE_VALUE'
  /**
   * An `error` event of the leader: the store of a remote map has refused it, because another grid, or a later leader, has
   * written. Nothing more is executed here. If this grid is the one that shall write, call `acquire()` of the map.
   */
  | 'STALE_EPOCH'
  /** A defect of this package. The instance may have closed itself; please report the text. */
  | 'INTERNAL'
  /** There is no native library for this operating system, processor and C library. */
  | 'UNSUPPORTED_PLATFORM'
  /** There is a native library for this machine, but it cannot be loaded; `cause` says why. */
  | 'NATIVE_LOAD_FAILED';

/**
 * Sends the lines of every logger of this package to a pino transport as well. It runs in a worker thread of its own and
 * does not keep the process alive. `options.level` (default: everything) leaves out the lines below it, on top of what
 * `setHamokLogLevel` leaves out. A `pino-pretty` or `pino/file` that itself writes to standard output takes the place of
 * the plain lines there. A transport that fails is dropped, and a line says so.
 *
 * @throws Error when `options.target` cannot be found
 * @throws TypeError with the code `INVALID_ARGUMENT` when there is no level `options.level`
 */
export declare function addHamokLogTransport(options: HamokLogTransport): void;

/** How much is logged, from nothing to everything. */
export type HamokLogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Where lines go, as pino's `TransportTargetOptions`. Declared here, so that users need not compile pino's types. */
export interface HamokLogTransport {
  /** A module that makes a pino transport, such as `pino/file`, or the absolute path of one. */
  target: string;
  /** What that module takes. */
  options?: Record<string, any>;
  /** Lines below this level are left out. Default: none. */
  level?: string;
}

/**
 * Sets how much every logger of this package writes; `warn` until then.
 * @throws TypeError with the code `INVALID_ARGUMENT` when there is no such level
 */
export declare function setHamokLogLevel(level: HamokLogLevel): void;

// Classes of which users have the type only.
export type { Collection, EntryCollection, HamokEmitterSubscriptions, RaftView, TypedEmitter };
