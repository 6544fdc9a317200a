/** Random values of the kinds that unit tests need. */
import { seededGenerator } from '../support/random';

export interface SeededRandom {
  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** True with a probability. */
  chance(probability: number): boolean;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** Up to `maxLength` random bytes. */
  bytes(maxLength: number): Uint8Array;
  /** Up to `maxLength` characters of one to four bytes, never half of a surrogate pair. */
  text(maxLength: number): string;
}

export function seededRandom(testFile: string): SeededRandom {
  const { next } = seededGenerator(`unit/${testFile}`);

  const random: SeededRandom = {
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => items[random.int(0, items.length - 1)] as (typeof items)[number],
    bytes: (maxLength) => Uint8Array.from({ length: random.int(0, maxLength) }, () => random.int(0, 255)),
    text: (maxLength) =>
      Array.from({ length: random.int(0, maxLength) }, () =>
        random.pick([...'aZ9-_ "\\\n\0é߿ࠀ日\uFEFF\uFFFD😀\u{10FFFF}']),
      ).join(''),
  };

  return random;
}
