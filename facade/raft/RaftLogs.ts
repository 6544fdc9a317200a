/** The replicated log as users see it. */

/** Figures of a log. Indexes begin at 0. */
export interface RaftLogs {
  /** Index of the last entry that is known to be committed; -1 when there is none. */
  readonly commitIndex: number;
  /** Index that the next entry will have. */
  readonly nextIndex: number;
  /** Index of the oldest entry that is still kept. */
  readonly firstIndex: number;
  /** Number of entries that are kept. */
  readonly size: number;
  /** Bytes of the keys and values in the entries that are kept. */
  readonly bytesInMemory: number;
}
