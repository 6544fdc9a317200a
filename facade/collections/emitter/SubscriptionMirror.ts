/** Keeps the table of subscriptions in step with the shared list, and has the listeners hear of what changes. */
import type { CollectionPort } from '../../node/CollectionPort';
import { ChangeKind } from '../../node/protocol';
import type { Change, EncodedEntry } from '../../node/RecordSink';
import { decodeMetaData, decodeSubscriptionKey } from './SubscriptionCodec';
import type { SubscriptionChange, SubscriptionTable } from './SubscriptionTable';

/** Who hears of what has been applied. */
export interface SubscriptionObserver<M> {
  /** An entry is set, also by a fill. @param metaData encoded */
  set(event: string, peerId: string, metaData: Uint8Array): void;
  /** One step has been applied. Not called for a fill. */
  changed(changes: readonly SubscriptionChange<M>[]): void;
}

export class SubscriptionMirror<M extends object> {
  private shown = 0;

  constructor(
    private readonly port: CollectionPort,
    private readonly table: SubscriptionTable<M>,
    private readonly observer: SubscriptionObserver<M>,
  ) {}

  /** The revision of the shared list that the table shows. */
  get revision(): number {
    return this.shown;
  }

  onReady(revision: number, fill: readonly EncodedEntry[] | undefined): void {
    this.shown = revision;
    // What was imported is no part of the shared list.
    if (!fill && this.port.opened) return;

    this.table.deleteAll();
    for (const { key, value } of fill ?? []) this.tryApply({ kind: ChangeKind.INSERT, key, value });
  }

  onChanges(revision: number, changes: readonly Change[]): void {
    this.shown = revision;
    this.observer.changed(changes.flatMap((change) => this.tryApply(change)));
  }

  /** A change that cannot be read must not keep the others from the table. */
  private tryApply(change: Change): SubscriptionChange<M>[] {
    try {
      return this.apply(change);
    } catch (error) {
      this.port.report(error);
      return [];
    }
  }

  private apply({ key, value }: Change): SubscriptionChange<M>[] {
    if (!key) return this.table.deleteAll();

    const [event, peerId] = decodeSubscriptionKey(key);

    if (value) {
      const change = this.table.set(event, peerId, decodeMetaData<M>(value));

      this.observer.set(event, peerId, value);

      return [change];
    }

    const removed = this.table.delete(event, peerId);

    return removed ? [removed] : [];
  }
}
