/** Where `HamokGrid` gets its figures from. */
export interface GridSource {
  readonly localPeerId: string;
  readonly leaderId: string | undefined;
  readonly remotePeers: ReadonlySet<string>;
  /** Whether the peer belongs to a grid that has a leader. */
  readonly connected: boolean;
  readonly pendingRequests: { readonly size: number };
}

/** `hamok.grid`: what a peer knows of its grid. A live view, read-only. */
export class HamokGrid {
  readonly #source: GridSource;

  /** Made with its peer. @internal */
  constructor(source: GridSource) {
    this.#source = source;
  }

  /** This peer's id. */
  get localPeerId(): string {
    return this.#source.localPeerId;
  }

  /** The id of the peer that leads; undefined when none does. */
  get leaderId(): string | undefined {
    return this.#source.leaderId;
  }

  /** The ids of the other peers in the grid. */
  get remotePeerIds(): ReadonlySet<string> {
    return this.#source.remotePeers;
  }

  /** Whether this peer belongs to a grid that has a leader. */
  get connected(): boolean {
    return this.#source.connected;
  }

  /** This peer's requests that wait for an answer. */
  get pendingRequests(): {
    /** Their number. */
    readonly size: number;
  } {
    return this.#source.pendingRequests;
  }
}
