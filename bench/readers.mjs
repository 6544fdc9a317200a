// @ts-check
// The loops of reads.mjs. A module of their own, because it is imported once for each kind of map: so each kind has code
// of its own, which V8 optimises for it alone, as it does in a service that reads one map in one place.

/** @param {{ get(key: string): number | undefined }} map @param {string[]} keys @param {number} rounds */
export function getAll(map, keys, rounds) {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < keys.length; index++) sum += map.get(/** @type {string} */ (keys[index])) ?? 0;
  }
  return sum;
}

/** @param {Iterable<[string, number]>} map @param {number} rounds */
export function iterate(map, rounds) {
  let sum = 0;
  for (let round = 0; round < rounds; round++) for (const [, value] of map) sum += value;
  return sum;
}
