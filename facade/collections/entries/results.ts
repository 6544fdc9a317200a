/** What callers get of an answer. The owner of a request is its codec, the subject the keys that it was made with. */
import type { Outcome } from '../../node/Outcome';
import type { EntryCodec } from './EntryCodec';

// biome-ignore lint/suspicious/noExplicitAny: one function for all types of keys and values
type AnyCodec = EntryCodec<any, any>;

/** The old, existing or removed value of a request with one key. */
export function firstValue(outcome: Outcome, codec: AnyCodec): unknown {
  return codec.decodeOptional(outcome.values[0]);
}

/** Whether the one key existed. */
export function existed(outcome: Outcome): boolean {
  return outcome.indexes.length > 0;
}

/** The keys that existed. */
export function keySet<K>(outcome: Outcome, _codec: AnyCodec, keys: readonly K[]): Set<K> {
  return new Set(outcome.indexes.map((index) => keys[index] as K));
}

/** The old, existing or removed entries. */
export function entryMap<K>(outcome: Outcome, codec: AnyCodec, keys: readonly K[]): Map<K, unknown> {
  const entries = new Map<K, unknown>();

  outcome.indexes.forEach((index, position) => {
    entries.set(keys[index] as K, codec.decodeOptional(outcome.values[position]));
  });

  return entries;
}

/** Whether the key has changed since the caller looked at it. */
export function conflicted(outcome: Outcome): boolean {
  return outcome.conflict;
}

/** Done. */
export function nothing(): void {}
