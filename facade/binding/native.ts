/**
 * The native side as the facade sees it, and the only place that loads it. The binding decides everything about
 * ordering, retries and membership; what passes through it are packed buffers, and nothing in it is asynchronous.
 * Importing this module loads nothing: `loadNative()` does.
 */
import { join } from 'node:path';
import { currentPlatform, type LoadAttempt, libraryCandidates, loadFailure } from './platform';

/** Validated settings of a peer: none has a default here. */
export interface NativePeerOptions {
  peerId: string;
  electionTimeoutInMs: number;
  followerMaxIdleInMs: number;
  heartbeatInMs: number;
  onlyFollower: boolean;
  logEntriesExpirationTimeInMs: number;
  ongoingRequestsSendingPeriodInMs: number;
  /** How many peers must be heard before a first grid is formed. */
  minPeers: number;
  /** A larger write is rejected when it is submitted. */
  maxCommandBytes: number;
  /** What this peer does when the majority of its grid is lost; one of `QuorumLoss`. */
  quorumLoss: number;
}

/**
 * One peer. Operations enter through `submit`; everything that happens leaves through `drain`, as packed records in the
 * order in which they must be handled.
 */
export interface NativePeer {
  /**
   * Begins discovery. `wake` is called from the event loop, once for many changes, whenever `drain` has something; the
   * native side holds it, and with it the process, until the peer has left or `stop` is called.
   */
  start(wake: () => void): void;

  /** Begins leaving. A LEFT record ends it, at most `electionTimeoutInMs` later. */
  leave(): void;

  /**
   * Ends the peer at once and releases `wake`; a second call does nothing. The farewell to the other peers waits in the
   * stream: call `drain` once more and send it.
   */
  stop(): void;

  /**
   * Hands in the `snapshot` bytes of a message that is meant for this peer. Bad bytes are never an exception here; an
   * ERROR record may follow.
   */
  accept(sourcePeerId: string, payload: Uint8Array): void;

  /**
   * Submits packed operations; those of one peer apply in this order. A COMPLETED record settles each token. Throws
   * only when the packing itself is malformed.
   */
  submit(operations: Uint8Array): void;

  /** Answers EXECUTE and CLAIM records with packed results. */
  reply(results: Uint8Array): void;

  /**
   * A collection exists in JavaScript. READY answers, at once when joined, otherwise after the next join; the native
   * side attaches it again on every rejoin by itself. `handle` is positive, chosen by the facade and never used twice.
   * The last two are for remote maps: whether the store is claimed before it is used, and how many operations may wait.
   */
  open(handle: number, kind: number, id: string, fenced: boolean, maxPending: number): void;

  /** The collection of this handle was closed. */
  shut(handle: number): void;

  /**
   * COMPLETED for `token` follows when everything committed up to now is applied here (handle 0), or when the remote
   * map of this handle has executed it.
   */
  barrier(token: number, handle: number): void;

  /** Number of operations of this remote map that are ordered and not known to be executed. */
  waitingRemoteOperations(handle: number): number;

  /** The caller of this token timed out: what has not run yet shall not run, and no COMPLETED follows. */
  abandon(token: number): void;

  /** Whether COMMIT records are wanted; without listeners they are not worth their bytes. */
  watchCommits(enabled: boolean): void;

  /** Sends packed events of emitters directly to other peers, and answers DELIVERY records. */
  deliver(calls: Uint8Array): void;

  /** Whether LOG_REMOVED records are wanted. */
  watchLog(enabled: boolean): void;

  /** The log's entries from `start` up to `end`, not included, packed; those that it no longer or not yet has are missing. */
  logEntries(start: number, end: number): Buffer;

  /** The application says that this peer is gone. */
  forget(peerId: string): void;

  /** The grid goes on without its majority, if it has no leader: nobody waits for the missing voters any more. */
  forceReform(): void;

  /** Called every `heartbeatInMs` while running: shows that the event loop is alive. */
  beat(): void;

  /** The records since the last call, or null. */
  drain(): Buffer | null;

  /**
   * `[term, commitIndex, firstIndex, nextIndex, logEntries, logBytes, pendingRequests, ongoingRemoteOperations]`; -1
   * stands for none. The bytes are those of keys and values.
   */
  status(): number[];
}

export type NativePeerConstructor = new (options: NativePeerOptions) => NativePeer;

export interface NativeBinding {
  readonly NativePeer: NativePeerConstructor;
  version(): string;
}

// As deep in lib/ as in facade/, so this holds for both.
const packageRoot = join(__dirname, '..', '..');

let loaded: NativeBinding | undefined;

/** Loads the native library at the first call. A failure is not remembered: the next call tries again. */
export function loadNative(): NativeBinding {
  loaded ??= load();
  return loaded;
}

function load(): NativeBinding {
  const platform = currentPlatform();
  const attempts: LoadAttempt[] = [];
  for (const request of libraryCandidates(platform, packageRoot)) {
    try {
      return require(request) as NativeBinding;
    } catch (error) {
      // A library requires no other module, so this code can only mean the library itself. No `instanceof`: under jest
      // the error is of another realm.
      attempts.push((error as { code?: unknown }).code === 'MODULE_NOT_FOUND' ? { request } : { request, error });
    }
  }
  throw loadFailure(platform, attempts);
}
