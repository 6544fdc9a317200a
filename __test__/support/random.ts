/** Random numbers that a seed repeats: a test prints the command that gives it the same numbers again. */

export interface Generator {
  readonly seed: number;
  /** At least 0 and below 1. */
  next(): number;
}

/** Takes the seed from HAMOK_SEED, else from the clock, and prints it. @param testPath below the test folder */
export function seededGenerator(testPath: string): Generator {
  const seed = Number(process.env.HAMOK_SEED ?? Date.now() % 0x100000000);

  console.info(`Seed ${seed}. To repeat: HAMOK_SEED=${seed} npx vitest run __test__/${testPath}`);

  // Marsaglia's xorshift, 32 bits; its state is never 0.
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x100000000;
  };

  return { seed, next };
}
