/** The peer as users have it: everything of the package begins here. */
import { type CollectionConfig, requestLimits } from './collections/CollectionConfig';
import { HamokEmitter, type HamokEmitterBuilderConfig, type HamokEmitterEventMap } from './collections/HamokEmitter';
import { HamokMap, type HamokMapBuilderConfig } from './collections/HamokMap';
import { HamokQueue, type HamokQueueBuilderConfig } from './collections/HamokQueue';
import { HamokRecord, type HamokRecordBuilderConfig, type HamokRecordObject } from './collections/HamokRecord';
import { HamokRemoteMap, type HamokRemoteMapBuilderConfig } from './collections/HamokRemoteMap';
import { hamokError, invalidArgument } from './common/errors';
import { createLogger } from './common/logger';
import { type HamokConfig, type HamokObjectConfig, resolveConfig } from './HamokConfig';
import type { HamokEventMap, HamokState } from './HamokEventMap';
import type { HamokGrid } from './HamokGrid';
import type { HamokMessage } from './messages/HamokMessage';
import type { CollectionPort } from './node/CollectionPort';
import type { AnyCollection } from './node/Collections';
import { guardedEmit, throwLater, toError } from './node/guardedEmit';
import { incoming } from './node/incoming';
import type { HamokFetchRemotePeersResponse, HamokJoinProcessParams } from './node/JoinProcess';
import { PeerCore } from './node/PeerCore';
import { CollectionKind, kindNames } from './node/protocol';
import { TypedEmitter } from './node/TypedEmitter';
import { nonEmptyString, object } from './node/validation';
import type { RaftView } from './raft/RaftView';

export type {
  HamokConfig,
  HamokEmitterBuilderConfig,
  HamokEventMap,
  HamokFetchRemotePeersResponse,
  HamokJoinProcessParams,
  HamokMapBuilderConfig,
  HamokObjectConfig,
  HamokQueueBuilderConfig,
  HamokRecordBuilderConfig,
  HamokRemoteMapBuilderConfig,
};

const logger = createLogger('Hamok');

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
export class Hamok<
  AppData extends Record<string, unknown> = Record<string, unknown>,
> extends TypedEmitter<HamokEventMap> {
  /** What was configured for the application's use. */
  readonly config: Readonly<HamokObjectConfig<AppData>>;

  readonly #core: PeerCore;

  /**
   * Makes a peer, which does nothing before `join()`.
   * @throws HamokError `INVALID_CONFIG`, whose text names the option; `UNSUPPORTED_PLATFORM` when there is no native
   *   library for this platform, `NATIVE_LOAD_FAILED` when it cannot be loaded
   */
  constructor(config?: Partial<HamokConfig<AppData>>) {
    super();

    const resolved = resolveConfig(config);

    this.config = resolved.object;
    this.#core = new PeerCore(resolved, {
      emit: (event, ...args) => this.#dispatch(event, args),
      report: (error) => this.#report(error),
      wantsCommits: () => this.listenerCount('commit') > 0,
      stopped: () => this.close(),
    });
  }

  /** A live view of the ordering engine. */
  get raft(): RaftView {
    return this.#core.raft;
  }

  /** A live view of what this peer knows of its grid. */
  get grid(): HamokGrid {
    return this.#core.grid;
  }

  /** The open collections of this peer by their ids; live. To be read only. */
  get storages(): Map<string, AnyCollection> {
    return this.#core.collections.storages;
  }

  /** The application's own object. */
  get appData(): AppData {
    return this.config.appData;
  }

  /** This peer's id. */
  get localPeerId(): string {
    return this.#core.membership.localPeerId;
  }

  /** The ids of the other peers in the grid; live. */
  get remotePeerIds(): ReadonlySet<string> {
    return this.#core.membership.remotePeers;
  }

  /** Whether this peer leads. Not while it leaves: others may lead then. */
  get leader(): boolean {
    return this.state === 'leader' && !this.#core.lifecycle.leaving;
  }

  /**
   * Resolves when this peer belongs to a grid with a leader, at once when it does. Begins nothing: that is `join()`.
   * Rejects with `CLOSED` when this peer is closed before.
   */
  get ready(): Promise<this> {
    const ready = this.#core.lifecycle.whenJoined.then(() => this);

    // Whoever does not wait for it needs no rejection; whoever does gets it from the promise itself.
    ready.catch(() => {});

    return ready;
  }

  /** This peer's role; `'empty'` before `join()` and after `leave()`. */
  get state(): HamokState {
    return this.#core.membership.state;
  }

  /** Whether this peer runs: from `join()` until it has left. */
  get run(): boolean {
    return this.#core.lifecycle.running;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#core.lifecycle.closed;
  }

  /** As `remotePeerIds`, to be iterated once. */
  get activeRemoteHeartbeats(): IterableIterator<string> {
    return this.remotePeerIds.values();
  }

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
  } {
    const core = this.#core;

    return {
      numberOfPendingRequests: core.requests.size,
      numberOfOngoingRequests: core.ongoingOperations(),
      numberOfPendingResponses: core.collections.ports().reduce((sum, port) => sum + port.executing, 0),
      numberOfRemotePeers: core.membership.remotePeers.size,
      raftLogsBytesInMemory: core.raft.logs.bytesInMemory,
    };
  }

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
  join(params?: HamokJoinProcessParams): Promise<void> {
    if (this.closed) return Promise.reject(hamokError('CLOSED', 'Cannot execute join on a closed hamok'));

    return this.#core.lifecycle.join(params);
  }

  /**
   * Leaves the grid, which takes `electionTimeoutInMs` at most. Collections stay open, and are brought up to date by the
   * next `join()`. Resolves at once, without `left`, when this peer does not run; aborts a `join()` that is under way.
   * Rejects with `CLOSED` on a closed peer.
   *
   * Events: `leader-changed`, `state-changed`, `remote-peer-left` for each peer, `left`; then the promise.
   */
  leave(): Promise<void> {
    if (this.closed) return Promise.reject(hamokError('CLOSED', 'Cannot leave the network on a closed hamok'));

    return this.#core.lifecycle.leave();
  }

  /**
   * Ends this peer at once, for good. The other peers are told so by messages that go out within this call. Pending
   * operations reject with `Connection is closed`. A second call does nothing.
   *
   * Events, all within this call: `leader-changed`, `state-changed`, `remote-peer-left` for each peer; for each collection
   * its connection's `close` and its own; `close`. Then all listeners are removed.
   */
  close(): void {
    if (this.closed) return;
    this.#core.close();
    this.#dispatch('close', []);
    this.removeAllListeners();
  }

  /**
   * Hands in a message that came for this peer. What is addressed to another peer, what this peer has sent itself, and
   * everything before `join()` or after the end is ignored. What is no message becomes an `error` event
   * (`INVALID_MESSAGE`). Never throws.
   * @param _commitIndex accepted for old code, without effect
   */
  accept(message: HamokMessage, _commitIndex?: number): void {
    if (!this.run) return;
    try {
      const accepted = incoming(message, this.localPeerId);
      if (accepted) this.#core.native.accept(accepted.sourceId, accepted.payload);
    } catch (error) {
      this.#report(toError(error));
    }
  }

  /**
   * Orders a message of the application's: every peer gets it with its `commit` event, in the same order. Resolves after
   * this peer's listeners have been called. Waits until this peer has joined; from then on it rejects after 5 s with
   * `TIMEOUT`, `NO_LEADER` or `NO_QUORUM`, and also with `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`, and with
   * `INVALID_ARGUMENT` when it is given no message.
   */
  submit(entry: HamokMessage): Promise<void> {
    if (this.closed) return Promise.reject(hamokError('CLOSED', 'Cannot submit on a closed Hamok instance'));
    try {
      return this.#core.gridRequests.submit(entry.toBinary());
    } catch (error) {
      return Promise.reject(invalidArgument(`What is submitted must be a HamokMessage: ${toError(error).message}`));
    }
  }

  /**
   * Tells that a peer exists: emits `remote-peer-joined`. Not needed: peers find one another by their messages.
   * @throws HamokError `CLOSED`
   */
  addRemotePeerId(remoteEndpointId: string): void {
    this.#assertOpen('add remote peer to');
    this.#core.membership.addPeer(remoteEndpointId);
  }

  /** Tells that a peer is gone: emits `remote-peer-left`. The leader removes it from the grid, unless it is heard again. */
  removeRemotePeerId(remoteEndpointId: string): void {
    if (this.closed) return;
    this.#core.membership.removePeer(remoteEndpointId);
    this.#core.native.forget(remoteEndpointId);
  }

  /**
   * Resolves when everything that is committed at the time of the call is applied on this peer: a read after it sees all
   * writes that were acknowledged, to anybody, before it. Rejects after 5 s with `TIMEOUT`, `NO_LEADER` or `NO_QUORUM`;
   * with `CLOSED`.
   */
  waitUntilCommitHead(): Promise<void> {
    if (this.closed) {
      return Promise.reject(hamokError('CLOSED', 'Cannot wait until commit head on a closed Hamok instance'));
    }

    return this.#core.gridRequests.commitHead();
  }

  /**
   * Resolves when some peer leads, at once when one does. Rejects with `CLOSED`.
   * @param timeoutInMs after which it rejects with `TIMEOUT`; default: never
   */
  waitUntilLeader(timeoutInMs?: number): Promise<void> {
    if (this.closed) return Promise.reject(hamokError('CLOSED', 'Cannot wait until leader on a closed Hamok instance'));

    return this.#core.gridRequests.leader(timeoutInMs);
  }

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
  forceReform(): void {
    this.#assertOpen('force a reform on');
    this.#core.forceReform();
  }

  /** Does nothing: peers find one another by themselves. Kept for old code. */
  broadcastEndpointNotification(): void {}

  /**
   * Creates a map, usable at once: operations wait in order until this peer has joined.
   * @throws HamokError `INVALID_CONFIG`; `INVALID_ARGUMENT` when the id is taken; `KIND_MISMATCH` when another kind of
   *   collection has it; `CLOSED`
   */
  createMap<K, V>(options: HamokMapBuilderConfig<K, V>): HamokMap<K, V> {
    return this.#create(CollectionKind.MAP, 'mapId', options, (port) => new HamokMap(port, options));
  }

  /**
   * The map of this id, if it exists on this peer: then the other options are not looked at. Otherwise as `createMap`.
   * @param callback called within this call, with `true`, if it existed
   * @throws HamokError as `createMap`, but not because a map has this id
   */
  getOrCreateMap<K, V>(
    options: HamokMapBuilderConfig<K, V>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokMap<K, V> {
    return this.#existing(CollectionKind.MAP, 'mapId', options, callback) ?? this.createMap(options);
  }

  /** Creates a remote map, as `createMap` creates a map. */
  createRemoteMap<K, V>(options: HamokRemoteMapBuilderConfig<K, V>): HamokRemoteMap<K, V> {
    return this.#create(CollectionKind.REMOTE_MAP, 'mapId', options, (port) => new HamokRemoteMap(port, options));
  }

  /** As `getOrCreateMap`, for remote maps. */
  getOrCreateRemoteMap<K, V>(
    options: HamokRemoteMapBuilderConfig<K, V>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokRemoteMap<K, V> {
    return this.#existing(CollectionKind.REMOTE_MAP, 'mapId', options, callback) ?? this.createRemoteMap(options);
  }

  /** Creates a record, as `createMap` creates a map. */
  createRecord<T extends HamokRecordObject<T> = HamokRecordObject>(
    options: HamokRecordBuilderConfig<T>,
  ): HamokRecord<T> {
    return this.#create(CollectionKind.RECORD, 'recordId', options, (port) => new HamokRecord(port, options));
  }

  /** As `getOrCreateMap`, for records. */
  getOrCreateRecord<T extends HamokRecordObject<T> = HamokRecordObject>(
    options: HamokRecordBuilderConfig<T>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokRecord<T> {
    return this.#existing(CollectionKind.RECORD, 'recordId', options, callback) ?? this.createRecord(options);
  }

  /** Creates a queue, as `createMap` creates a map. */
  createQueue<T>(options: HamokQueueBuilderConfig<T>): HamokQueue<T> {
    return this.#create(CollectionKind.QUEUE, 'queueId', options, (port) => new HamokQueue(port, options));
  }

  /** As `getOrCreateMap`, for queues. */
  getOrCreateQueue<T>(
    options: HamokQueueBuilderConfig<T>,
    callback?: (alreadyExisted: boolean) => void,
  ): HamokQueue<T> {
    return this.#existing(CollectionKind.QUEUE, 'queueId', options, callback) ?? this.createQueue(options);
  }

  /** Creates an emitter, as `createMap` creates a map. */
  createEmitter<T extends HamokEmitterEventMap<T> = HamokEmitterEventMap, M extends object = Record<string, unknown>>(
    options: HamokEmitterBuilderConfig<T>,
  ): HamokEmitter<T, M> {
    return this.#create(CollectionKind.EMITTER, 'emitterId', options, (port) => new HamokEmitter<T, M>(port, options));
  }

  /** As `getOrCreateMap`, for emitters. */
  getOrCreateEmitter<
    T extends HamokEmitterEventMap<T> = HamokEmitterEventMap,
    M extends object = Record<string, unknown>,
  >(options: HamokEmitterBuilderConfig<T>, callback?: (alreadyExisted: boolean) => void): HamokEmitter<T, M> {
    return this.#existing(CollectionKind.EMITTER, 'emitterId', options, callback) ?? this.createEmitter<T, M>(options);
  }

  /** @internal `once` and `prependOnceListener` of Node.js come through these. */
  override on<E extends keyof HamokEventMap>(event: E, listener: (...args: HamokEventMap[E]) => void): this {
    this.#listening(event);

    return super.on(event, listener);
  }

  /** @internal */
  override addListener<E extends keyof HamokEventMap>(event: E, listener: (...args: HamokEventMap[E]) => void): this {
    this.#listening(event);

    return super.addListener(event, listener);
  }

  /** @internal */
  override prependListener<E extends keyof HamokEventMap>(
    event: E,
    listener: (...args: HamokEventMap[E]) => void,
  ): this {
    this.#listening(event);

    return super.prependListener(event, listener);
  }

  /** Commits are told only if somebody listens. */
  #listening(event: keyof HamokEventMap): void {
    if (event === 'commit') this.#core.watchCommits();
  }

  #create<C extends AnyCollection, I extends string>(
    kind: CollectionKind,
    idOption: I,
    options: CollectionConfig & Readonly<Record<I, string>>,
    build: (port: CollectionPort) => C,
  ): C {
    this.#assertOpen(`create ${kindNames[kind]} on`);

    const id = nonEmptyString(idOption, object('options', options)[idOption]);

    return this.#core.collections.create(kind, id, requestLimits(options), build);
  }

  #existing<C extends AnyCollection, I extends string>(
    kind: CollectionKind,
    idOption: I,
    options: Readonly<Record<I, string>>,
    callback: ((alreadyExisted: boolean) => void) | undefined,
  ): C | undefined {
    this.#assertOpen(`create ${kindNames[kind]} on`);

    const id = nonEmptyString(idOption, object('options', options)[idOption]);
    const collection = this.#core.collections.get<C>(kind, id);

    if (collection) callback?.(true);

    return collection;
  }

  #assertOpen(action: string): void {
    if (this.closed) throw hamokError('CLOSED', `Cannot ${action} a closed Hamok instance`);
  }

  #dispatch<E extends keyof HamokEventMap>(event: E, args: HamokEventMap[E]): void {
    guardedEmit(this, event, args, event === 'message' ? (error) => this.#report(toError(error)) : throwLater);
  }

  #report(error: Error): void {
    if (this.listenerCount('error') > 0) this.#dispatch('error', [error]);
    else logger.error(error);
  }
}
