/** `emitter.subscriptions`: who subscribes to what, for users to look at. */
import { guardedEmit } from '../../node/guardedEmit';
import { TypedEmitter } from '../../node/TypedEmitter';
import type { SubscriptionChange, SubscriptionTable } from './SubscriptionTable';

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

/**
 * The subscriptions of a `HamokEmitter` as this peer knows them. Reads are local, synchronous, and see what this peer has
 * applied; also after `close()`. The events come on every peer for what peers subscribe to and what they drop, after the
 * change; one step's after all its changes. What the list holds when the emitter is created late comes silently.
 *
 * The methods that change something change what this peer knows, and nothing else: the emitter uses them for what the grid
 * tells it. To subscribe, use the emitter.
 */
export class HamokEmitterSubscriptions<T, M extends object> extends TypedEmitter<
  HamokEmitterSubscriptionsEventMap<T, M>
> {
  readonly #table: SubscriptionTable<M>;

  /** Made with its emitter, by `hamok.createEmitter`. @internal */
  constructor(table: SubscriptionTable<M>) {
    super();
    this.#table = table;
  }

  /** Number of events that have subscribers. */
  get size(): number {
    return this.#table.size;
  }

  /** Whether an event has subscribers. */
  hasEvent(event: keyof T): boolean {
    return this.#table.subscribers(event as string) !== undefined;
  }

  /** Whether a peer subscribes to an event. */
  hasPeerOnEvent(event: keyof T, peerId: string): boolean {
    return this.#table.has(event as string, peerId);
  }

  /** The subscribers of an event with their meta data, as of now; `undefined` when there are none. */
  getEventPeersMap(event: keyof T): Map<string, M | null> | undefined {
    const subscribers = this.#table.subscribers(event as string);

    return subscribers && new Map(subscribers);
  }

  /** The ids of an event's subscribers, as of now; `undefined` when there are none. */
  getPeerIds(event: keyof T): Set<string> | undefined {
    const subscribers = this.#table.subscribers(event as string);

    return subscribers && new Set(subscribers.keys());
  }

  /** The ids of all peers that subscribe to something, as of now. */
  getAllPeerIds(): Set<string> {
    const peerIds = new Set<string>();

    for (const event of this.#table.events()) {
      for (const peerId of this.#table.subscribers(event)?.keys() ?? []) peerIds.add(peerId);
    }

    return peerIds;
  }

  /** The events that have subscribers. */
  events(): IterableIterator<keyof T & string> {
    return this.#table.events() as IterableIterator<keyof T & string>;
  }

  /** The events that have subscribers, each with them and their meta data. */
  *entries(): IterableIterator<[keyof T & string, Map<string, M | null>]> {
    for (const event of this.events()) yield [event, new Map(this.#table.subscribers(event))];
  }

  /** Adds a subscription. @returns false, and nothing changes, when it exists */
  addPeer(event: keyof T, peerId: string, metaData: M | null = null): boolean {
    if (this.#table.has(event as string, peerId)) return false;
    this.#tell(this.#table.set(event as string, peerId, metaData));

    return true;
  }

  /** Changes the meta data of a subscription. @returns false, and nothing changes, when there is none */
  updatePeer(event: keyof T, peerId: string, metaData: M | null = null): boolean {
    if (!this.#table.has(event as string, peerId)) return false;
    this.#tell(this.#table.set(event as string, peerId, metaData));

    return true;
  }

  /** Takes off a subscription. @returns false when there is none */
  removePeer(event: keyof T, peerId: string): boolean {
    const change = this.#table.delete(event as string, peerId);

    if (change) this.#tell(change);

    return change !== undefined;
  }

  /** Takes off all subscriptions of a peer. @returns false when there are none */
  removePeerFromAllEvent(peerId: string): boolean {
    const changes = this.#table.deleteAll(peerId);

    for (const change of changes) this.#tell(change);

    return changes.length > 0;
  }

  #tell(change: SubscriptionChange<M>): void {
    tellSubscriptionChange(this, change);
  }
}

/** Has the listeners hear of a change; what one throws comes up on the next tick. */
export function tellSubscriptionChange<T, M extends object>(
  subscriptions: HamokEmitterSubscriptions<T, M>,
  { kind, event, peerId, metaData, previous }: SubscriptionChange<M>,
): void {
  if (subscriptions.listenerCount('debug') > 0) {
    guardedEmit(subscriptions, 'debug', [`${peerId} ${WORDS[kind]} ${event}: ${JSON.stringify(metaData)}`]);
  }
  guardedEmit(
    subscriptions,
    kind,
    kind === 'updated' ? [event, peerId, metaData, previous] : [event, peerId, metaData],
  );
}

const WORDS = {
  added: 'has subscribed to',
  updated: 'has other meta data for',
  removed: 'no longer subscribes to',
} as const;
