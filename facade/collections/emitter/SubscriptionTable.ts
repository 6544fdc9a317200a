/**
 * Who subscribes to what, as one peer knows it: the shared list's mirror. It also keeps at hand to whom an event goes,
 * because that is asked with every event and changes seldom.
 */
import type { HamokGrid } from '../../HamokGrid';

/** What happened to one subscription. */
export interface SubscriptionChange<M> {
  readonly kind: 'added' | 'updated' | 'removed';
  readonly event: string;
  readonly peerId: string;
  /** What the subscription has now; when it was removed, what it had. */
  readonly metaData: M | null;
  /** What it had before. */
  readonly previous: M | null;
}

/** To whom an event goes. */
export interface Receivers {
  /** The ids of the subscribed peers that are in the grid, without this one. */
  readonly peerIds: readonly string[];
  /** Whether this peer is subscribed. */
  readonly local: boolean;
}

interface Subscribers<M> {
  readonly metaDataByPeer: Map<string, M | null>;
  receivers: Receivers | undefined;
}

const NOBODY: Receivers = { peerIds: [], local: false };

export class SubscriptionTable<M> {
  private readonly subscribersByEvent = new Map<string, Subscribers<M>>();
  /** How many other peers the grid had when the receivers were found. */
  private gridSize = 0;

  constructor(private readonly grid: HamokGrid) {}

  /** Number of events that have subscribers. */
  get size(): number {
    return this.subscribersByEvent.size;
  }

  /** The events that have subscribers, in the order of their first subscriptions. */
  events(): IterableIterator<string> {
    return this.subscribersByEvent.keys();
  }

  /** The subscribed peers and their meta data, in the order of their subscriptions; live. */
  subscribers(event: string): ReadonlyMap<string, M | null> | undefined {
    return this.subscribersByEvent.get(event)?.metaDataByPeer;
  }

  has(event: string, peerId: string): boolean {
    return this.subscribersByEvent.get(event)?.metaDataByPeer.has(peerId) ?? false;
  }

  set(event: string, peerId: string, metaData: M | null): SubscriptionChange<M> {
    const { metaDataByPeer } = this.changing(event);
    const kind = metaDataByPeer.has(peerId) ? 'updated' : 'added';
    const previous = metaDataByPeer.get(peerId) ?? null;

    metaDataByPeer.set(peerId, metaData);

    return { kind, event, peerId, metaData, previous };
  }

  /** @returns undefined when there was no such subscription */
  delete(event: string, peerId: string): SubscriptionChange<M> | undefined {
    if (!this.has(event, peerId)) return undefined;

    const { metaDataByPeer } = this.changing(event);
    const previous = metaDataByPeer.get(peerId) ?? null;

    metaDataByPeer.delete(peerId);
    if (metaDataByPeer.size === 0) this.subscribersByEvent.delete(event);

    return { kind: 'removed', event, peerId, metaData: previous, previous };
  }

  /** Takes off every subscription, or every one that a peer has. */
  deleteAll(peerId?: string): SubscriptionChange<M>[] {
    const subscriptions = [...this.subscribersByEvent].flatMap(([event, { metaDataByPeer }]) =>
      [...metaDataByPeer.keys()].map((id) => ({ event, id })),
    );

    return subscriptions
      .filter(({ id }) => peerId === undefined || id === peerId)
      .flatMap(({ event, id }) => this.delete(event, id) ?? []);
  }

  /** To whom an event goes at this moment. */
  receivers(event: string): Receivers {
    // The grid tells when a peer leaves. That one has come shows in their number.
    if (this.gridSize !== this.grid.remotePeerIds.size) this.forgetReceivers();

    const subscribers = this.subscribersByEvent.get(event);

    if (!subscribers) return NOBODY;
    subscribers.receivers ??= this.findReceivers(subscribers.metaDataByPeer);

    return subscribers.receivers;
  }

  /** The peers of the grid are others than before. */
  forgetReceivers(): void {
    this.gridSize = this.grid.remotePeerIds.size;
    for (const subscribers of this.subscribersByEvent.values()) subscribers.receivers = undefined;
  }

  private findReceivers(peers: ReadonlyMap<string, unknown>): Receivers {
    const { localPeerId, remotePeerIds } = this.grid;

    return { peerIds: [...peers.keys()].filter((id) => remotePeerIds.has(id)), local: peers.has(localPeerId) };
  }

  private changing(event: string): Subscribers<M> {
    let subscribers = this.subscribersByEvent.get(event);

    if (!subscribers) {
      subscribers = { metaDataByPeer: new Map(), receivers: undefined };
      this.subscribersByEvent.set(event, subscribers);
    }
    subscribers.receivers = undefined;

    return subscribers;
  }
}
