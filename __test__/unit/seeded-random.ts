/** Random numbers that a seed repeats: a test prints the command that gives it the same numbers again. */

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

/** Takes the seed from HAMOK_SEED, else from the clock, and prints it. */
export function seededRandom(testFile: string): SeededRandom {
  const seed = Number(process.env.HAMOK_SEED ?? Date.now() % 0x100000000);

  console.info(`Seed ${seed}. To repeat: HAMOK_SEED=${seed} npx vitest run __test__/unit/${testFile}`);

  // Marsaglia's xorshift, 32 bits; its state is never 0.
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x100000000;
  };

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
