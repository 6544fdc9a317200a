/**
 * Several operations in one call of an exact store. They are repeated until the store has answered for each of them, so
 * none is given up; only one that a former leader gave up, and whose place is taken, ends as it did there.
 *
 * `equalValues` of the user's own cannot be asked within the store. Then `updateIf` makes a batch of its own: the leader,
 * who is the only one to write, reads the value, compares, and has the store compare with exactly what it has read. A
 * repetition is answered from the store's record, whatever it compares with.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toError } from '../../node/guardedEmit';
import { RemoteMethod } from '../../node/protocol';
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult } from '../../node/ReplyOutbox';
import type { StoreResult } from '../../stores/ExactStore';
import { Retrying } from './Retrying';
import type { RemoteMapTools } from './remoteMapMethods';
import { BatchedExecution } from './storeOperations';
import { isStale, type Work, type Workplace } from './Work';

/** The most operations of one batch. A store does nothing else meanwhile. */
const MAX_OPERATIONS = 256;
/** A batch that has so many bytes of keys and values is full. */
const MAX_BYTES = 1024 * 1024;
/** Results are encoded for so long at a time, in milliseconds: what was in the store may be much, and others wait. */
const TELLING_MS = 10;

type Refusal<K, V> = Extract<StoreResult<K, V>, { status: 'refused' }>;
type Answer<K, V> = Exclude<StoreResult<K, V>, { status: 'refused' }>;

export class BatchWork<K, V> implements Work {
  readonly term: number;
  readonly size: number;

  private readonly retrying: Retrying;
  /** What the store has answered, and nobody has been told. */
  private readonly answers: (readonly [BatchedExecution<K, V>, Answer<K, V>])[] = [];
  /** So many of them, from the first on, have been told. */
  private told = 0;

  /** @param executions of one term and one epoch */
  constructor(
    private readonly workplace: Workplace<K, V>,
    private readonly executions: readonly [Execution, ...Execution[]],
  ) {
    this.term = executions[0].term;
    this.size = executions.length;
    this.retrying = new Retrying(workplace, executions[0]);
  }

  /** How many of these, from the first on, make a batch. */
  static length<K, V>(tools: RemoteMapTools<K, V>, executions: readonly Execution[]): number {
    const [first] = executions;
    let bytes = 0;

    if (!first || comparesWithUsersFunction(tools, first)) return Math.min(executions.length, 1);

    const end = executions.findIndex((execution, index) => {
      const full = index >= MAX_OPERATIONS || bytes >= MAX_BYTES;

      for (const part of [...execution.keys, ...execution.values]) bytes += part.length;

      return (
        full ||
        execution.term !== first.term ||
        execution.epoch !== first.epoch ||
        comparesWithUsersFunction(tools, execution)
      );
    });

    return end < 0 ? executions.length : end;
  }

  async run(): Promise<void> {
    const [first] = this.executions;

    try {
      // The store is called at once, unless it has to be read before.
      const asksUser = comparesWithUsersFunction(this.workplace.tools, first);

      for (let left = this.prepare(asksUser ? await this.look(first) : undefined); left.length > 0; ) {
        const results = await this.retrying.until((signal, attempt) => this.call(left, signal, attempt), isRefusal);

        if (!results) return;
        left = this.take(left, results);
      }
    } catch (error) {
      this.workplace.refused(first, toError(error));
    }
  }

  async tell(): Promise<void> {
    for (let end = performance.now() + TELLING_MS; this.told < this.answers.length; ) {
      this.tellOne(...(this.answers[this.told++] as (typeof this.answers)[number]));
      if (performance.now() > end) {
        await nextTurn();
        end = performance.now() + TELLING_MS;
      }
    }
  }

  stop(): void {
    this.retrying.stop();
  }

  /** An operation that cannot be read fails, here as with every other leader. */
  private prepare(found: { readonly value: V } | undefined): BatchedExecution<K, V>[] {
    const { tools } = this.workplace;
    const prepared: BatchedExecution<K, V>[] = [];

    for (const execution of this.executions) {
      try {
        prepared.push(new BatchedExecution(tools, execution, found));
      } catch (error) {
        this.failed(execution, 'CALLBACK_FAILED', toError(error));
      }
    }

    return this.retrying.stopped ? [] : prepared;
  }

  /** What the store has, if the user's function finds that equal to what the caller expects. */
  private async look({ keys, values }: Execution): Promise<{ readonly value: V } | undefined> {
    const { store, codec, equalValues } = this.workplace.tools;

    try {
      const key = codec.decodeKey(keys[0] as Uint8Array);
      const expected = codec.decodeValue(values[1] as Uint8Array);
      const value = await this.retrying.until(async () => ({ value: await store.get(key) }), isUnreadable);

      if (!value || value.value === undefined || !equalValues(value.value, expected)) return undefined;

      return value as { readonly value: V };
    } catch {
      // What the caller has sent cannot be read: that throws once more when the operation is made, and is its failure.
      // Or what the store has cannot, and is not what the caller expects.
      return undefined;
    }
  }

  private async call(
    executions: readonly BatchedExecution<K, V>[],
    signal: AbortSignal,
    attempt: number,
  ): Promise<readonly StoreResult<K, V>[]> {
    const { store } = this.workplace.tools;
    const operations = executions.map(({ operation }) => operation);
    const attempts = executions.map(({ execution }) => execution.attempt);
    const { epoch, term } = this.executions[0];
    const context = { epoch, term, attempt: attempt > 1 ? 2 : Math.max(...attempts), signal };
    const results: unknown = await store.applyBatch?.(operations, context);

    if (Array.isArray(results) && results.length === operations.length && results.every(isResult)) return results;
    throw new Error('remoteMap.applyBatch must give a result for each operation');
  }

  /** @returns what is to be done still. @throws what the store has refused the epoch with */
  private take(
    executions: readonly BatchedExecution<K, V>[],
    results: readonly StoreResult<K, V>[],
  ): BatchedExecution<K, V>[] {
    const end = results.findIndex(isRefused);
    const answered = (end < 0 ? results : results.slice(0, end)) as readonly Answer<K, V>[];

    for (const [position, answer] of answered.entries()) {
      this.answers.push([executions[position] as BatchedExecution<K, V>, answer]);
    }
    if (end < 0) return [];

    const { error } = results[end] as Refusal<K, V>;

    // The rest may take long.
    this.workplace.inTurn(() => this.tell());
    if (!isStale(error, 'STALE_INDEX')) throw error;
    this.failed((executions[end] as BatchedExecution<K, V>).execution, 'ABANDONED', error);

    return executions.slice(end + 1);
  }

  private tellOne(batched: BatchedExecution<K, V>, result: Answer<K, V>): void {
    const { replies, watch } = this.workplace;

    if (result.repeated) watch.repeated++;
    if (result.status === 'failed') {
      this.failed(batched.execution, 'CALLBACK_FAILED', toError(result.error));
      return;
    }

    let told: RemoteResult;

    try {
      told = batched.result(result.result);
      replies.succeeded(batched.execution, told);
    } catch (error) {
      this.failed(batched.execution, 'CALLBACK_FAILED', toError(error));
      return;
    }
    watch.executed++;
    this.workplace.done(batched.execution, told);
  }

  private failed(execution: Execution, code: string, error: Error): void {
    const { mapId, replies, watch } = this.workplace;

    watch.executed++;
    watch.failed++;
    replies.failed(execution, code, error.message || `The store of the remote map ${mapId} failed`);
  }
}

function comparesWithUsersFunction<K, V>({ ownEquality }: RemoteMapTools<K, V>, { method }: Execution): boolean {
  return ownEquality && method === RemoteMethod.UPDATE_IF;
}

function isResult(result: { status?: unknown } | null | undefined): boolean {
  return result?.status === 'done' || result?.status === 'failed' || result?.status === 'refused';
}

function isRefused<K, V>(result: StoreResult<K, V>): result is Refusal<K, V> {
  return result.status === 'refused';
}

/** A read is refused by nobody. */
function isUnreadable(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'UNREADABLE_VALUE';
}

function isRefusal(error: unknown): boolean {
  return isStale(error, 'STALE_EPOCH');
}
