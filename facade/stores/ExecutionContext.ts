/** What a store is told of a write: who orders it, and where in the order of its map it stands. */
import type { RemoteMapContext } from '../index';

/** The context of a write that an exact store fences and recognises: what every function of a store gets. */
export type ExecutionContext = RemoteMapContext;

/**
 * The last argument of a single write. Without `epoch` and `operationId`, or without a context, the write is *plain*: it
 * is one step, and neither fenced nor recorded.
 */
export type StoreContext = Omit<ExecutionContext, 'epoch' | 'operationId'> &
  Partial<Pick<ExecutionContext, 'epoch' | 'operationId'>>;

/** The context of a batch. Each operation of it has an index and an operation id of its own. */
export type BatchContext = Pick<RemoteMapContext, 'epoch' | 'term'> &
  Partial<Pick<RemoteMapContext, 'attempt' | 'signal'>>;
