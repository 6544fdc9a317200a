/**
 * What an executed operation means for its caller and for the listeners of all peers, from what the store has reported.
 * Keys are named by their positions in the operation.
 */
import { ChangeKind } from '../../node/protocol';
import type { Execution } from '../../node/RecordSink';
import type { RemoteEvent, RemoteResult, ResultEntry } from '../../node/ReplyOutbox';
import type { EntryCodec } from '../entries/EntryCodec';

export class RemoteReport<K, V> {
  private readonly entries: ResultEntry[] = [];
  private readonly events: RemoteEvent[] = [];

  constructor(
    private readonly execution: Execution,
    private readonly codec: EntryCodec<K, V>,
    private readonly emitEvents: boolean,
  ) {}

  get result(): RemoteResult {
    return { entries: this.entries, events: this.emitEvents ? this.events : [] };
  }

  /** `set` and `setAll`: the keys that are not in `oldValues` are new. */
  set(oldValues: ReadonlyMap<number, V>): void {
    this.execution.keys.forEach((_, index) => {
      if (!oldValues.has(index)) this.inserted(index);
    });
    for (const [index, oldValue] of oldValues) this.updated(index, this.report(index, oldValue));
  }

  /** `insert` and `insertAll`: the keys that are not in `existing` were inserted. */
  insert(existing: ReadonlyMap<number, V>): void {
    this.execution.keys.forEach((_, index) => {
      const value = existing.get(index);

      if (value === undefined) this.inserted(index);
      else this.report(index, value);
    });
  }

  /** `delete`, `remove` and their like. @param withValues whether the caller hears what was there */
  remove(removed: ReadonlyMap<number, V>, withValues: boolean): void {
    for (const [index, value] of removed) {
      if (withValues) {
        this.removed(index, this.report(index, value));
        continue;
      }
      this.entries.push({ index, value: undefined });
      if (this.emitEvents) this.removed(index, this.encode(value));
    }
  }

  /** `updateIf` that has found what it expected. */
  updateIf(oldValue: V): void {
    this.entries.push({ index: 0, value: undefined });
    if (this.emitEvents) this.updated(0, this.encode(oldValue));
  }

  clear(): void {
    this.events.push({ kind: ChangeKind.CLEAR, key: undefined, value: undefined, oldValue: undefined });
  }

  /** The caller gets this value for the key at this position. @returns it in bytes */
  private report(index: number, value: V): Uint8Array {
    const encoded = this.encode(value);

    this.entries.push({ index, value: encoded });

    return encoded;
  }

  /** An encoder may use the same memory again, for the next value. */
  private encode(value: V): Uint8Array {
    return new Uint8Array(this.codec.encodeValue(value));
  }

  private inserted(index: number): void {
    const { keys, values } = this.execution;

    this.event({ kind: ChangeKind.INSERT, key: keys[index], value: values[index], oldValue: undefined });
  }

  private updated(index: number, oldValue: Uint8Array): void {
    const { keys, values } = this.execution;

    this.event({ kind: ChangeKind.UPDATE, key: keys[index], value: values[index], oldValue });
  }

  private removed(index: number, oldValue: Uint8Array): void {
    this.event({ kind: ChangeKind.REMOVE, key: this.execution.keys[index], value: undefined, oldValue });
  }

  private event(event: RemoteEvent): void {
    if (this.emitEvents) this.events.push(event);
  }
}
