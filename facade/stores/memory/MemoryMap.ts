/** One map in memory, with the fence and the records of an exact store: the rules, in their shortest form. */
import {
  type EncodedOperation,
  type EncodedResult,
  type Fence,
  RECORD_LIMIT,
  type StoreBackend,
  textOf,
  type Writer,
} from '../core/StoreBackend';

type Settled = Exclude<EncodedResult, { status: 'refused' }>;

export class MemoryMap implements StoreBackend {
  private readonly content = new Map<string, Buffer>();
  private readonly epochs = new Map<string, number>();
  /** In their order. */
  private readonly records = new Map<string, Settled>();
  private fence: Fence = { epoch: -1, term: -1, index: -1 };

  async acquire(gridId: string): Promise<number> {
    const known = this.epochs.get(gridId);

    if (known !== undefined) return known;

    const epoch = Math.max(0, this.fence.epoch, ...this.epochs.values()) + 1;

    this.epochs.set(gridId, epoch);

    return epoch;
  }

  async apply(operations: readonly EncodedOperation[], writer: Writer | undefined): Promise<EncodedResult[]> {
    const results: EncodedResult[] = [];

    for (const operation of operations) {
      const result = writer ? this.applyFenced(operation, writer) : this.carryOut(operation);

      if (result.status === 'refused') return [...results, ...operations.slice(results.length).map(() => result)];
      results.push(result);
    }

    return results;
  }

  async size(): Promise<number> {
    return this.content.size;
  }

  async keys(): Promise<Buffer[]> {
    return [...this.content.keys()].map(bytesOf);
  }

  async read(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return keys.map((key) => this.content.get(textOf(key)));
  }

  async *entries(): AsyncGenerator<readonly [Buffer, Buffer]> {
    // A key that is removed and set again is not met twice.
    for (const key of [...this.content.keys()]) {
      const value = this.content.get(key);

      if (value) yield [bytesOf(key), value];
    }
  }

  private applyFenced(operation: EncodedOperation, { epoch, term }: Writer): EncodedResult {
    const { fence } = this;

    if (epoch < fence.epoch || (epoch === fence.epoch && term < fence.term)) {
      return { status: 'refused', code: 'STALE_EPOCH', fence };
    }

    const record = this.records.get(operation.operationId);
    // Indexes start again in each epoch.
    const lastIndex = epoch > fence.epoch ? -1 : fence.index;

    if (!record && operation.index < lastIndex) return { status: 'refused', code: 'STALE_INDEX', fence };

    this.fence = { epoch, term, index: Math.max(lastIndex, operation.index) };

    return record ? { ...record, repeated: true } : this.record(operation);
  }

  private record(operation: EncodedOperation): Settled {
    const result = this.carryOut(operation);

    this.records.set(operation.operationId, result);
    for (const oldest of this.records.keys()) {
      if (this.records.size <= RECORD_LIMIT) break;
      this.records.delete(oldest);
    }

    return result;
  }

  private carryOut({ kind, keys, values }: EncodedOperation): Settled {
    if (kind === 'fail') return { status: 'failed', repeated: false, text: String(values[0]) };

    return { status: 'done', repeated: false, found: this.act(kind, keys.map(textOf), values) };
  }

  private act(kind: EncodedOperation['kind'], keys: readonly string[], values: readonly Buffer[]) {
    const { content } = this;
    const found = keys.map((key) => content.get(key));

    if (kind === 'clear') content.clear();
    if (kind === 'updateIf') {
      const [[key], [value, oldValue]] = [keys as [string], values as [Buffer, Buffer]];

      if (!found[0]?.equals(oldValue)) return [undefined];
      content.set(key, Buffer.from(value));
    }

    keys.forEach((key, position) => {
      if (kind === 'remove') content.delete(key);
      // What is kept is a copy: the bytes belong to the caller's codec.
      if (kind === 'set' || (kind === 'insert' && !found[position])) {
        content.set(key, Buffer.from(values[position] as Buffer));
      }
    });

    return found;
  }
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
