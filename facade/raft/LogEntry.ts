import type { HamokMessage } from '../messages/HamokMessage';

/** An entry of the replicated log, as a copy: changing it changes nothing in the log. */
export type LogEntry = {
  /** Position in the log, from 0. */
  index: number;
  /** The leader's term in which it was appended. */
  term: number;
  /**
   * What the entry holds. Operations that were called in one turn of JavaScript share an entry, so there are three cases:
   *
   * - one operation: the message that `commit` listeners get for it; what was given to `submit()` is that message itself;
   * - several operations: a message of protocol `STORAGE_COMMUNICATION_PROTOCOL` whose `embeddedMessages` are those of the
   *   operations, in order;
   * - an entry of the engine's own: a message of protocol `RAFT_COMMUNICATION_PROTOCOL` with nothing else in it.
   */
  entry: HamokMessage;
  /** When this peer stored it, in milliseconds since 1970. */
  timestamp: number;
};
