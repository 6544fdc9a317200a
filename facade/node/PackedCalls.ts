/**
 * Calls of the native side that travel together: what is packed in one turn of JavaScript goes in one buffer and one
 * native call, in the order of the calls.
 */
import { PackWriter } from '../binding/packing';

/** A buffer of this size goes at once, so that a large batch does not pile up in memory. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export abstract class PackedCalls {
  protected readonly writer = new PackWriter();
  private scheduled = false;
  private readonly flushScheduled = () => {
    this.scheduled = false;
    this.flush();
  };

  /** @param send takes what was packed; it is overwritten after that has returned */
  constructor(private readonly send: (packed: Uint8Array) => void) {}

  /** Sends what has been packed. Called before anything that must come after the calls so far. */
  flush(): void {
    if (this.writer.length > 0) this.send(this.writer.take());
  }

  /** Drops what has been packed: the peer is closed. */
  discard(): void {
    this.writer.rewind(0);
  }

  /** A call is packed. */
  protected end(): void {
    if (this.writer.length >= MAX_BUFFERED_BYTES) {
      this.flush();
    } else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.flushScheduled);
    }
  }

  protected list(items: readonly Uint8Array[]): void {
    this.writer.u32(items.length);
    for (const item of items) this.writer.bytes(item);
  }
}
