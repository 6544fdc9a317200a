/**
 * What a function of a store gets as one more argument when the leader executes an operation: who executes it, in which
 * place of the order, and whether it still should. To use it, declare a last parameter `context?: RemoteMapContext`;
 * when a peer only reads, it is undefined.
 */
export interface RemoteMapContext {
  /** The leader's term in which the operation was handed to it. Grows with every election. */
  readonly term: number;
  /** Log index at which the operation was committed. Never falls; operations that were sent together share one. */
  readonly index: number;
  /** 1; 2 when a former leader may have executed the operation already. */
  readonly attempt: number;
  /** Aborted when the result no longer matters: this peer no longer leads, or the operation was given up. */
  readonly signal: AbortSignal;
}

/** The context of one execution, and whether it may go on. */
export class ExecutionContext implements RemoteMapContext {
  private controller: AbortController | undefined;
  private isStopped = false;

  constructor(
    readonly term: number,
    readonly index: number,
    readonly attempt: number,
  ) {}

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
