/** Checks of what users pass to calls, and words for it. */
import { invalidArgument } from './errors';

/** Half of a pair: it has no form in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @param what begins the text of the error. @throws TypeError `INVALID_ARGUMENT` when UTF-8 cannot carry the text */
export function assertWellFormed(text: string, what: string): void {
  if (LONE_SURROGATE.test(text)) {
    throw invalidArgument(`${what} has half of a surrogate pair, which UTF-8 cannot carry`);
  }
}

/** What a value is, for an error. */
export function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}
