/** The way of the operations to the native side. */
import { PackedCalls } from './PackedCalls';
import { type CompareAction, NO_HANDLE, Opcode, type RemoteMethod } from './protocol';

/** `COMPARE`: acts on a key only if it has not changed since the caller looked at it. */
export interface CompareOperation {
  readonly key: Uint8Array;
  /** The revision that the caller's mirror was at. */
  readonly seenRevision: number;
  /** Whether the key existed then. */
  readonly present: boolean;
  readonly action: CompareAction;
  /** The value to set; undefined unless `action` says so. */
  readonly value: Uint8Array | undefined;
}

/** `COMPARE_ALL`: sets entries only if none of some keys has changed since the caller looked at them. */
export interface CompareAllOperation {
  /** The revision that the caller's mirror was at. */
  readonly seenRevision: number;
  /** The keys, and whether they existed then. */
  readonly expected: readonly (readonly [key: Uint8Array, present: boolean])[];
  /** What to set; empty: only to find out whether a key has changed. */
  readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
}

const NO_BYTES = new Uint8Array(0);

export class Outbox extends PackedCalls {
  /** `SET_ALL` or `INSERT_ALL`. @param values one for each key */
  entries(
    opcode: number,
    token: number,
    handle: number,
    keys: readonly Uint8Array[],
    values: readonly Uint8Array[],
  ): void {
    const { writer } = this;

    this.begin(opcode, token, handle);
    writer.u32(keys.length);
    for (let index = 0; index < keys.length; index++) {
      writer.bytes(keys[index] as Uint8Array);
      writer.bytes(values[index] as Uint8Array);
    }
    this.end();
  }

  /** `REMOVE_ALL`. */
  removal(token: number, handle: number, keys: readonly Uint8Array[]): void {
    this.begin(Opcode.REMOVE_ALL, token, handle);
    this.list(keys);
    this.end();
  }

  /** `CLEAR`. */
  clear(token: number, handle: number): void {
    this.begin(Opcode.CLEAR, token, handle);
    this.end();
  }

  /** `COMPARE`. */
  compare(token: number, handle: number, operation: CompareOperation): void {
    const { writer } = this;

    this.begin(Opcode.COMPARE, token, handle);
    writer.bytes(operation.key);
    writer.f64(operation.seenRevision);
    writer.u8(operation.present ? 1 : 0);
    writer.u8(operation.action);
    writer.bytes(operation.value ?? NO_BYTES);
    this.end();
  }

  /** `COMPARE_ALL`. */
  compareAll(token: number, handle: number, { seenRevision, expected, entries }: CompareAllOperation): void {
    const { writer } = this;

    this.begin(Opcode.COMPARE_ALL, token, handle);
    writer.f64(seenRevision);
    writer.u32(expected.length);
    for (const [key, present] of expected) {
      writer.bytes(key);
      writer.u8(present ? 1 : 0);
    }
    writer.u32(entries.length);
    for (const [key, value] of entries) {
      writer.bytes(key);
      writer.bytes(value);
    }
    this.end();
  }

  /** `RECLAIM`. */
  reclaim(token: number, handle: number): void {
    this.begin(Opcode.RECLAIM, token, handle);
    this.end();
  }

  /** `PUSH`. */
  push(token: number, handle: number, items: readonly Uint8Array[]): void {
    this.begin(Opcode.PUSH, token, handle);
    this.list(items);
    this.end();
  }

  /** `POP`. */
  pop(token: number, handle: number): void {
    this.begin(Opcode.POP, token, handle);
    this.end();
  }

  /** `REMOTE`. */
  remote(
    method: RemoteMethod,
    token: number,
    handle: number,
    keys: readonly Uint8Array[],
    values: readonly Uint8Array[],
  ): void {
    this.begin(Opcode.REMOTE, token, handle);
    this.writer.u8(method);
    this.list(keys);
    this.list(values);
    this.end();
  }

  /** `MESSAGE`. */
  message(token: number, message: Uint8Array): void {
    this.begin(Opcode.MESSAGE, token, NO_HANDLE);
    this.writer.bytes(message);
    this.end();
  }

  private begin(opcode: number, token: number, handle: number): void {
    this.writer.u8(opcode);
    this.writer.u32(token);
    this.writer.u32(handle);
  }
}
