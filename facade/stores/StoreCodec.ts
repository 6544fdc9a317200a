/** How keys and values become what a store keeps. */
import type { HamokCodec } from '../index';

/** A codec that gives text. A store keeps it in UTF-8, so half of a surrogate pair becomes U+FFFD. */
export interface StoreTextCodec<T> extends HamokCodec<T, string> {
  /** May be left out. */
  readonly format?: 'text';
}

/** A codec that gives bytes. A store keeps them as they are. */
export interface StoreBytesCodec<T> extends HamokCodec<T, Uint8Array> {
  /** Tells it from a codec that gives text, which is how a store knows what to hand to `decode`. */
  readonly format: 'bytes';
}

/**
 * What a store keeps a key or a value as. Equal keys must give equal text or bytes; and for `updateIf`, which compares what
 * is kept, equal values too. Every peer must use the same.
 */
export type StoreCodec<T> = StoreTextCodec<T> | StoreBytesCodec<T>;

/** The codecs of a store. */
export interface StoreCodecs<K, V> {
  /** How keys are kept. Default: JSON. */
  readonly keyCodec?: StoreCodec<K>;
  /** How values are kept. Default: JSON. */
  readonly valueCodec?: StoreCodec<V>;
}
