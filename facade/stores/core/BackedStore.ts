/** The store that users get, on top of any backend: every write is a batch, a single one a batch of one. */
import { setImmediate } from 'node:timers/promises';
import { invalidArgument } from '../../common/errors';
import type { RemoteMapUpdateResult } from '../../index';
import { toError } from '../../node/guardedEmit';
import type { ExactStore, StoreAction, StoreOperation, StoreResult, StoreValue } from '../ExactStore';
import type { BatchContext, StoreContext } from '../ExecutionContext';
import type { StoreCodecs } from '../StoreCodec';
import { ActionCodec, type EncodedCall, isThere } from './ActionCodec';
import { ByteCodec } from './ByteCodec';
import { fenced, id, type Place, placeOf, staleWrite, writerOf } from './contexts';
import {
  type EncodedOperation,
  type EncodedResult,
  RECORD_LIMIT,
  type StoreBackend,
  textOf,
  type Writer,
} from './StoreBackend';

/** Results are decoded for so long at a time, in milliseconds: there may be much that was in the store. */
const DECODING_MS = 10;

/** A plain write has no place, and no store looks at it. */
const NOWHERE: Place = { index: 0, operationId: '' };

export class BackedStore<K, V> implements ExactStore<K, V> {
  private readonly keyCodec: ByteCodec<K>;
  private readonly valueCodec: ByteCodec<V>;
  private readonly actions: ActionCodec<K, V>;

  constructor(
    private readonly backend: StoreBackend,
    codecs: StoreCodecs<K, V>,
  ) {
    this.keyCodec = new ByteCodec('keyCodec', codecs.keyCodec);
    this.valueCodec = new ByteCodec('valueCodec', codecs.valueCodec);
    this.actions = new ActionCodec(this.keyCodec, this.valueCodec);
  }

  async acquire(gridId: string): Promise<number> {
    return this.backend.acquire(id('gridId', gridId));
  }

  async applyBatch(operations: readonly StoreOperation<K, V>[], context: BatchContext): Promise<StoreResult<K, V>[]> {
    const writer = writerOf(context);

    if (operations.length > RECORD_LIMIT) {
      throw invalidArgument(`A batch has at most ${RECORD_LIMIT} operations, not ${operations.length}`);
    }
    if (operations.length === 0) return [];

    const places = operations.map(placeOf);
    const calls = operations.map((operation) => this.actions.encode(operation));
    const firsts = firstPositions(places);
    const sent = [...new Set(firsts)];

    context.signal?.throwIfAborted();

    const results = await this.backend.apply(
      sent.map((position) => operationOf(calls[position] as EncodedCall<K, V>, places[position] as Place)),
      writer,
    );
    const encoded = new Map(sent.map((position, order) => [position, results[order] as EncodedResult]));
    const decoded: StoreResult<K, V>[] = [];

    for (let position = 0, end = performance.now() + DECODING_MS; position < operations.length; position++) {
      const first = firsts[position] as number;
      const call = calls[first] as EncodedCall<K, V>;
      const result = resultOf(call, encoded.get(first) as EncodedResult, writer, places[first] as Place);

      if (result.status === 'refused') return [...decoded, ...operations.slice(position).map(() => result)];
      // The second mention of an operation is answered as a second attempt would be.
      decoded.push(first === position ? result : { ...result, repeated: true });
      if (performance.now() > end) {
        await setImmediate();
        end = performance.now() + DECODING_MS;
      }
    }

    return decoded;
  }

  async set(key: K, value: V, callback?: (oldValue: V | undefined) => void, context?: StoreContext): Promise<void> {
    const oldValue = (await this.write({ method: 'set', key, value }, context)) as V | undefined;

    callback?.(oldValue);
  }

  async setAll(
    entries: ReadonlyMap<K, V>,
    callback?: (result: RemoteMapUpdateResult<K, V>) => void,
    context?: StoreContext,
  ): Promise<void> {
    const result = (await this.write({ method: 'setAll', entries }, context)) as RemoteMapUpdateResult<K, V>;

    callback?.(result);
  }

  async insert(key: K, value: V, context?: StoreContext): Promise<V | undefined> {
    return (await this.write({ method: 'insert', key, value }, context)) as V | undefined;
  }

  async insertAll(entries: ReadonlyMap<K, V>, context?: StoreContext): Promise<ReadonlyMap<K, V>> {
    return (await this.write({ method: 'insertAll', entries }, context)) as ReadonlyMap<K, V>;
  }

  async updateIf(key: K, value: V, oldValue: V, context?: StoreContext): Promise<boolean> {
    return (await this.write({ method: 'updateIf', key, value, oldValue }, context)) as boolean;
  }

  async remove(key: K, context?: StoreContext): Promise<V | undefined> {
    return (await this.write({ method: 'remove', key }, context)) as V | undefined;
  }

  async removeAll(keys: Iterable<K>, context?: StoreContext): Promise<ReadonlyMap<K, V>> {
    return (await this.write({ method: 'removeAll', keys: [...keys] }, context)) as ReadonlyMap<K, V>;
  }

  async clear(context?: StoreContext): Promise<void> {
    await this.write({ method: 'clear' }, context);
  }

  size(): Promise<number> {
    return this.backend.size();
  }

  async keys(): Promise<IterableIterator<K>> {
    return (await this.backend.keys()).map((bytes) => this.keyCodec.read(bytes)).values();
  }

  async get(key: K): Promise<V | undefined> {
    const [bytes] = await this.backend.read([this.keyCodec.encode(key)]);

    return isThere(bytes) ? this.valueCodec.read(bytes) : undefined;
  }

  async getAll(keys: Iterable<K>): Promise<ReadonlyMap<K, V>> {
    const distinct = new Map<string, { key: K; bytes: Buffer }>();

    for (const key of keys) {
      const bytes = this.keyCodec.encode(key);

      if (!distinct.has(textOf(bytes))) distinct.set(textOf(bytes), { key, bytes });
    }

    const wanted = [...distinct.values()];
    const values = await this.backend.read(wanted.map(({ bytes }) => bytes));
    const found = new Map<K, V>();

    wanted.forEach(({ key }, position) => {
      const bytes = values[position];

      if (isThere(bytes)) found.set(key, this.valueCodec.read(bytes));
    });

    return found;
  }

  async *iterator(): AsyncIterableIterator<[K, V]> {
    for await (const [key, value] of this.backend.entries()) {
      yield [this.keyCodec.read(key), this.valueCodec.read(value)];
    }
  }

  /** @throws StaleWriteError when it is refused; the error with which it failed */
  private async write(action: StoreAction<K, V>, context: StoreContext | undefined): Promise<StoreValue<K, V>> {
    const fence = fenced(context);
    const place = fence ?? NOWHERE;
    const call = this.actions.encode(action);

    // Nobody would look at its record.
    if (call.error && !fence) throw call.error;
    context?.signal?.throwIfAborted();

    const [encoded] = await this.backend.apply([operationOf(call, place)], fence);
    const result = resultOf(call, encoded as EncodedResult, fence ?? { epoch: 0, term: 0 }, place);

    if (result.status !== 'done') throw result.error;

    return result.result;
  }
}

/** Not by spreading, which takes longer than all else that is done for an operation here. */
function operationOf<K, V>({ action }: EncodedCall<K, V>, { index, operationId }: Place): EncodedOperation {
  const { kind, keys, values } = action;

  return { kind, keys, values, index, operationId };
}

/** For each operation, the position at which its id comes first. */
function firstPositions(places: readonly Place[]): number[] {
  const firsts = new Map<string, number>();

  return places.map(({ operationId }, position) => {
    const first = firsts.get(operationId) ?? position;

    firsts.set(operationId, first);

    return first;
  });
}

function resultOf<K, V>(
  call: EncodedCall<K, V>,
  encoded: EncodedResult,
  writer: Writer,
  place: Place,
): StoreResult<K, V> {
  if (encoded.status === 'refused') return { status: 'refused', error: staleWrite(encoded, writer, place) };

  const { repeated } = encoded;

  if (encoded.status === 'failed') {
    return { status: 'failed', error: (!repeated && call.error) || new Error(encoded.text), repeated };
  }
  try {
    return { status: 'done', result: call.decode(encoded.found), repeated };
  } catch (error) {
    // What the store kept before cannot be read. The write has taken place all the same.
    return { status: 'failed', error: toError(error), repeated };
  }
}
