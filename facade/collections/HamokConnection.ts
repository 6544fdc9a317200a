import type { HamokGrid } from '../HamokGrid';
import { TypedEmitter } from '../node/TypedEmitter';

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

/** What a connection shows; its owner changes it. */
export interface ConnectionStatus {
  connected: boolean;
  closed: boolean;
  highestSeenCommitIndex: number;
}

/** The link between a collection and its grid. */
export class HamokConnection extends TypedEmitter<HamokConnectionEventMap> {
  /** What it was made for. */
  readonly config: {
    /** The id of the collection. */
    readonly storageId: string;
  };
  /** The grid that the collection belongs to. */
  readonly grid: HamokGrid;

  readonly #status: Readonly<ConnectionStatus>;

  /** Made with its collection, by `hamok.createMap` and the like. @internal */
  constructor(storageId: string, grid: HamokGrid, status: Readonly<ConnectionStatus>) {
    super();
    this.config = { storageId };
    this.grid = grid;
    this.#status = status;
  }

  /** The id of the peer that the collection belongs to. */
  get localPeerId(): string {
    return this.grid.localPeerId;
  }

  /** Whether the collection is usable and its peer belongs to a grid with a leader. */
  get connected(): boolean {
    return this.#status.connected;
  }

  /** Whether the collection was closed. */
  get closed(): boolean {
    return this.#status.closed;
  }

  /** Counts up with what has changed the collection on this peer; -1 when nothing has. */
  get highestSeenCommitIndex(): number {
    return this.#status.highestSeenCommitIndex;
  }
}
