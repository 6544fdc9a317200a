import type { HamokMessage } from '../messages/HamokMessage';

/** An entry of the replicated log. */
export type LogEntry = {
  /** Position in the log. */
  index: number;
  /** The leader's term in which it was appended. */
  term: number;
  /** The operation. */
  entry: HamokMessage;
  /** When this peer stored it, in milliseconds since 1970. */
  timestamp: number;
};
