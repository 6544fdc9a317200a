/** The log object that users give to a `Hamok`, and find at `hamok.raft.logs`. */
import type { HamokMessage } from '../messages/HamokMessage';
import { guardedEmit } from '../node/guardedEmit';
import { TypedEmitter } from '../node/TypedEmitter';
import { invalidConfig, number, object } from '../node/validation';
import { BIND_LOGS, type BindableLogs, type LogFeed, type LogSource } from './LogBinding';
import type { LogEntry } from './LogEntry';
import type { RaftLogs, RaftLogsEventMap } from './RaftLogs';

/** The options of a `MemoryStoredRaftLogs`; both are required. */
export type MemoryStoredRaftLogsConfig = {
  /**
   * Entries older than this may be dropped, in milliseconds; 0: never because of their age. It takes the place of the
   * option `logEntriesExpirationTimeInMs`.
   */
  expirationTimeInMs: number;
  /** `highWaterMark` is emitted when `bytesInMemory` rises above it; 0: never. */
  memorySizeHighWaterMark: number;
};

/**
 * The events of a `MemoryStoredRaftLogs` and the arguments of their listeners. A listener that throws stops nothing: its
 * error is thrown again on the next tick.
 */
export type MemoryStoredRaftLogsEventMap = RaftLogsEventMap & {
  /** An entry was dropped because of its age; right before `removed` for it, with the same arguments. */
  expired: [commitIndex: number, message: HamokMessage];
  /**
   * `bytesInMemory` has risen above `memorySizeHighWaterMark`: once each time, not again before it has been below.
   * Looked at before each `heartbeat` of `Hamok`, while somebody listens.
   */
  highWaterMark: [bytesInMemory: number];
};

/** Positions in `NativePeer.status()`. */
const COMMIT_INDEX = 1;
const FIRST_INDEX = 2;
const NEXT_INDEX = 3;
const LOG_ENTRIES = 4;
const LOG_BYTES = 5;

const MAX_INDEX = Number.MAX_SAFE_INTEGER;

/**
 * A peer's copy of the replicated log: a live, read-only view of what the engine keeps in memory. Without the option
 * `raftLogs` a `Hamok` makes its own. Empty until it is given to a `Hamok`; one object for each `Hamok`. After `close()`
 * its figures stay as they were last, its entries are gone, and its listeners are removed.
 */
export class MemoryStoredRaftLogs extends TypedEmitter<MemoryStoredRaftLogsEventMap> implements RaftLogs, BindableLogs {
  /** The options. */
  readonly config: Readonly<MemoryStoredRaftLogsConfig>;

  #source: LogSource | undefined;
  #aboveMark = false;

  /**
   * Makes a log that is empty until it is given to a `Hamok`.
   * @param _logEntries accepted for old code, without effect
   * @throws HamokError `INVALID_CONFIG`, whose text names the option
   */
  constructor(config: MemoryStoredRaftLogsConfig, _logEntries?: Map<number, LogEntry>) {
    super();

    const { expirationTimeInMs, memorySizeHighWaterMark } = object('the config of MemoryStoredRaftLogs', config);

    this.config = Object.freeze({
      expirationTimeInMs: number('expirationTimeInMs', expirationTimeInMs, 0, Number.MAX_SAFE_INTEGER),
      memorySizeHighWaterMark: number('memorySizeHighWaterMark', memorySizeHighWaterMark, 0, Number.MAX_SAFE_INTEGER),
    });
  }

  /** Index of the last entry that is known to be committed; -1 when there is none. */
  get commitIndex(): number {
    return this.#figure(COMMIT_INDEX, -1);
  }

  /** Index that the next entry will have. */
  get nextIndex(): number {
    return this.#figure(NEXT_INDEX, 0);
  }

  /** Index of the oldest entry that is still kept; `nextIndex` when none is. */
  get firstIndex(): number {
    return this.#figure(FIRST_INDEX, 0);
  }

  /** Number of entries that are kept. */
  get size(): number {
    return this.#figure(LOG_ENTRIES, 0);
  }

  /** Bytes of the keys and values in the entries that are kept. */
  get bytesInMemory(): number {
    return this.#figure(LOG_BYTES, 0);
  }

  /** The entry of this index; undefined when it is not there yet, or no longer. */
  get(index: number): LogEntry | undefined {
    return Number.isSafeInteger(index) ? this.collectEntries(index, index + 1)[0] : undefined;
  }

  /**
   * The entries from `start` up to `end`, which is not included. What is not there yet, or no longer, is left out.
   * @param end default: `nextIndex`
   */
  collectEntries(start: number, end: number = MAX_INDEX): LogEntry[] {
    // The figures may be a moment behind the log, so they are no bounds here.
    const from = Math.max(Math.ceil(start), 0);
    const to = Math.min(Math.ceil(end), MAX_INDEX);

    // What is no number is in no order with one.
    return from < to ? (this.#source?.entries(from, to) ?? []) : [];
  }

  /** The entries after `commitIndex`, as they are when the iteration begins. */
  *[Symbol.iterator](): IterableIterator<LogEntry> {
    yield* this.collectEntries(this.commitIndex + 1);
  }

  /** @internal `once` and `prependOnceListener` of Node.js come through these. */
  override on<E extends keyof MemoryStoredRaftLogsEventMap>(
    event: E,
    listener: (...args: MemoryStoredRaftLogsEventMap[E]) => void,
  ): this {
    this.#listening(event);

    return super.on(event, listener);
  }

  /** @internal */
  override addListener<E extends keyof MemoryStoredRaftLogsEventMap>(
    event: E,
    listener: (...args: MemoryStoredRaftLogsEventMap[E]) => void,
  ): this {
    this.#listening(event);

    return super.addListener(event, listener);
  }

  /** @internal */
  override prependListener<E extends keyof MemoryStoredRaftLogsEventMap>(
    event: E,
    listener: (...args: MemoryStoredRaftLogsEventMap[E]) => void,
  ): this {
    this.#listening(event);

    return super.prependListener(event, listener);
  }

  /** Called by the `Hamok` that it is given to. @throws HamokError `INVALID_CONFIG` at the second call @internal */
  [BIND_LOGS](source: LogSource): LogFeed {
    if (this.#source) throw invalidConfig('raftLogs belongs to another Hamok: use one object for each Hamok');
    this.#source = source;

    const feed: LogFeed = {
      wantsCommits: () => this.listenerCount('committed') > 0,
      wantsRemovals: () => this.listenerCount('removed') + this.listenerCount('expired') > 0,
      committed: (commitIndex, message) => guardedEmit(this, 'committed', [commitIndex, message]),
      removed: (commitIndex, message, expired) => {
        if (expired) guardedEmit(this, 'expired', [commitIndex, message]);
        guardedEmit(this, 'removed', [commitIndex, message]);
      },
      beat: () => this.#lookAtMemory(),
      close: () => this.removeAllListeners(),
    };

    if (feed.wantsCommits()) source.watchCommits();
    if (feed.wantsRemovals()) source.watchRemovals();

    return feed;
  }

  #figure(position: number, least: number): number {
    return Math.max(this.#source?.figures()[position] ?? least, least);
  }

  /** What nobody hears is not told. */
  #listening(event: keyof MemoryStoredRaftLogsEventMap): void {
    if (event === 'committed') this.#source?.watchCommits();
    else if (event === 'removed' || event === 'expired') this.#source?.watchRemovals();
  }

  #lookAtMemory(): void {
    const { memorySizeHighWaterMark } = this.config;

    if (memorySizeHighWaterMark === 0 || this.listenerCount('highWaterMark') === 0) return;

    const { bytesInMemory } = this;
    const wasAbove = this.#aboveMark;

    this.#aboveMark = bytesInMemory > memorySizeHighWaterMark;
    if (this.#aboveMark && !wasAbove) guardedEmit(this, 'highWaterMark', [bytesInMemory]);
  }
}
