/** Values that nobody can change. */

/**
 * Freezes plain objects and arrays, with all that is in them, and gives the value back. Everything else stays as it is:
 * instances of classes have ways of their own to change, and typed arrays cannot be frozen.
 */
export function deepFreeze<T>(value: T): T {
  const seen = new Set<unknown>();
  const open: unknown[] = [value];

  while (open.length > 0) {
    const item = open.pop();

    if (!isPlain(item) || seen.has(item)) continue;
    seen.add(item);
    Object.freeze(item);
    for (const property of Object.values(Object.getOwnPropertyDescriptors(item))) open.push(property.value);
  }

  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;

  const prototype = Object.getPrototypeOf(value);

  // `Object.prototype` of any realm is the end of its chain.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
