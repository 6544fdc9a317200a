/**
 * Where the keys that a store gives back stand in the list that it was given. A store may give the same objects, or keys
 * that it has made anew.
 */

import type { EntryCodec } from '../entries/EntryCodec';
import { keyText } from '../entries/keyText';

export class KeyPositions<K> {
  private readonly byKey: Map<K, number>;
  private byBytes: Map<string, number> | undefined;

  constructor(
    keys: readonly K[],
    private readonly keyBytes: readonly Uint8Array[],
    // biome-ignore lint/suspicious/noExplicitAny: the values do not matter
    private readonly codec: EntryCodec<K, any>,
  ) {
    this.byKey = new Map(keys.map((key, index) => [key, index]));
  }

  /** The position of a key; undefined for one that is not in the list. */
  find(key: K): number | undefined {
    const position = this.byKey.get(key);

    if (position !== undefined || key === undefined) return position;
    this.byBytes ??= new Map(this.keyBytes.map((bytes, index) => [keyText(bytes), index]));

    return this.byBytes.get(keyText(this.codec.encodeKey(key)));
  }
}
