/** Random choices that a seed repeats. What processes do at which moment is up to the machine: no seed repeats that. */

export interface Random {
  /** At least 0 and below 1. */
  next(): number;
  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** Random numbers of this seed: Weyl's sequence, mixed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;

    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);

    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);

    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x100000000;
  };
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));

  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(0, items.length - 1)] as (typeof items)[number],
    shuffled(items) {
      const left = [...items];

      return items.map(() => left.splice(int(0, left.length - 1), 1)[0] as (typeof items)[number]);
    },
  };
}
