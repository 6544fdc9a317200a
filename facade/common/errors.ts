/** The errors of this package, and the one list of their codes. Programs read the code, people the text. */

/** What went wrong, for programs to decide on. */
export type HamokErrorCode =
  /**
   * Nothing answered within `requestTimeoutInMs`. The operation may still take effect. Read the state before you repeat
   * what must not happen twice, or allow more time.
   */
  | 'TIMEOUT'
  /** The collection or the instance was closed before or while the operation ran. Create it again. */
  | 'CLOSED'
  /**
   * There was a leader and there is none now. The operation may have been sent before, and may still take effect. Wait
   * for `joined`, and read the state before you repeat what must not happen twice.
   */
  | 'NO_LEADER'
  /**
   * As `NO_LEADER`, and there can be none: fewer than a majority of the grid's peers can be reached. Bring them back, or
   * start others in their place; under `quorumLoss: 'wait'`, `forceReform()` goes on without them. The operation may still
   * take effect. Wait for `joined`, and read the state before you repeat what must not happen twice.
   */
  | 'NO_QUORUM'
  /**
   * The grid no longer knows this peer's request, so that it may or may not have been applied; it will not be later.
   * Read the state and decide.
   */
  | 'OUTCOME_UNKNOWN'
  /** Another kind of collection exists under this id, here or on another peer. Use another id. */
  | 'KIND_MISMATCH'
  /** One write or event is larger than `maxCommandBytes`. Nothing was changed or sent; split it. */
  | 'COMMAND_TOO_LARGE'
  /**
   * As many operations of a remote map wait for their execution as its `maxPendingOperations` allows. Nothing was changed
   * or sent; wait, and try again.
   */
  | 'TOO_MANY_PENDING'
  /** A live peer of the grid has this peer id. Join under another, or stop that peer. */
  | 'PEER_ID_IN_USE'
  /**
   * An `error` event of the leader: operations of a remote map wait, and no peer that may lead has created the map.
   * Create it on every peer that may become the leader.
   */
  | 'NO_EXECUTOR'
  /** Bytes that came from another peer or from the application are no message. Check what the transport delivers. */
  | 'INVALID_MESSAGE'
  /** An argument of a call has a wrong type or value. Nothing was changed; a defect of the calling program. */
  | 'INVALID_ARGUMENT'
  /** A setting has a wrong type or value. Nothing was created; the text names the setting. */
  | 'INVALID_CONFIG'
  /**
   * A callback of a remote map threw or rejected on the peer that leads. The text is the callback's. What the store did
   * before it failed stands.
   */
  | 'CALLBACK_FAILED'
  /**
   * A callback of a remote map did not settle in time and the map went on without it. A store without fences may still be
   * changed by it; look why it hangs.
   */
  | 'ABANDONED'
  /** What a store of `hamok/stores` holds cannot be read: it is no hash, or a codec throws. Look who else writes there. */
  | 'UNREADABLE_VALUE'
  /**
   * An `error` event of the leader: the store of a remote map has refused it, because another grid, or a later leader, has
   * written. Nothing more is executed here. If this grid is the one that shall write, call `acquire()` of the map.
   */
  | 'STALE_EPOCH'
  /** A defect of this package. The instance may have closed itself; please report the text. */
  | 'INTERNAL'
  /** There is no native library for this operating system, processor and C library. */
  | 'UNSUPPORTED_PLATFORM'
  /** There is a native library for this machine, but it cannot be loaded; `cause` says why. */
  | 'NATIVE_LOAD_FAILED';

/** An error of this package. `code` is stable between versions; the text is not. */
export class HamokError extends Error {
  /** What went wrong, for programs to decide on. */
  readonly code: HamokErrorCode;

  static {
    // On the prototype, as with the built-in errors: `name` is no property of each error.
    HamokError.prototype.name = 'HamokError';
  }

  /** Makes an error. @param options `cause`: the error behind this one */
  constructor(code: HamokErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Makes a `HamokError`. */
export function hamokError(code: HamokErrorCode, text: string, options?: ErrorOptions): HamokError {
  return new HamokError(code, text, options);
}

/** Makes the error for an argument of a wrong type or value: a `TypeError` with the code `INVALID_ARGUMENT`. */
export function invalidArgument(text: string): TypeError & { readonly code: 'INVALID_ARGUMENT' } {
  return Object.assign(new TypeError(text), { code: 'INVALID_ARGUMENT' as const });
}
