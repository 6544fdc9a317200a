/**
 * The native side's log as the facade has it: gives its figures and entries to the users' log object, and hands on what
 * becomes of entries while somebody listens. The native side tells neither commits nor removals unless it is asked to;
 * it is asked when the first listener comes, and no longer when something is told that nobody hears.
 */
import type { NativePeer } from '../binding/native';
import { PackReader } from '../binding/packing';
import type { HamokMessage } from '../messages/HamokMessage';
import { commitMessage, entryMessage } from '../node/commitMessage';
import { readLogEntry } from '../node/NativeStream';
import type { Commit, LoggedEntry } from '../node/RecordSink';
import { BIND_LOGS, type BindableLogs, type LogFeed } from './LogBinding';
import type { LogEntry } from './LogEntry';

/** The listeners to commits that the peer itself has. */
export interface CommitListeners {
  wantsCommits(): boolean;
  commit(commitIndex: number, message: HamokMessage): void;
}

export class NativeLog {
  private readonly feed: LogFeed;
  private watchingCommits = false;
  private watchingRemovals = false;
  /** Set when the peer ends. */
  private lastFigures: readonly number[] | undefined;

  /** @throws HamokError `INVALID_CONFIG` when `logs` belongs to another peer */
  constructor(
    private readonly native: Pick<NativePeer, 'status' | 'logEntries' | 'watchCommits' | 'watchLog'>,
    logs: BindableLogs,
    private readonly listeners: CommitListeners,
  ) {
    this.feed = logs[BIND_LOGS]({
      figures: () => this.lastFigures ?? native.status(),
      entries: (start, end) => (this.lastFigures ? [] : unpack(native.logEntries(start, end))),
      watchCommits: () => this.watchCommits(),
      watchRemovals: () => this.watchRemovals(),
    });
  }

  /** Somebody listens to commits from now on. */
  watchCommits(): void {
    if (this.watchingCommits || this.lastFigures) return;
    this.watchingCommits = true;
    this.native.watchCommits(true);
  }

  /** Whether somebody listens to commits. */
  wantsCommits(): boolean {
    return this.feed.wantsCommits() || this.listeners.wantsCommits();
  }

  /** An operation was committed. */
  commit(commit: Commit): void {
    if (this.wantsCommits()) {
      const message = commitMessage(commit);

      this.feed.committed(commit.index, message);
      this.listeners.commit(commit.index, message);
    } else if (this.watchingCommits && !this.lastFigures) {
      this.watchingCommits = false;
      this.native.watchCommits(false);
    }
  }

  /** Entries were dropped. @param expired whether because of their age */
  removed(entries: readonly LoggedEntry[], expired: boolean): void {
    if (this.feed.wantsRemovals()) {
      for (const { index, operations } of entries) this.feed.removed(index, entryMessage(operations), expired);
    } else if (this.watchingRemovals && !this.lastFigures) {
      this.watchingRemovals = false;
      this.native.watchLog(false);
    }
  }

  /** A heartbeat of the running peer. */
  beat(): void {
    this.feed.beat();
  }

  /** The peer is about to end: what users read stays as it is now. What was told before is still handed on. */
  freeze(): void {
    this.lastFigures = this.native.status();
  }

  /** The peer has ended. */
  close(): void {
    this.feed.close();
  }

  private watchRemovals(): void {
    if (this.watchingRemovals || this.lastFigures) return;
    this.watchingRemovals = true;
    this.native.watchLog(true);
  }
}

function unpack(packed: Buffer): LogEntry[] {
  const reader = new PackReader(packed);
  const entries: LogEntry[] = [];

  for (let left = reader.u32(); left > 0; left--) {
    const { index, term, timestamp, operations } = readLogEntry(reader);

    entries.push({ index, term, entry: entryMessage(operations), timestamp });
  }

  return entries;
}
