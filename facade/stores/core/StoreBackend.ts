/**
 * What differs between stores, in bytes: how a batch becomes one transaction, and how entries are read. Everything else,
 * the functions that users call, their codecs and their checks, is `BackedStore`'s.
 */
import type { StaleWriteCode } from '../StaleWriteError';

/** Number of operations of a map that a store keeps the results of. A batch has no more. */
export const RECORD_LIMIT = 1024;

/** Who writes. */
export interface Writer {
  readonly epoch: number;
  readonly term: number;
}

/** What a store has seen: of a fresh one, -1 each. */
export interface Fence extends Writer {
  readonly index: number;
}

/**
 * What is done to several keys at once is done to one in the same way. `fail` does nothing: it records that the operation
 * has failed before it came to the store, so that every attempt ends alike.
 */
export type EncodedKind = 'set' | 'insert' | 'remove' | 'updateIf' | 'clear' | 'fail';

export interface EncodedAction {
  readonly kind: EncodedKind;
  /** No two are the same. */
  readonly keys: readonly Buffer[];
  /** `set`, `insert`: one for each key. `updateIf`: the new and the old value. `fail`: the reason, as text. */
  readonly values: readonly Buffer[];
}

export interface EncodedOperation extends EncodedAction {
  readonly index: number;
  readonly operationId: string;
}

/** Of a recorded operation, as it was the first time. */
export type EncodedResult =
  | {
      readonly status: 'done';
      readonly repeated: boolean;
      /** By the positions of the keys, what was there before. `updateIf`: anything when it was set. */
      readonly found: readonly (Buffer | null | undefined)[];
    }
  | { readonly status: 'failed'; readonly repeated: boolean; readonly text: string }
  | { readonly status: 'refused'; readonly code: StaleWriteCode; readonly fence: Fence };

/** The map of one name in a store. */
export interface StoreBackend {
  acquire(gridId: string): Promise<number>;

  /**
   * One transaction. Rejects when nobody knows whether it took place, or it did not take place at all.
   * @param operations not empty; no operation id comes twice
   * @param writer undefined: plain writes, whose indexes and operation ids mean nothing
   */
  apply(operations: readonly EncodedOperation[], writer: Writer | undefined): Promise<EncodedResult[]>;

  size(): Promise<number>;

  keys(): Promise<Buffer[]>;

  /** The values by the positions of the keys. */
  read(keys: readonly Buffer[]): Promise<(Buffer | null | undefined)[]>;

  /** Each entry that is there from beginning to end comes once; others may come, once. */
  entries(): AsyncIterable<readonly [Buffer, Buffer]>;
}

/** The bytes of a key as a key of a JavaScript Map. */
export function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}
