/**
 * How operations and results are packed for the native side, and its records unpacked: little-endian numbers, bytes and
 * text behind a length of 32 bits, nothing between them. What follows what is said by those who write and read.
 */
import { type HamokError, hamokError, invalidArgument } from '../common/errors';

const INITIAL_BYTES = 4 * 1024;

/** A buffer that grew beyond this is given back after use, so that one large write does not hold its memory for ever. */
const MAX_RETAINED_BYTES = 1024 * 1024;

/** Packs into one buffer that grows as needed and is used again after each `take()`. */
export class PackWriter {
  private buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private end = 0;

  /** Number of bytes packed since the last `take()`. */
  get length(): number {
    return this.end;
  }

  /** Appends the low 8 bits of a number. */
  u8(value: number): void {
    const at = this.advance(1);
    this.buffer[at] = value;
  }

  /** Appends an unsigned number of 32 bits. @throws RangeError when it is none */
  u32(value: number): void {
    const at = this.advance(4);
    this.buffer.writeUInt32LE(value, at);
  }

  /** Appends a number. */
  f64(value: number): void {
    const at = this.advance(8);
    this.buffer.writeDoubleLE(value, at);
  }

  /** Appends a length and a copy of bytes. @throws TypeError (`INVALID_ARGUMENT`) when they are no `Uint8Array` */
  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array))
      throw invalidArgument('Expected a Uint8Array: what a codec encodes must be one');

    this.u32(value.length);
    const at = this.advance(value.length);
    this.buffer.set(value, at);
  }

  /** Appends text as `bytes()` appends its UTF-8. */
  str(value: string): void {
    const length = Buffer.byteLength(value);

    this.u32(length);
    const at = this.advance(length);
    this.buffer.write(value, at, length);
  }

  /** Takes back what was packed after the first `length` bytes: for a record that cannot be completed. */
  rewind(length: number): void {
    this.end = length;
  }

  /** What was packed, and begins anew. A view: it is overwritten by what is packed next. */
  take(): Buffer {
    const packed = this.buffer.subarray(0, this.end);

    if (this.buffer.length > MAX_RETAINED_BYTES) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.end = 0;

    return packed;
  }

  /** Makes room and gives its position. `buffer` may be another one afterwards. */
  private advance(length: number): number {
    const at = this.end;
    const end = at + length;

    if (end > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.buffer.length));
      larger.set(this.buffer.subarray(0, at));
      this.buffer = larger;
    }
    this.end = end;

    return at;
  }
}

/** Unpacks from the front to the end. Every read throws a `HamokError` (`INTERNAL`) when the buffer ends before it. */
export class PackReader {
  private readonly buffer: Buffer;
  private readonly view: DataView;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.at === this.buffer.length;
  }

  /** Reads 8 bits. */
  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  /** Reads an unsigned number of 32 bits. */
  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** Reads a number. */
  f64(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  /** Reads bytes: a view of the buffer, not a copy. */
  bytes(): Buffer {
    const length = this.u32();
    const at = this.advance(length);
    return this.buffer.subarray(at, at + length);
  }

  /** Reads text; bytes that are no UTF-8 become U+FFFD. */
  str(): string {
    const length = this.u32();
    const at = this.advance(length);
    return this.buffer.toString('utf8', at, at + length);
  }

  private advance(length: number): number {
    const at = this.at;

    if (length > this.buffer.length - at) throw this.short(length);
    this.at = at + length;

    return at;
  }

  private short(length: number): HamokError {
    return hamokError('INTERNAL', `Packed data ends at ${this.buffer.length}, not at ${this.at + length}`);
  }
}
