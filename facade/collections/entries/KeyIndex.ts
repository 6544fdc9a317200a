/**
 * Finds the key that a map holds for a key that is equal, but another object.
 *
 * Keys arrive as bytes, and an object that is decoded anew is no key that a JavaScript `Map` knows. Two keys count as the
 * same when their codec gives the same bytes. Keys that are no objects need none of this and cost nothing.
 */

import type { EntryCodec } from './EntryCodec';
import { keyText } from './keyText';

export class KeyIndex<K> {
  private readonly known = new Map<string, K>();

  /** The key that is held in place of this one; the key itself when none is. */
  // biome-ignore lint/suspicious/noExplicitAny: the values do not matter
  find(key: K, codec: EntryCodec<K, any>): K {
    if (!isObject(key) || this.known.size === 0) return key;

    return this.known.get(keyText(codec.encodeKey(key))) ?? key;
  }

  /** As `find`, for a key that is about to be held. @param bytes the key as its codec encodes it */
  hold(key: K, bytes: Uint8Array): K {
    if (!isObject(key)) return key;

    const id = keyText(bytes);
    const held = this.known.get(id);

    if (held === undefined) this.known.set(id, key);

    return held ?? key;
  }

  /** As `find`, for a key that is no longer held. */
  release(key: K, bytes: Uint8Array): K {
    if (!isObject(key)) return key;

    const id = keyText(bytes);
    const held = this.known.get(id);

    this.known.delete(id);

    return held ?? key;
  }

  clear(): void {
    this.known.clear();
  }
}

function isObject(key: unknown): boolean {
  return typeof key === 'object' && key !== null;
}
