/** What users may read of the ordering engine. Everything is as of the moment at which it is read. */
import type { RaftConfig } from '../HamokConfig';
import type { HamokState } from '../HamokEventMap';
import type { MemoryStoredRaftLogs } from './MemoryStoredRaftLogs';
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

/** Position in `status()`. */
const TERM = 0;

/** `hamok.raft`: a live view, read-only. */
export class RaftView {
  /** The engine's settings, with defaults filled in. */
  readonly config: Readonly<RaftConfig>;
  /** This peer's role. */
  readonly state: RaftState;
  /** The engine's figures. */
  readonly props: {
    /** Number of the election period; 0 before the first. */
    readonly currentTerm: number;
  };
  /** This peer's copy of the replicated log: the object given as `raftLogs`, or one made from the defaults. */
  readonly logs: MemoryStoredRaftLogs;

  readonly #source: RaftSource;

  /** Made with its peer. @internal */
  constructor(config: Readonly<RaftConfig>, logs: MemoryStoredRaftLogs, source: RaftSource) {
    this.#source = source;
    this.config = config;
    this.logs = logs;
    this.state = {
      get stateName() {
        return source.state;
      },
    };
    this.props = {
      get currentTerm() {
        return Math.max(source.status()[TERM] ?? 0, 0);
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
