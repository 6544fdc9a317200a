/** The fields of a record as this peer has them: decoded for reading, and as the bytes that the grid has. */
import { ChangeKind } from '../../node/protocol';
import type { Change } from '../../node/RecordSink';
import { deepFreeze } from './deepFreeze';
import type { RecordCodec } from './RecordCodec';

interface Field {
  readonly bytes: Uint8Array;
  /** Frozen. Undefined when it is not readable. */
  readonly value: unknown;
  /** Whether the field's codec could read it. */
  readonly readable: boolean;
}

/** A change as listeners hear of it: the event and its argument. */
export type FieldEvent =
  | readonly ['insert', { readonly key: string; readonly value: unknown }]
  | readonly ['update', { readonly key: string; readonly oldValue: unknown; readonly newValue: unknown }]
  | readonly ['remove', { readonly key: string; readonly value: unknown }]
  | readonly ['clear', undefined];

export class RecordFields {
  /** A `Map`, because any text may be the name of a field: `__proto__` too. */
  private readonly fields = new Map<string, Field>();

  constructor(private readonly codec: RecordCodec) {}

  /** Whether the field exists, readable or not. */
  has(key: string): boolean {
    return this.fields.has(key);
  }

  /** The value, frozen; undefined when the field does not exist or cannot be read. */
  get(key: string): unknown {
    return this.fields.get(key)?.value;
  }

  /** Whether the field exists and its codec could read it. */
  isReadable(key: string): boolean {
    return this.fields.get(key)?.readable ?? false;
  }

  /** All fields that can be read, with values of the caller's own. */
  copies(): Record<string, unknown> {
    const entries: [string, unknown][] = [];

    for (const [key, { bytes, readable }] of this.fields) {
      if (readable) entries.push([key, this.codec.decodeValue(key, bytes)]);
    }

    return Object.fromEntries(entries);
  }

  /** All fields as bytes of the caller's own. */
  export(): { keys: Uint8Array[]; values: Uint8Array[] } {
    return {
      keys: Array.from(this.fields.keys(), (key) => new Uint8Array(this.codec.encodeKey(key))),
      values: Array.from(this.fields.values(), ({ bytes }) => new Uint8Array(bytes)),
    };
  }

  clear(): void {
    this.fields.clear();
  }

  /** @throws HamokError `INVALID_MESSAGE` when a value cannot be read: then it is kept, and not to be seen */
  apply({ kind, key: keyBytes, value: bytes }: Change): FieldEvent | undefined {
    if (!keyBytes || kind === ChangeKind.CLEAR) {
      this.fields.clear();
      return ['clear', undefined];
    }

    const key = this.codec.decodeKey(keyBytes);
    const former = this.fields.get(key);

    if (bytes) return this.put(key, bytes, former);
    this.fields.delete(key);

    return former?.readable ? ['remove', { key, value: former.value }] : undefined;
  }

  private put(key: string, arrived: Uint8Array, former: Field | undefined): FieldEvent {
    // A copy: the bytes would keep all that arrived with them in memory.
    const bytes = new Uint8Array(arrived);

    this.fields.set(key, { bytes, value: undefined, readable: false });

    const value = deepFreeze(this.codec.decodeValue(key, bytes));

    this.fields.set(key, { bytes, value, readable: true });

    return former?.readable ? ['update', { key, oldValue: former.value, newValue: value }] : ['insert', { key, value }];
  }
}
