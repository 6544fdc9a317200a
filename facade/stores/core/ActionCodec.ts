/** What an operation does, in bytes, and what came of it, in the user's types. */
import { invalidArgument } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import type { StoreAction, StoreValue } from '../ExactStore';
import type { ByteCodec } from './ByteCodec';
import { type EncodedAction, type EncodedResult, textOf } from './StoreBackend';

type Found = Extract<EncodedResult, { status: 'done' }>['found'];

/** An action on its way to a store and back. */
export interface EncodedCall<K, V> {
  readonly action: EncodedAction;
  /** Why it cannot be carried out; the action is `fail` then. */
  readonly error?: Error;
  /** May throw what a codec throws. */
  decode(found: Found): StoreValue<K, V>;
}

const CLEAR: EncodedAction = { kind: 'clear', keys: [], values: [] };

export class ActionCodec<K, V> {
  constructor(
    private readonly keyCodec: ByteCodec<K>,
    private readonly valueCodec: ByteCodec<V>,
  ) {}

  /** What a codec throws is the failure of the action, and no exception. */
  encode(action: StoreAction<K, V>): EncodedCall<K, V> {
    try {
      return this.encodeAction(action);
    } catch (thrown) {
      const error = toError(thrown);
      // No store need know how to keep a NUL.
      const text = error.message.replaceAll('\0', '\ufffd');

      return { action: { kind: 'fail', keys: [], values: [Buffer.from(text)] }, error, decode: () => undefined };
    }
  }

  private encodeAction(action: StoreAction<K, V>): EncodedCall<K, V> {
    switch (action.method) {
      case 'set':
      case 'insert':
        return {
          action: {
            kind: action.method,
            keys: [this.keyCodec.encode(action.key)],
            values: [this.valueCodec.encode(action.value)],
          },
          decode: ([found]) => this.optional(found),
        };
      case 'setAll':
        return this.several('set', action.entries, (entries, found) => this.updateResult(entries, found));
      case 'insertAll':
        return this.several('insert', action.entries, (entries, found) => this.existing(entries.keys(), found));
      case 'updateIf':
        return {
          action: {
            kind: 'updateIf',
            keys: [this.keyCodec.encode(action.key)],
            values: [this.valueCodec.encode(action.value), this.valueCodec.encode(action.oldValue)],
          },
          decode: ([found]) => isThere(found),
        };
      case 'remove':
        return {
          action: { kind: 'remove', keys: [this.keyCodec.encode(action.key)], values: [] },
          decode: ([found]) => this.optional(found),
        };
      case 'removeAll':
        return this.removeAll(action.keys);
      case 'clear':
        return { action: CLEAR, decode: () => undefined };
      default:
        throw invalidArgument(`Stores have no method ${String((action as { method: unknown }).method)}`);
    }
  }

  /** Keys that are the same for the store count once: the last value is set, the first one inserted. */
  private several(
    kind: 'set' | 'insert',
    entries: ReadonlyMap<K, V>,
    decode: (entries: ReadonlyMap<K, V>, found: Found) => StoreValue<K, V>,
  ): EncodedCall<K, V> {
    const positions = new Map<string, number>();
    const distinct: [K, V][] = [];
    const keys: Buffer[] = [];
    const values: Buffer[] = [];

    for (const [key, value] of entries) {
      const bytes = this.keyCodec.encode(key);
      const known = positions.get(textOf(bytes));

      if (known !== undefined && kind === 'insert') continue;

      const position = known ?? keys.length;

      positions.set(textOf(bytes), position);
      distinct[position] = [distinct[position]?.[0] ?? key, value];
      keys[position] = bytes;
      values[position] = this.valueCodec.encode(value);
    }

    return { action: { kind, keys, values }, decode: (found) => decode(new Map(distinct), found) };
  }

  private removeAll(all: readonly K[]): EncodedCall<K, V> {
    const distinct = new Map<string, [K, Buffer]>();

    for (const key of all) {
      const bytes = this.keyCodec.encode(key);

      if (!distinct.has(textOf(bytes))) distinct.set(textOf(bytes), [key, bytes]);
    }

    const keys = [...distinct.values()].map(([key]) => key);

    return {
      action: { kind: 'remove', keys: [...distinct.values()].map(([, bytes]) => bytes), values: [] },
      decode: (found) => this.existing(keys, found),
    };
  }

  private existing(keys: Iterable<K>, found: Found): Map<K, V> {
    const existing = new Map<K, V>();
    let position = 0;

    for (const key of keys) {
      const bytes = found[position++];

      if (isThere(bytes)) existing.set(key, this.valueCodec.decode(bytes));
    }

    return existing;
  }

  private updateResult(entries: ReadonlyMap<K, V>, found: Found) {
    const inserted: [key: K, value: V][] = [];
    const updated: [key: K, oldValue: V, newValue: V][] = [];
    let position = 0;

    for (const [key, value] of entries) {
      const bytes = found[position++];

      if (isThere(bytes)) updated.push([key, this.valueCodec.decode(bytes), value]);
      else inserted.push([key, value]);
    }

    return { inserted, updated };
  }

  private optional(bytes: Buffer | null | undefined): V | undefined {
    return isThere(bytes) ? this.valueCodec.decode(bytes) : undefined;
  }
}

/** An empty value is one. */
export function isThere(bytes: Buffer | null | undefined): bytes is Buffer {
  return bytes !== null && bytes !== undefined;
}
