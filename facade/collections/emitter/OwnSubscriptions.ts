/**
 * Keeps the shared list in step with the listeners of this peer: a peer is on the list with an event while it listens to
 * that event.
 *
 * Operations go out in the order of the calls. When none is under way for an event, and the list still is not as it has to
 * be, it is repaired: others may have taken this peer off while it was out of the grid, a former process of the same peer
 * id may have left something, an operation may have failed. A repair that fails is reported; the next occasions to repair
 * are a change of this peer's entry, a further `subscribe`, and the next connection.
 */
import type { CollectionPort, SendBatch } from '../../node/CollectionPort';
import { CompareAction } from '../../node/protocol';
import { compareAndAct } from '../entries/compareAndAct';
import { insertAll, removeAll, setAll } from '../entries/entrySenders';
import { equalJson } from '../entries/equality';
import { nothing } from '../entries/results';
import type { AnyListener, Listening, LocalListeners } from './LocalListeners';
import { encodeMetaData, encodeSubscriptionKey } from './SubscriptionCodec';
import type { SubscriptionTable } from './SubscriptionTable';

/** An operation that puts this peer on the list. */
interface Registering {
  readonly done: Promise<void>;
  /** Those that need it: they are taken off again if it fails. */
  readonly listenings: Listening[];
}

/** One event of this peer's. */
interface Registration {
  /** The meta data that the list has, or has to have, encoded. */
  metaData: Uint8Array;
  /** Number of operations under way. */
  pending: number;
  /** The last of those that put this peer on the list. */
  registering: Registering | undefined;
  /** Whether to look at the list when nothing is under way any more. */
  recheck: boolean;
}

const NO_META_DATA = encodeMetaData(null);
const NO_VALUES: readonly Uint8Array[] = [];

export class OwnSubscriptions<M extends object> {
  private readonly registrations = new Map<string, Registration>();
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly port: CollectionPort,
    private readonly listeners: LocalListeners,
    private readonly table: SubscriptionTable<M>,
    private readonly mirror: { readonly revision: number },
  ) {}

  /** Resolves when everything that was called before has ended, one way or the other. */
  get ended(): Promise<unknown> {
    return Promise.allSettled(this.underWay);
  }

  /** @param metaData encoded; undefined: none given */
  subscribe(event: string, listener: AnyListener, metaData: Uint8Array | undefined): Promise<void> {
    const isFirst = !this.listeners.has(event);
    const listening = this.listeners.add(event, listener);
    const registration = this.registrationOf(event);
    const { registering } = registration;

    if (isFirst) registration.metaData = metaData ?? NO_META_DATA;
    if (isFirst || metaData) return this.register(event, metaData ?? NO_META_DATA, [listening]);
    if (registering) {
      registering.listenings.push(listening);
      return registering.done;
    }
    if (this.isListed(event)) return Promise.resolve();

    return this.register(event, registration.metaData, [listening]);
  }

  unsubscribe(event: string, listener: AnyListener): Promise<void> {
    const listening = this.listeners.find(event, listener);

    if (!listening) return Promise.resolve();
    this.listeners.remove(listening);

    return this.listeners.has(event) ? Promise.resolve() : this.deregister([event]);
  }

  /** Sets the meta data, whatever they were. */
  setMetaData(event: string, metaData: Uint8Array): Promise<void> {
    return this.register(event, metaData, []);
  }

  /** Sets the meta data if they are equal to `expected`. @returns whether they were */
  compareMetaData(event: string, metaData: Uint8Array, expected: M | null): Promise<boolean> {
    const { localPeerId } = this.port.grid;
    const key = encodeSubscriptionKey(event, localPeerId);

    return compareAndAct(this.port, () => {
      const present = this.isListed(event);
      const equal = present && equalJson(this.table.subscribers(event)?.get(localPeerId), expected);

      return {
        equal,
        send: (outbox, { token, handle }) =>
          outbox.compare(token, handle, {
            key,
            seenRevision: this.mirror.revision,
            present,
            action: equal ? CompareAction.SET : CompareAction.CHECK,
            value: equal ? metaData : undefined,
          }),
      };
    });
  }

  /** Drops every listener, and takes this peer off the list. */
  clear(): Promise<void> {
    const events = new Set([...this.registrations.keys(), ...this.listedEvents()]);

    this.listeners.clear();

    return events.size > 0 ? this.deregister([...events]) : Promise.resolve();
  }

  /** The list's entry of this peer for an event has been set. */
  onSet(event: string, metaData: Uint8Array): void {
    const registration = this.registrations.get(event);

    // A copy: the bytes are part of all that arrived with them.
    if (registration) registration.metaData = new Uint8Array(metaData);
  }

  /** Makes the list what it has to be with an event, if it is not. */
  check(event: string): void {
    const registration = this.registrationOf(event);
    const { connection } = this.port;

    if (registration.pending > 0) {
      registration.recheck = true;
      return;
    }
    registration.recheck = false;

    const isWanted = this.listeners.has(event);

    // Without a connection the list is not known, and what it is will be seen when there is one.
    if (connection.connected && isWanted !== this.isListed(event)) {
      // What has been set in the meantime is newer than what is known here.
      const repaired = isWanted
        ? this.track([event], insertAll, [registration.metaData])
        : this.track([event], removeAll, NO_VALUES);
      repaired.catch((error) => {
        if (!this.port.closed) this.port.report(error);
      });
    } else if (!isWanted) {
      this.registrations.delete(event);
    }
  }

  /** The list is known again: makes it what it has to be. */
  checkAll(): void {
    for (const event of new Set([...this.registrations.keys(), ...this.listedEvents()])) this.check(event);
  }

  /** @param listenings what is taken off again if it fails */
  private register(event: string, metaData: Uint8Array, listenings: Listening[]): Promise<void> {
    const registration = this.registrationOf(event);
    const done = this.track([event], setAll, [metaData], (failed) => {
      if (registration.registering === registering) registration.registering = undefined;
      if (!failed) return;
      for (const listening of listenings) this.listeners.remove(listening);
      registration.recheck = true;
    });
    const registering = { done, listenings };

    registration.registering = registering;

    return done;
  }

  private deregister(events: readonly string[]): Promise<void> {
    for (const event of events) this.registrationOf(event).registering = undefined;

    return this.track(events, removeAll, NO_VALUES, (failed) => {
      if (failed) for (const event of events) this.registrationOf(event).recheck = true;
    });
  }

  /** One operation on this peer's entries of some events. */
  private track(
    events: readonly string[],
    send: SendBatch,
    values: readonly Uint8Array[],
    ended: (failed: boolean) => void = () => {},
  ): Promise<void> {
    const { localPeerId } = this.port.grid;
    const keys = events.map((event) => encodeSubscriptionKey(event, localPeerId));
    const end = (failed: boolean) => {
      this.underWay.delete(operation);
      ended(failed);
      for (const event of events) this.onEnded(event);
    };

    for (const event of events) this.registrationOf(event).pending++;

    const operation = this.port.batch(send, keys, values, nothing, undefined, undefined).then(
      () => end(false),
      (error) => {
        end(true);
        throw error;
      },
    );

    this.underWay.add(operation);

    return operation;
  }

  private onEnded(event: string): void {
    const registration = this.registrationOf(event);

    registration.pending--;
    if (registration.pending > 0) return;
    if (registration.recheck) this.check(event);
    else if (!this.listeners.has(event)) this.registrations.delete(event);
  }

  private isListed(event: string): boolean {
    return this.table.has(event, this.port.grid.localPeerId);
  }

  private listedEvents(): string[] {
    return [...this.table.events()].filter((event) => this.isListed(event));
  }

  private registrationOf(event: string): Registration {
    let registration = this.registrations.get(event);

    if (!registration) {
      registration = { metaData: NO_META_DATA, pending: 0, registering: undefined, recheck: false };
      this.registrations.set(event, registration);
    }

    return registration;
  }
}
