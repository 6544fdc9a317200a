/** What all collections have in common. */
import { hamokError } from '../common/errors';
import type { CollectionPort } from '../node/CollectionPort';
import { guardedEmit } from '../node/guardedEmit';
import { type EventMap, TypedEmitter } from '../node/TypedEmitter';
import type { HamokConnection } from './HamokConnection';

/** Events that every collection has. */
export type CollectionEventMap = {
  /** The collection was closed; the last event. */
  close: [];
};

/**
 * A collection that peers share. Events reach every peer that has created it; a listener that throws stops nothing, its
 * error is thrown again on the next tick.
 */
export abstract class Collection<M extends EventMap<M> & CollectionEventMap> extends TypedEmitter<M> {
  /** The link to the grid. */
  readonly connection: HamokConnection;

  protected readonly port: CollectionPort;

  /** Resolves when what it was created with is in the shared collection, or was refused there. @internal */
  protected initialized: Promise<void> | undefined;

  /** Made by `hamok.createMap` and the like. @internal */
  constructor(port: CollectionPort) {
    super();
    this.port = port;
    this.connection = port.connection;
  }

  /** The id that it was created with. */
  get id(): string {
    return this.port.id;
  }

  /** Whether `close()` was called, on it or on its `Hamok`. */
  get closed(): boolean {
    return this.port.closed;
  }

  /**
   * Resolves with the collection when it can be used, and has what it was created with; operations need not wait for it,
   * they are kept in order until then. Rejects with `CLOSED` when it is closed before, with `KIND_MISMATCH` when another
   * peer has another kind of collection under this id.
   */
  get ready(): Promise<this> {
    const ready = this.port.whenReady.then(() => this.initialized).then(() => this);

    // Whoever does not wait for it needs no rejection; whoever does gets it from the promise itself.
    ready.catch(() => {});

    return ready;
  }

  /**
   * Closes the collection on this peer: pending operations reject with `Connection is closed`, the connection emits
   * `close`, then the collection does, and its listeners are removed. Other peers keep theirs. A second call does
   * nothing.
   */
  close(): void {
    if (this.closed) return;
    this.port.close();
    this.onClosed();
    guardedEmit(this, 'close', []);
    this.removeAllListeners();
  }

  /** What a kind has to end. */
  protected onClosed(): void {}

  /** Emits; what a listener throws comes up on the next tick. */
  protected dispatch<E extends keyof M & string>(event: E, args: M[E]): void {
    guardedEmit(this, event, args);
  }

  /** @param action `set an entry on` and the like. @throws HamokError `CLOSED` when the collection is closed */
  protected assertOpen(action: string): void {
    if (this.closed) throw hamokError('CLOSED', `Cannot ${action} a closed storage (${this.id})`);
  }
}
