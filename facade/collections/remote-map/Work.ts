/**
 * What an executor has to do, piece by piece: each piece is done with the user's store before the next begins, whatever the
 * store does.
 */
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult, ReplyOutbox } from '../../node/ReplyOutbox';
import type { StaleWriteCode } from '../../stores/StaleWriteError';
import type { Deadline } from './Deadline';
import type { RemoteMapTools } from './remoteMapMethods';
import type { StoreWatch } from './StoreWatch';

/** A piece of work. */
export interface Work {
  /** The leader's term in which it was handed over. */
  readonly term: number;
  /** The number of operations in it. */
  readonly size: number;
  /** Resolves when the next piece may begin; never rejects. */
  run(): Promise<void>;
  /** Tells what came of it, as far as that was not done yet: the store is at work on the next piece meanwhile. */
  tell?(): Promise<void>;
  /** It takes no further step, and has no result. */
  stop(): void;
}

/** What pieces of work have in common. */
export interface Workplace<K, V> {
  readonly mapId: string;
  readonly tools: RemoteMapTools<K, V>;
  readonly replies: Pick<ReplyOutbox, 'succeeded' | 'failed' | 'acquired' | 'refused' | 'standsStill'>;
  readonly watch: StoreWatch;
  /** Calls when the pieces before have told everything. */
  inTurn(tell: () => Promise<void> | void): void;
  /** An exact store has carried an operation out: that stays so, whoever leads. */
  done(execution: Execution, result: RemoteResult): void;
  /** How long a call of the store may take, in milliseconds. */
  readonly abandonAfterMs: number;
  /** The same as a timer; there is one call at a time. */
  readonly deadline: Deadline;
  /** Something is wrong that no caller hears of. */
  report(error: Error): void;
  /** The store has seen a later epoch or term. */
  refused(write: RefusedWrite, error: Error): void;
}

/** The write of a leader that has come too late. */
export type RefusedWrite = Pick<Execution, 'handle' | 'term' | 'epoch'>;

/** Whether this is how an exact store refuses a write. Its errors may be of another realm, or of a class of its own. */
export function isStale(error: unknown, code: StaleWriteCode): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === code;
}
