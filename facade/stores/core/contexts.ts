/** Checks of what an executor hands to a store. A wrong number here would make the fence worthless. */
import { invalidArgument } from '../../common/errors';
import type { BatchContext, StoreContext } from '../ExecutionContext';
import { StaleWriteError } from '../StaleWriteError';
import type { EncodedResult, Writer } from './StoreBackend';

/** In characters. Postgres indexes these texts, and takes no more than some 2,700 bytes. */
const MAX_ID_LENGTH = 200;
/** Two texts with half a pair each could become the same bytes. */
const HALF_PAIR = /\p{Surrogate}/u;

/** Place of one operation in the order of its map. */
export interface Place {
  readonly index: number;
  readonly operationId: string;
}

/** @throws TypeError `INVALID_ARGUMENT` */
export function writerOf(context: BatchContext): Writer {
  if (typeof context !== 'object' || context === null) throw invalidArgument('A batch needs a context');

  return { epoch: count('epoch', context.epoch), term: count('term', context.term) };
}

/** @throws TypeError `INVALID_ARGUMENT` */
export function placeOf({ index, operationId }: Place): Place {
  return { index: count('index', index), operationId: id('operationId', operationId) };
}

/**
 * Undefined for a plain write.
 * @throws TypeError `INVALID_ARGUMENT`: also when one of `epoch` and `operationId` is missing, because a write that
 *   seems to be fenced and is not would be the worst of both
 */
export function fenced(context: StoreContext | undefined): (Writer & Place) | undefined {
  const { epoch, operationId } = context ?? {};

  if (!context || (epoch === undefined && operationId === undefined)) return undefined;
  if (epoch === undefined || operationId === undefined) {
    throw invalidArgument('The context of a write has either both epoch and operationId, or none of them');
  }

  return { ...writerOf({ ...context, epoch }), ...placeOf({ ...context, operationId }) };
}

/** @throws TypeError `INVALID_ARGUMENT` */
export function id(name: string, text: string): string {
  const fits = typeof text === 'string' && text !== '' && text.length <= MAX_ID_LENGTH;

  if (!fits || text.includes('\0') || HALF_PAIR.test(text)) {
    throw invalidArgument(`${name} must be a string of 1 to ${MAX_ID_LENGTH} characters of Unicode, without NUL`);
  }

  return text;
}

function count(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalidArgument(`${name} must be a whole number, 0 or more, not ${String(value)}`);
  }

  return value;
}

/** The error for what a store has refused. */
export function staleWrite(
  { code, fence }: Extract<EncodedResult, { status: 'refused' }>,
  { epoch, term }: Writer,
  { index, operationId }: Place,
): StaleWriteError {
  const text =
    code === 'STALE_EPOCH'
      ? `The leader of epoch ${epoch}, term ${term} was refused: that of epoch ${fence.epoch}, term ${fence.term} has written`
      : `Operation ${operationId} with index ${index} was refused: index ${fence.index} has been carried out`;

  return new StaleWriteError(code, text);
}
