/** How a store refuses a write that comes too late. */

/** Why a store refused a write. */
export type StaleWriteCode =
  /** A leader of a later epoch, or of a later term, has written. Who gets this does not lead any more. */
  | 'STALE_EPOCH'
  /**
   * A later operation of the map has been carried out, and there is no record of this one. It was given up, and the order
   * would be broken if it were carried out now.
   */
  | 'STALE_INDEX';

/** A store has refused a write: nothing was changed. Programs read `code`. */
export class StaleWriteError extends Error {
  /** Why. */
  readonly code: StaleWriteCode;

  static {
    // On the prototype, as with the built-in errors: `name` is no property of each error.
    StaleWriteError.prototype.name = 'StaleWriteError';
  }

  /** Makes an error. */
  constructor(code: StaleWriteCode, message: string) {
    super(message);
    this.code = code;
  }
}
