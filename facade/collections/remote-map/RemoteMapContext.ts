/**
 * What a function of a store gets as one more argument when the leader executes an operation: who executes it, in which
 * place of the order, and whether it still should. Declare a last parameter `context?: RemoteMapContext` to use it; when a
 * peer only reads, it is undefined.
 *
 * What a store needs to know of a write: one with a lower `(epoch, term)` than it has seen comes from a leader that was
 * replaced; one whose `operationId` it has seen is a repetition.
 */
export interface RemoteMapContext {
  /**
   * Counts the grids that have written to the store: the number that its `acquire` gave to this one. For a store without
   * `acquire` it begins at 1 with every new grid, and rises when a grid is re-formed or merged.
   */
  readonly epoch: number;
  /** The leader's term in which the operation was handed to it. Grows with every election; begins anew in each grid. */
  readonly term: number;
  /**
   * The place of the operation in the order of its grid. Higher than that of every earlier operation; begins anew in a new
   * grid, but not in one that goes on from another.
   */
  readonly index: number;
  /** Names the operation: the same in each attempt, of whichever leader. At most 200 characters. */
  readonly operationId: string;
  /** 1; 2 when it may have been executed already, by a former leader or by this one. */
  readonly attempt: number;
  /** Aborted when the result no longer matters: this peer no longer leads, or the operation was given up. */
  readonly signal: AbortSignal;
}

/** What an operation is executed with, except for the signal. */
type Place = Omit<RemoteMapContext, 'signal'>;

/** The context of one execution, and whether it may go on. */
export class ExecutionContext implements RemoteMapContext {
  readonly epoch: number;
  readonly term: number;
  readonly index: number;
  readonly operationId: string;
  readonly attempt: number;

  private controller: AbortController | undefined;
  private isStopped = false;

  constructor({ epoch, term, index, operationId, attempt }: Place) {
    this.epoch = epoch;
    this.term = term;
    this.index = index;
    this.operationId = operationId;
    this.attempt = attempt;
  }

  /** Made when it is asked for: few stores do. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isStopped) this.controller.abort();

    return this.controller.signal;
  }

  /** Whether the operation must take no further step. */
  get stopped(): boolean {
    return this.isStopped;
  }

  stop(): void {
    this.isStopped = true;
    this.controller?.abort();
  }
}
