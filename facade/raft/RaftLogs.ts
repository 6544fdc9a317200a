/** The replicated log as users read it. */
import type { HamokMessage } from '../messages/HamokMessage';
import type { LogEntry } from './LogEntry';

/** The events of a log and the arguments of their listeners. */
export type RaftLogsEventMap = {
  /** An operation is committed and applied here; right before `commit` of `Hamok`, with the same arguments. */
  committed: [commitIndex: number, message: HamokMessage];
  /** An entry was dropped, after it had been applied here. `message`: see `LogEntry.entry`. */
  removed: [commitIndex: number, message: HamokMessage];
};

/**
 * A peer's copy of the log, live and read-only. Indexes begin at 0. Entries are dropped from the front when they are old
 * or many; peers that still need them get a snapshot instead.
 */
export interface RaftLogs extends Iterable<LogEntry> {
  /** Index of the last entry that is known to be committed; -1 when there is none. */
  readonly commitIndex: number;
  /** Index that the next entry will have. */
  readonly nextIndex: number;
  /** Index of the oldest entry that is still kept; `nextIndex` when none is. */
  readonly firstIndex: number;
  /** Number of entries that are kept. */
  readonly size: number;
  /** Bytes of the keys and values in the entries that are kept. */
  readonly bytesInMemory: number;

  /** The entry of this index; undefined when it is not there yet, or no longer. */
  get(index: number): LogEntry | undefined;

  /**
   * The entries from `start` up to `end`, which is not included. What is not there yet, or no longer, is left out.
   * @param end default: `nextIndex`
   */
  collectEntries(start: number, end?: number): LogEntry[];

  /** The entries after `commitIndex`, as they are when the iteration begins. */
  [Symbol.iterator](): IterableIterator<LogEntry>;

  /** Calls the listener at every such event from now on. */
  on<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;
  /** Calls the listener at the next such event only. */
  once<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;
  /** Calls the listener no more. */
  off<E extends keyof RaftLogsEventMap>(event: E, listener: (...args: RaftLogsEventMap[E]) => void): this;
}
