/**
 * The way of the operations to the native side. What is called in one turn of JavaScript travels together, in one packed
 * buffer and one native call, in the order of the calls.
 */
import { PackWriter } from '../binding/packing';
import { type CompareAction, NO_HANDLE, Opcode, type RemoteMethod } from './protocol';

/** A buffer of this size goes at once, so that a large batch does not pile up in memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

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

const NO_BYTES = new Uint8Array(0);

export class Outbox {
  private readonly writer = new PackWriter();
  private scheduled = false;
  private readonly flushScheduled = () => {
    this.scheduled = false;
    this.flush();
  };

  /** @param send takes the packed operations; they are overwritten after it has returned */
  constructor(private readonly send: (packed: Uint8Array) => void) {}

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

  /** Sends what has been packed. Called before anything that must come after the operations so far. */
  flush(): void {
    if (this.writer.length > 0) this.send(this.writer.take());
  }

  /** Drops what has been packed: the peer is closed. */
  discard(): void {
    this.writer.rewind(0);
  }

  private begin(opcode: number, token: number, handle: number): void {
    this.writer.u8(opcode);
    this.writer.u32(token);
    this.writer.u32(handle);
  }

  private list(items: readonly Uint8Array[]): void {
    this.writer.u32(items.length);
    for (const item of items) this.writer.bytes(item);
  }

  private end(): void {
    if (this.writer.length >= MAX_BUFFERED_BYTES) {
      this.flush();
    } else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.flushScheduled);
    }
  }
}
