/** The shared emitter: who subscribes to what is replicated, and events go directly from peer to peer. */
import { assertWellFormed } from '../common/arguments';
import { hamokError, invalidArgument } from '../common/errors';
import type { HamokEmitterSnapshot } from '../HamokSnapshot';
import type { CollectionPort, Send } from '../node/CollectionPort';
import type { Outcome } from '../node/Outcome';
import type { Delivery } from '../node/RecordSink';
import { boolean } from '../node/validation';
import type { CollectionConfig } from './CollectionConfig';
import { rejected } from './EntryCollection';
import { EmitterCodec, type PayloadCodec } from './emitter/EmitterCodec';
import { readSnapshot, writeSnapshot } from './emitter/emitterSnapshot';
import { HamokEmitterSubscriptions, tellSubscriptionChange } from './emitter/HamokEmitterSubscriptions';
import { type AnyListener, LocalListeners } from './emitter/LocalListeners';
import { OwnSubscriptions } from './emitter/OwnSubscriptions';
import { SubscriptionCleaner } from './emitter/SubscriptionCleaner';
import { encodeMetaData } from './emitter/SubscriptionCodec';
import { SubscriptionMirror } from './emitter/SubscriptionMirror';
import { type SubscriptionChange, SubscriptionTable } from './emitter/SubscriptionTable';
import { assertImportable } from './entries/importing';
import type { HamokConnection } from './HamokConnection';

/** Event names and the arguments of their listeners, such as `{ joined: [userId: string] }`; an interface will do too. */
export type HamokEmitterEventMap<T = Record<string, unknown[]>> = { [E in keyof T]: unknown[] };

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

/** Figures of a `HamokEmitter`, on one peer. */
export type HamokEmitterStats = {
  /** Number of events that have subscribers. */
  numberOfSubscriptions: number;
  /** Number of events that other peers have sent to this one. */
  numberOfReceivedEventInvocations: number;
  /** Number of calls of `publish` and `notify` whose event went to another peer. */
  numberOfSentEventInvocations: number;
};

/** A `publish` under way. */
interface Publication {
  readonly event: string;
  readonly args: unknown[];
  readonly payload: Uint8Array;
  peerIds: readonly string[];
  /** Whether a listener of this peer was called. */
  received: boolean;
}

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
export class HamokEmitter<T extends HamokEmitterEventMap<T>, M extends object = Record<string, unknown>> {
  /** The link to the grid. */
  readonly connection: HamokConnection;
  /** Who subscribes to what. */
  readonly subscriptions: HamokEmitterSubscriptions<T, M>;
  /** The option of this name. */
  readonly payloadsCodec: HamokEmitterBuilderConfig<T>['payloadsCodec'];
  /** The option of this name. */
  readonly autoClean: boolean;

  readonly #port: CollectionPort;
  readonly #codec: EmitterCodec;
  readonly #listeners = new LocalListeners();
  readonly #table: SubscriptionTable<M>;
  readonly #own: OwnSubscriptions<M>;
  readonly #cleaner: SubscriptionCleaner;
  #received = 0;
  #sent = 0;

  /** Made by `hamok.createEmitter`. @throws HamokError `INVALID_CONFIG` @internal */
  constructor(port: CollectionPort, config: HamokEmitterBuilderConfig<T>) {
    this.connection = port.connection;
    this.payloadsCodec = config.payloadsCodec;
    this.autoClean = boolean('autoClean', config.autoClean ?? false);
    this.#port = port;
    this.#codec = new EmitterCodec(config.payloadsCodec as ReadonlyMap<PropertyKey, PayloadCodec> | undefined);
    this.#table = new SubscriptionTable(port.grid);
    this.subscriptions = new HamokEmitterSubscriptions(this.#table);

    const mirror = new SubscriptionMirror(port, this.#table, {
      set: (event, peerId, metaData) => {
        if (peerId === port.grid.localPeerId) this.#own.onSet(event, metaData);
      },
      changed: (changes) => this.#onChanged(changes),
    });

    this.#own = new OwnSubscriptions(port, this.#listeners, this.#table, mirror);
    this.#cleaner = new SubscriptionCleaner(port, this.#table);
    port.attach({
      ready: (revision, fill) => mirror.onReady(revision, fill),
      changes: (revision, changes) => mirror.onChanges(revision, changes),
      connected: () => {
        this.#own.checkAll();
        this.#cleanByItself();
      },
      leaderChanged: () => this.#cleanByItself(),
      peerLeft: () => {
        this.#table.forgetReceivers();
        this.#cleanByItself();
      },
      delivery: (delivery) => this.#onDelivery(delivery),
    });
  }

  /** The id that it was created with. */
  get id(): string {
    return this.#port.id;
  }

  /** Whether `close()` was called, on it or on its `Hamok`. */
  get closed(): boolean {
    return this.#port.closed;
  }

  /**
   * Resolves with the emitter when it can be used; operations need not wait for it, they are kept in order until then.
   * Rejects with `CLOSED` when it is closed before, with `KIND_MISMATCH` when another peer has another kind of collection
   * under this id.
   */
  get ready(): Promise<this> {
    const ready = this.#port.whenReady.then(() => this);

    // Whoever does not wait for it needs no rejection; whoever does gets it from the promise itself.
    ready.catch(() => {});

    return ready;
  }

  /** Whether no event has subscribers. */
  get empty(): boolean {
    return this.#table.size === 0;
  }

  /** Figures of the moment. */
  get stats(): HamokEmitterStats {
    return {
      numberOfSubscriptions: this.#table.size,
      numberOfReceivedEventInvocations: this.#received,
      numberOfSentEventInvocations: this.#sent,
    };
  }

  /**
   * Closes the emitter on this peer: its subscriptions are taken off the shared list, its listeners are dropped, pending
   * operations reject with `Connection is closed`, the connection emits `close`. A second call does nothing.
   */
  close(): void {
    if (this.closed) return;
    // Nobody waits for it. Before the emitter was ready, nothing of this peer's is on the list.
    if (this.#port.opened) this.#own.clear().catch(() => {});
    this.#listeners.clear();
    this.#port.deliveries.flush();
    this.#port.close();
    this.subscriptions.removeAllListeners();
  }

  /**
   * Has a listener called for an event. The first listener of an event puts this peer on the shared list of subscribers; a
   * peer that comes back to its grid after it was taken off is put there again. Resolves when this peer is on the list;
   * when it rejects, the listener is taken off again. A function that subscribes twice is called twice.
   *
   * @param metaData what other peers see of the subscription; there is one for each event of a peer. With a further
   *   listener it takes the place of what was given before. Must have a JSON form. Default: none
   */
  subscribe<K extends keyof T>(event: K, listener: (...args: T[K]) => void, metaData?: M): Promise<void> {
    let encoded: Uint8Array | undefined;

    try {
      this.#assertOpen('subscribe on');
      assertEvent(event);
      assertListener(listener);
      encoded = metaData == null ? undefined : encodeMetaData(metaData);
    } catch (error) {
      return rejected(error);
    }

    return this.#own.subscribe(event as string, listener as AnyListener, encoded);
  }

  /**
   * Takes off a listener, at once; what was added twice, once. With its last listener of an event this peer is taken off
   * the list of that event's subscribers; resolves when it is. What does not listen is no error.
   */
  unsubscribe<K extends keyof T>(event: K, listener: (...args: T[K]) => void): Promise<void> {
    try {
      this.#assertOpen('unsubscribe on');
      assertEvent(event);
      assertListener(listener);
    } catch (error) {
      return rejected(error);
    }

    return this.#own.unsubscribe(event as string, listener as AnyListener);
  }

  /**
   * Gives this peer's subscription of an event other meta data. Resolves with whether it was done. Rejects with
   * `INVALID_ARGUMENT` when this peer has no listener for the event.
   *
   * @param previousMetaData if given, it is done only when the subscription has meta data with the same JSON text, in one
   *   step; `null`: only when it has none
   */
  updateSubscriptionMetaData<K extends keyof T>(event: K, metaData: M, previousMetaData?: M | null): Promise<boolean> {
    let encoded: Uint8Array;

    try {
      this.#assertOpen('update a subscription on');
      assertEvent(event);
      encoded = encodeMetaData(metaData);
      if (!this.#listeners.has(event as string)) {
        throw hamokError('INVALID_ARGUMENT', 'Cannot update a non-existing subscription');
      }
    } catch (error) {
      return rejected(error);
    }

    return previousMetaData === undefined
      ? this.#own.setMetaData(event as string, encoded).then(() => true)
      : this.#own.compareMetaData(event as string, encoded, previousMetaData);
  }

  /**
   * Sends an event to its subscribers and resolves with the ids of the peers that have received it, which means that a
   * listener was called there; this peer's own id comes last. What gets lost on the way is sent again, and who leaves the
   * grid in the meantime is not waited for. Waits until the emitter is ready; then this peer's own listeners are called
   * at once. Rejects with `TIMEOUT` when a subscriber of the grid does not answer in time: others may have received it.
   */
  publish<K extends keyof T>(event: K, ...args: T[K]): Promise<string[]> {
    let payload: Uint8Array;

    try {
      this.#assertOpen('publish on');
      assertEvent(event);
      payload = this.#codec.encode(event as string, args);
    } catch (error) {
      return rejected(error);
    }

    const publication: Publication = { event: event as string, args, payload, peerIds: [], received: false };

    // Nobody answers when it goes to nobody else.
    if (this.#port.opened && !this.#port.refused && this.#table.receivers(publication.event).peerIds.length === 0) {
      this.#deliverLocally(publication);
      return Promise.resolve(publication.received ? [this.#port.grid.localPeerId] : []);
    }

    const send: Send = (_outbox, { token, handle }) => {
      publication.peerIds = this.#table.receivers(publication.event).peerIds;
      if (publication.peerIds.length > 0) this.#sent++;
      this.#port.deliveries.publish(token, handle, publication);
      this.#deliverLocally(publication);
    };

    return this.#port.request(send, receivedBy, this.#port.grid.localPeerId, publication);
  }

  /**
   * Sends an event to its subscribers, once, and does not ask whether it arrives. This peer's own listeners are called
   * within this call. An event larger than `maxCommandBytes` is not sent, and an `error` event of `Hamok` says so.
   *
   * @returns whether it was sent to another peer, or a listener of this peer was called
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` when the arguments cannot be encoded. They are encoded only when
   *   another peer subscribes, so this shows no sooner
   */
  notify<K extends keyof T>(event: K, ...args: T[K]): boolean {
    this.#assertOpen('publish on');
    assertEvent(event);

    const { peerIds, local } = this.#table.receivers(event as string);
    const isSent = peerIds.length > 0;

    if (isSent) {
      const payload = this.#codec.encode(event as string, args);

      this.#sent++;
      this.#port.deliveries.publish(0, this.#port.handle, { event: event as string, payload, peerIds });
    }

    return (local && this.#listeners.call(event as string, args)) || isSent;
  }

  /**
   * Whether an event has subscribers in the grid, or this peer is one. The answer knows of every subscription that was
   * acknowledged, to anybody, before the call, and of this peer's own also without that.
   * @param onlyLocal ask for this peer's own subscription; default false
   */
  hasSubscribers<K extends keyof T>(event: K, onlyLocal = false): Promise<boolean> {
    try {
      this.#assertOpen('check subscribers on');
      assertEvent(event);
    } catch (error) {
      return rejected(error);
    }

    return Promise.all([this.#port.barrier(), this.#own.ended]).then(() => {
      const { peerIds, local } = this.#table.receivers(event as string);

      return local || (!onlyLocal && peerIds.length > 0);
    });
  }

  /**
   * Drops all listeners of this peer at once, and takes it off the list with everything it subscribes to, in one step.
   * Resolves when that is done. Whoever ignores the promise need not fear its rejection.
   */
  clear(): Promise<void> {
    const cleared = this.closed ? rejected(hamokError('CLOSED', 'Cannot clear a closed emitter')) : this.#own.clear();

    cleared.catch(() => {});

    return cleared;
  }

  /**
   * Takes off, in one step, the subscriptions of peers that are not in the grid. (They stay on the list when a peer leaves,
   * so that it finds them when it comes back.) Resolves with the ids of these peers, `undefined` when there were none. A
   * peer that comes back later is on the list again with what it has listeners for.
   */
  cleanup(): Promise<ReadonlySet<string> | undefined> {
    if (this.closed) return rejected(hamokError('CLOSED', 'Cannot clean up a closed emitter'));

    return this.#cleaner.clean();
  }

  /** The subscriptions that this peer knows of, as plain data. @throws HamokError `CLOSED` */
  export(): HamokEmitterSnapshot {
    this.#assertOpen('export');

    return writeSnapshot(this.id, this.#table);
  }

  /**
   * Shows what `export()` gave until the emitter is connected for the first time; from then on it shows the shared list,
   * into which nothing of this goes, because a subscription is nothing without its listener. Emits nothing.
   *
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the emitter is connected, or for another emitter's snapshot
   */
  import(snapshot: HamokEmitterSnapshot): void {
    this.#assertOpen('import data on');
    assertImportable(this.#port, snapshot.emitterId, 'emitter');

    const subscriptions = readSnapshot<M>(snapshot);

    if (this.#port.opened) return;
    for (const { event, peerId, metaData } of subscriptions) this.#table.set(event, peerId, metaData);
  }

  /** @param action `subscribe on` and the like. @throws HamokError `CLOSED` when the emitter is closed */
  #assertOpen(action: string): void {
    if (this.closed) throw hamokError('CLOSED', `Cannot ${action} a closed emitter`);
  }

  /** There may be something to clean up. */
  #cleanByItself(): void {
    if (this.autoClean) void this.#cleaner.cleanAsLeader();
  }

  #deliverLocally(publication: Publication): void {
    const { event, args } = publication;

    publication.received = this.#table.receivers(event).local && this.#listeners.call(event, args);
  }

  #onDelivery({ event, payload }: Delivery): boolean {
    this.#received++;
    if (!this.#listeners.has(event)) return false;

    let args: unknown[];

    try {
      args = this.#codec.decode(event, payload);
    } catch (error) {
      this.#port.report(error);
      return false;
    }

    return this.#listeners.call(event, args);
  }

  #onChanged(changes: readonly SubscriptionChange<M>[]): void {
    const { localPeerId } = this.#port.grid;

    for (const change of changes) tellSubscriptionChange(this.subscriptions, change);
    for (const { event, peerId } of changes) if (peerId === localPeerId) this.#own.check(event);
  }
}

/** The ids of the peers that have received an event. */
function receivedBy({ indexes }: Outcome, localPeerId: string, { peerIds, received }: Publication): string[] {
  const receivers = indexes.map((index) => peerIds[index] as string);

  if (received) receivers.push(localPeerId);

  return receivers;
}

function assertEvent(event: unknown): void {
  if (typeof event !== 'string') throw invalidArgument(`An event must be named by a string, not ${typeof event}`);
  assertWellFormed(event, 'The name of an event');
}

function assertListener(listener: unknown): void {
  if (typeof listener !== 'function') throw invalidArgument(`A listener must be a function, not ${typeof listener}`);
}
