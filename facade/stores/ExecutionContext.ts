/** What a store is told of a write: who orders it, and where in the order of its map it stands. */
import type { RemoteMapContext } from '../index';

/**
 * The context of a write that an exact store can fence and recognise: what every function of a store gets, and two things
 * more.
 */
export interface ExecutionContext extends RemoteMapContext {
  /**
   * The number that `acquire` gave for the grid that orders the write. It rises with each grid; `term` and `index` start
   * again in each.
   */
  readonly epoch: number;
  /**
   * Names the operation: the same in each attempt, of whichever leader, also when it moved to another grid. At most 200
   * characters.
   */
  readonly operationId: string;
}

/**
 * The last argument of a single write. Without `epoch` and `operationId`, or without a context, the write is *plain*: it
 * is one step, and neither fenced nor recorded.
 */
export type StoreContext = RemoteMapContext & Partial<Pick<ExecutionContext, 'epoch' | 'operationId'>>;

/** The context of a batch. Each operation of it has an index and an operation id of its own. */
export type BatchContext = Pick<ExecutionContext, 'epoch' | 'term'> &
  Partial<Pick<ExecutionContext, 'attempt' | 'signal'>>;
