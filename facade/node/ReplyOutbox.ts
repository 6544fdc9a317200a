/** The way of the results of remote operations to the native side. */
import { PackedCalls } from './PackedCalls';
import { ChangeKind, ReplyTag } from './protocol';
import type { Claim, Execution } from './RecordSink';

/** An event that a remote operation caused, encoded. Fields that the kind has no use for are undefined. */
export interface RemoteEvent {
  readonly kind: number;
  readonly key: Uint8Array | undefined;
  /** The new value; undefined for a removal. */
  readonly value: Uint8Array | undefined;
  /** The value before; undefined for an insertion. */
  readonly oldValue: Uint8Array | undefined;
}

/** What the caller of a remote operation gets for one of its keys. */
export interface ResultEntry {
  /** Position of the key in the request. */
  readonly index: number;
  /** The old, existing or removed value; undefined where only the key matters. */
  readonly value: Uint8Array | undefined;
}

/** What a remote operation did to the store. */
export interface RemoteResult {
  readonly entries: readonly ResultEntry[];
  readonly events: readonly RemoteEvent[];
}

/** Names the operation that a result belongs to. */
export interface ExecutionId {
  readonly handle: number;
  /** The term in which the operation was handed over. */
  readonly term: number;
  /** Its place in the order of its map. */
  readonly position: number;
}

export class ReplyOutbox extends PackedCalls {
  /** The operation was executed. */
  succeeded(id: ExecutionId, result: RemoteResult): void {
    const { writer } = this;

    this.begin(id, ReplyTag.SUCCEEDED);
    writer.f64(id.position);
    writer.u32(result.entries.length);
    for (const { index, value } of result.entries) {
      writer.u32(index);
      writer.u8(value ? 1 : 0);
      if (value) writer.bytes(value);
    }
    writer.u32(result.events.length);
    for (const event of result.events) this.event(event);
    this.end();
  }

  /** The operation failed, and its caller gets an error. */
  failed(id: ExecutionId, code: string, text: string): void {
    this.begin(id, ReplyTag.FAILED);
    this.writer.f64(id.position);
    this.writer.str(code);
    this.writer.str(text);
    this.end();
  }

  /** The store has answered a claim. */
  acquired(claim: Claim, epoch: number): void {
    this.begin(claim, ReplyTag.ACQUIRED);
    this.writer.str(claim.claim);
    this.writer.f64(epoch);
    this.end();
  }

  /** The store has refused an epoch. What was handed over and is not answered was dropped. */
  refused(write: Pick<Execution, 'handle' | 'term' | 'epoch'>): void {
    this.begin(write, ReplyTag.REFUSED);
    this.writer.f64(write.epoch);
    this.end();
  }

  /** The store of what was handed over fails, and is asked again: until there is another answer, nothing gets on. */
  standsStill(order: Pick<ExecutionId, 'handle' | 'term'>): void {
    this.begin(order, ReplyTag.STANDS_STILL);
    this.end();
  }

  private begin({ handle, term }: Pick<ExecutionId, 'handle' | 'term'>, tag: number): void {
    this.writer.u32(handle);
    this.writer.f64(term);
    this.writer.u8(tag);
  }

  private event({ kind, key, value, oldValue }: RemoteEvent): void {
    const { writer } = this;

    writer.u8(kind);
    if (kind === ChangeKind.CLEAR) return;
    writer.bytes(key as Uint8Array);
    if (kind !== ChangeKind.INSERT) writer.bytes(oldValue as Uint8Array);
    if (kind !== ChangeKind.REMOVE) writer.bytes(value as Uint8Array);
  }
}
