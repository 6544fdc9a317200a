/** The little that checks need to say what they expect. */
import { inspect, isDeepStrictEqual } from 'node:util';

/** A store does not keep a promise. */
export class CheckFailure extends Error {}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(unordered(actual), unordered(expected))) return;

  throw new CheckFailure(`${what}\n  expected: ${text(expected)}\n  got:      ${text(actual)}`);
}

export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new CheckFailure(what);
}

/** @param code that of the error */
export async function refused(promise: Promise<unknown>, code: string, what: string): Promise<void> {
  const end = await promise.then(
    (value) => ({ value }),
    (error) => ({ error: error as { code?: unknown } | undefined }),
  );

  if (!('error' in end))
    throw new CheckFailure(`${what}\n  expected: an error with the code ${code}\n  got:      success`);
  if (end.error?.code !== code) {
    throw new CheckFailure(`${what}\n  expected: an error with the code ${code}\n  got:      ${text(end.error)}`);
  }
}

/** A store may give entries in any order. */
function unordered(value: unknown): unknown {
  if (value instanceof Map) return sorted([...value]);
  if (typeof value !== 'object' || value === null || !('inserted' in value && 'updated' in value)) return value;

  return { inserted: sorted(value.inserted as unknown[][]), updated: sorted(value.updated as unknown[][]) };
}

/** By their keys. */
function sorted(entries: readonly (readonly unknown[])[]): unknown[] {
  return entries
    .map((entry) => [inspect(entry[0], { depth: 9 }), entry] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => entry);
}

function text(value: unknown): string {
  return inspect(value, { depth: 9, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 20, maxStringLength: 500 });
}
