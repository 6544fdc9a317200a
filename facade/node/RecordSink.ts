/** What the native stream tells, record by record, decoded except for what users' codecs must decode. */
import type { HamokError } from '../common/errors';
import type { HamokEventMap, HamokState } from '../HamokEventMap';
import type { Outcome } from './Outcome';
import type { ExecutionId } from './ReplyOutbox';

/** How a grid went on without its majority. */
export type Reform = HamokEventMap['reformed'][0];

/** Which grid was merged into which. */
export type Merge = HamokEventMap['grid-merged'][0];

/** An entry as a collection's fill has it. */
export interface EncodedEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What an operation did to one entry, or to all of them. */
export interface Change {
  /** One of `ChangeKind`. */
  readonly kind: number;
  /** Undefined when everything was cleared. */
  readonly key: Uint8Array | undefined;
  /** The new value; undefined for removals. */
  readonly value: Uint8Array | undefined;
}

/** A store that fences is to be asked for an epoch, by this peer. */
export interface Claim {
  readonly handle: number;
  /** The term in which the question was handed over. */
  readonly term: number;
  /** What names the question for the store. */
  readonly claim: string;
}

/** A committed operation of a remote map, for this peer to execute. */
export interface Execution extends ExecutionId {
  /** What the store has given for the last claim; for one that gives none, that of the grid's lineage. */
  readonly epoch: number;
  /** Its place in the order of the grid. */
  readonly index: number;
  /** The same whoever executes it. */
  readonly operationId: string;
  /** 1; 2 when a former leader may have executed it already. */
  readonly attempt: number;
  /** Which request of this peer it is; 0: another peer's, or nobody waits. */
  readonly callerToken: number;
  /** One of `RemoteMethod`. */
  readonly method: number;
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
}

/** An operation as it is in the log. */
export interface LoggedOperation {
  /** One of `HamokMessage_MessageType`; 0: `values[0]` is a message that the application submitted. */
  readonly type: number;
  readonly sourceId: string;
  readonly storageId: string;
  readonly keys: Uint8Array[];
  readonly values: Uint8Array[];
}

/** A committed operation, for those who listen to `commit`. */
export interface Commit extends LoggedOperation {
  readonly index: number;
}

/** An entry of the log. */
export interface LoggedEntry {
  readonly index: number;
  readonly term: number;
  /** When this peer stored it, in milliseconds since 1970. */
  readonly timestamp: number;
  /** In their order; empty when the entry is the engine's own. */
  readonly operations: readonly LoggedOperation[];
}

/** An event of an emitter that another peer has sent. */
export interface Delivery {
  readonly handle: number;
  /** What the answer names; 0: the sender waits for none. */
  readonly id: number;
  readonly sourceId: string;
  readonly event: string;
  /** The arguments, encoded. */
  readonly payload: Uint8Array;
}

/** Takes the records, in order. A method that throws does not stop the stream; what it threw goes to `failed`. */
export interface RecordSink {
  /** To be sent. @param destinationId undefined: to everybody */
  message(destinationId: string | undefined, payload: Uint8Array): void;
  state(state: HamokState): void;
  leader(peerId: string | undefined): void;
  peerJoined(peerId: string): void;
  peerLeft(peerId: string): void;
  noHeartbeat(peerId: string): void;
  joined(): void;
  rejoining(): void;
  left(): void;
  quorumLost(): void;
  quorumRestored(): void;
  reformed(reform: Reform): void;
  gridMerged(merge: Merge): void;
  /** @param fill undefined: the mirror is up to date as it is */
  ready(handle: number, revision: number, fill: readonly EncodedEntry[] | undefined): void;
  refused(handle: number, error: Error): void;
  changes(handle: number, revision: number, changes: readonly Change[]): void;
  completed(token: number, outcome: Outcome): void;
  requestFailed(token: number, error: Error): void;
  commit(commit: Commit): void;
  claim(claim: Claim): void;
  execute(execution: Execution): void;
  /** @param handle 0: every remote map */
  halt(handle: number, term: number): void;
  /**
   * @param operationId of the operation that has caused them
   * @param packed see `readRemoteEvents`
   */
  remoteEvents(handle: number, operationId: string, packed: Buffer): void;
  /** @param headToken the request that the leader is at; 0: another peer's */
  progress(handle: number, headToken: number): void;
  eventsLost(handle: number): void;
  delivery(delivery: Delivery): void;
  /** Entries were dropped from the log. @param expired whether because of their age */
  logRemoved(entries: readonly LoggedEntry[], expired: boolean): void;
  error(error: HamokError): void;
  log(level: number, module: string, text: string): void;
  /** A record could not be read, or a method threw. */
  failed(error: unknown): void;
}
