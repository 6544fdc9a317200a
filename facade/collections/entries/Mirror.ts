/**
 * Keeps what a collection shows on this peer in step with the grid: takes what comes in for it, applies it, and has the
 * listeners told.
 */
import type { CollectionPort } from '../../node/CollectionPort';
import { ChangeKind } from '../../node/protocol';
import type { Change, EncodedEntry } from '../../node/RecordSink';

/** What a collection shows. `E` is a change as its listeners hear of it. */
export interface MirrorContent<E> {
  /** Drops everything, silently. */
  clear(): void;
  /** Applies a change. What it throws is reported, and keeps no other change away. */
  apply(change: Change): E | undefined;
  /** Tells the listeners of one operation, all of whose changes are applied. */
  emit(events: readonly E[]): void;
}

export class Mirror<E> {
  private shown = 0;

  constructor(
    private readonly port: CollectionPort,
    private readonly content: MirrorContent<E>,
  ) {
    port.attach({
      ready: (revision, fill) => this.onReady(revision, fill),
      changes: (revision, changes) => this.onChanges(revision, changes),
    });
  }

  /** The revision of the shared collection that this peer shows. */
  get revision(): number {
    return this.shown;
  }

  private onReady(revision: number, fill: readonly EncodedEntry[] | undefined): void {
    this.shown = revision;
    // What was imported is no part of the shared collection yet.
    if (!fill && this.port.opened) return;

    this.content.clear();
    for (const { key, value } of fill ?? []) this.tryApply({ kind: ChangeKind.INSERT, key, value });
  }

  private onChanges(revision: number, changes: readonly Change[]): void {
    const events: E[] = [];

    this.shown = revision;
    for (const change of changes) {
      const event = this.tryApply(change);
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) this.content.emit(events);
  }

  /** A change that a codec cannot read must not keep the others from the mirror. */
  private tryApply(change: Change): E | undefined {
    try {
      return this.content.apply(change);
    } catch (error) {
      this.port.report(error);
      return undefined;
    }
  }
}
