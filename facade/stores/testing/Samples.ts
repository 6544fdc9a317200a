/** Keys and values by numbers. */

import { inspect } from 'node:util';
import { holds } from './assertions';

export class Samples<K, V> {
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly makeKey: (number: number) => K = (number) => `key-${number}` as K,
    private readonly makeValue: (number: number) => V = (number) => ({ number }) as V,
  ) {}

  key(number: number): K {
    return this.makeKey(number);
  }

  keys(count: number): K[] {
    return Array.from({ length: count }, (_, number) => this.key(number));
  }

  value(number: number): V {
    const value = this.makeValue(number);

    this.numbers.set(inspect(value, { depth: 9 }), number);

    return value;
  }

  /** The number that a value was made of. */
  numberOf(value: V): number {
    const number = this.numbers.get(inspect(value, { depth: 9 }));

    holds(number !== undefined, `the store gives a value that nobody has set: ${inspect(value)}`);

    return number;
  }

  /** An entry for each pair of numbers, of a key and a value. */
  entries(...pairs: readonly (readonly [key: number, value: number])[]): Map<K, V> {
    return new Map(pairs.map(([key, value]) => [this.key(key), this.value(value)]));
  }

  /** So many entries, each with the same number for key and value. */
  many(count: number): Map<K, V> {
    return this.entries(...Array.from({ length: count }, (_, number) => [number, number] as const));
  }
}
