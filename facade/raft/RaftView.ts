/** What users may read of the ordering engine. Everything is as of the moment at which it is read. */
import type { RaftConfig } from '../HamokConfig';
import type { HamokState } from '../HamokEventMap';
import type { RaftLogs } from './RaftLogs';
import type { RaftState } from './RaftState';

/** Where the view gets its figures from. */
export interface RaftSource {
  readonly localPeerId: string;
  readonly leaderId: string | undefined;
  readonly remotePeers: ReadonlySet<string>;
  readonly state: HamokState;
  /** See `NativePeer.status`. */
  status(): readonly number[];
}

/** Positions in `status()`. */
const TERM = 0;
const COMMIT_INDEX = 1;
const FIRST_INDEX = 2;
const NEXT_INDEX = 3;
const LOG_ENTRIES = 4;
const LOG_BYTES = 5;

/** `hamok.raft`: a live view, read-only. */
export class RaftView {
  /** The engine's settings, with defaults filled in. */
  readonly config: Readonly<RaftConfig>;
  /** This peer's role. */
  readonly state: RaftState;
  readonly props: {
    /** Number of the election period; 0 before the first. */
    readonly currentTerm: number;
  };
  /** The replicated log of this peer. */
  readonly logs: RaftLogs;

  readonly #source: RaftSource;

  constructor(config: Readonly<RaftConfig>, source: RaftSource) {
    const figure = (position: number, least: number) => Math.max(source.status()[position] ?? least, least);

    this.#source = source;
    this.config = config;
    this.state = {
      get stateName() {
        return source.state;
      },
    };
    this.props = {
      get currentTerm() {
        return figure(TERM, 0);
      },
    };
    this.logs = {
      get commitIndex() {
        return figure(COMMIT_INDEX, -1);
      },
      get nextIndex() {
        return figure(NEXT_INDEX, 0);
      },
      get firstIndex() {
        return figure(FIRST_INDEX, 0);
      },
      get size() {
        return figure(LOG_ENTRIES, 0);
      },
      get bytesInMemory() {
        return figure(LOG_BYTES, 0);
      },
    };
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
  get remotePeers(): ReadonlySet<string> {
    return this.#source.remotePeers;
  }
}
