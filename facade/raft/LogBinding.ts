/**
 * How a log object that users hold and the peer that it was given to get to know each other: once, by a method under a
 * symbol. The symbol is the same in every copy of this package, so an object of another copy (a test runner may load
 * modules twice) is recognised and works.
 */
import type { HamokMessage } from '../messages/HamokMessage';
import type { LogEntry } from './LogEntry';

/** The method that binds. The number changes when what is agreed on here does. */
export const BIND_LOGS: unique symbol = Symbol.for('hamok.bind-logs.1');

/** What a log object gets of its peer. */
export interface LogSource {
  /** See `NativePeer.status`. */
  figures(): readonly number[];
  /** The entries from `start` up to `end`, not included, as far as they are there. */
  entries(start: number, end: number): LogEntry[];
  /** Somebody listens to `committed` from now on. */
  watchCommits(): void;
  /** Somebody listens to `removed` or `expired` from now on. */
  watchRemovals(): void;
}

/** What the peer gets of its log object. */
export interface LogFeed {
  /** Whether somebody listens to `committed`. */
  wantsCommits(): boolean;
  /** Whether somebody listens to `removed` or `expired`. */
  wantsRemovals(): boolean;
  /** An operation was committed. */
  committed(commitIndex: number, message: HamokMessage): void;
  /** An entry was dropped. @param expired whether because of its age */
  removed(commitIndex: number, message: HamokMessage, expired: boolean): void;
  /** A heartbeat: time to look at the memory. */
  beat(): void;
  /** The peer is closed: nobody is to hear anything any more. */
  close(): void;
}

/** A log object that can be given to a peer. */
export interface BindableLogs {
  /** @throws HamokError `INVALID_CONFIG` when it has been given to a peer before */
  [BIND_LOGS](source: LogSource): LogFeed;
}
