/**
 * Whether two values count as the same. (Taken from a method, so that a map of numbers is also a map of unknown values
 * for TypeScript, as a `Map` is.)
 */
export type EqualValues<V> = {
  /** Whether `a` and `b` count as the same. */
  compare(a: V, b: V): boolean;
}['compare'];

/** The default: equal JSON text. */
export function equalJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
