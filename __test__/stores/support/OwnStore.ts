/** An exact store as a user might write one, and the same with each of the mistakes that a user might make. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RemoteMapUpdateResult } from 'hamok';
import {
  type BatchContext,
  type ExactStore,
  type StaleWriteCode,
  StaleWriteError,
  type StoreAction,
  type StoreContext,
  type StoreOperation,
  type StoreResult,
  type StoreValue,
} from 'hamok/lib/stores/memory';

export type Mistake =
  | 'does not look at epochs'
  | 'does not look at terms'
  | 'does not look at indexes'
  | 'goes on with indexes in a new epoch'
  | 'has no fence at all'
  | 'keeps no records'
  | 'keeps records in the object'
  | 'forgets records in a new epoch'
  | 'keeps half of the records'
  | 'does not record failures'
  | 'looks at records before the fence'
  | 'does not raise the fence when it answers from a record'
  | 'raises the fence when it refuses'
  | 'looks first and writes later'
  | 'undoes a batch in which one fails'
  | 'goes on after a refusal'
  | 'gives each call another epoch'
  | 'gives all grids the same epoch'
  | 'does not tell what was there'
  | 'takes 0 and the like for nothing'
  | 'inserts over what exists'
  | 'iterates twice over some'
  | 'gives all maps the same entries';

type Settled<V> = Exclude<StoreResult<string, V>, { status: 'refused' }>;

/** What the objects of one map share. */
class Content<V> {
  entries = new Map<string, V>();
  records = new Map<string, Settled<V>>();
  fence = { epoch: -1, term: -1, index: -1 };
  epochs = new Map<string, number>();
}

export class OwnDatabase<V> {
  private readonly contents = new Map<string, Content<V>>();

  constructor(private readonly mistake?: Mistake) {}

  open(name: string): ExactStore<string, V> {
    const place = this.mistake === 'gives all maps the same entries' ? '' : name;
    const content = this.contents.get(place) ?? new Content<V>();

    this.contents.set(place, content);

    return new OwnStore(content, this.mistake);
  }
}

class OwnStore<V> implements ExactStore<string, V> {
  private readonly records: Map<string, Settled<V>>;

  constructor(
    private readonly content: Content<V>,
    private readonly mistake: Mistake | undefined,
  ) {
    this.records = mistake === 'keeps records in the object' ? new Map() : content.records;
  }

  async acquire(gridId: string): Promise<number> {
    const { epochs } = this.content;
    const known = epochs.get(gridId);

    if (this.makes('gives all grids the same epoch')) return 1;
    if (known !== undefined && !this.makes('gives each call another epoch')) return known;

    const epoch = Math.max(0, ...epochs.values()) + 1;

    epochs.set(gridId, epoch);

    return epoch;
  }

  async applyBatch(operations: readonly StoreOperation<string, V>[], context: BatchContext) {
    const before = new Map(this.content.entries);
    const results: StoreResult<string, V>[] = [];
    let refusal: StoreResult<string, V> | undefined;

    for (const operation of operations) {
      const result = refusal ?? (await this.applyFenced(operation, { ...context, ...operation }));

      if (result.status === 'refused' && !this.makes('goes on after a refusal')) refusal = result;
      if (result.status === 'failed' && this.makes('undoes a batch in which one fails')) this.content.entries = before;
      results.push(result);
    }

    return results;
  }

  async set(key: string, value: V, callback?: (oldValue: V | undefined) => void, context?: StoreContext) {
    const oldValue = (await this.write({ method: 'set', key, value }, context)) as V | undefined;

    callback?.(oldValue);
  }

  async setAll(
    entries: ReadonlyMap<string, V>,
    callback?: (result: RemoteMapUpdateResult<string, V>) => void,
    context?: StoreContext,
  ) {
    const result = (await this.write({ method: 'setAll', entries }, context)) as RemoteMapUpdateResult<string, V>;

    callback?.(result);
  }

  async insert(key: string, value: V, context?: StoreContext) {
    return (await this.write({ method: 'insert', key, value }, context)) as V | undefined;
  }

  async insertAll(entries: ReadonlyMap<string, V>, context?: StoreContext) {
    return (await this.write({ method: 'insertAll', entries }, context)) as ReadonlyMap<string, V>;
  }

  async updateIf(key: string, value: V, oldValue: V, context?: StoreContext) {
    return (await this.write({ method: 'updateIf', key, value, oldValue }, context)) as boolean;
  }

  async remove(key: string, context?: StoreContext) {
    return (await this.write({ method: 'remove', key }, context)) as V | undefined;
  }

  async removeAll(keys: Iterable<string>, context?: StoreContext) {
    return (await this.write({ method: 'removeAll', keys: [...keys] }, context)) as ReadonlyMap<string, V>;
  }

  async clear(context?: StoreContext) {
    await this.write({ method: 'clear' }, context);
  }

  async size() {
    return this.content.entries.size;
  }

  async keys() {
    return [...this.content.entries.keys()].values();
  }

  async get(key: string) {
    return this.content.entries.get(key);
  }

  async getAll(keys: Iterable<string>) {
    return this.existing([...keys]);
  }

  async *iterator(): AsyncIterableIterator<[string, V]> {
    const { entries } = this.content;
    const keys = [...entries.keys()];

    if (this.makes('iterates twice over some')) keys.push(...keys.slice(0, 1));
    for (const key of keys) if (entries.has(key)) yield [key, entries.get(key) as V];
  }

  private makes(mistake: Mistake): boolean {
    return this.mistake === mistake;
  }

  private async write(action: StoreAction<string, V>, context?: StoreContext): Promise<StoreValue<string, V>> {
    const { epoch, operationId } = context ?? {};

    if (!context || epoch === undefined || operationId === undefined) return this.act(action);

    const result = await this.applyFenced(action, { ...context, epoch, operationId });

    if (result.status !== 'done') throw result.error;

    return result.result;
  }

  private async applyFenced(
    action: StoreAction<string, V>,
    { epoch, term, index, operationId }: { epoch: number; term: number; index: number; operationId: string },
  ): Promise<StoreResult<string, V>> {
    const { content, records } = this;
    const { fence } = content;
    const known = this.makes('keeps no records') ? undefined : records.get(operationId);

    if (this.makes('has no fence at all')) return this.carryOut(action);
    if (known && this.makes('looks at records before the fence')) return { ...known, repeated: true };

    const isNew = epoch > fence.epoch;
    const isOld = epoch < fence.epoch && !this.makes('does not look at epochs');
    const isOldTerm = epoch === fence.epoch && term < fence.term && !this.makes('does not look at terms');
    const lastIndex = isNew && !this.makes('goes on with indexes in a new epoch') ? -1 : fence.index;
    const isOldIndex = !known && index < lastIndex && !this.makes('does not look at indexes');

    if (isOld || isOldTerm || isOldIndex) {
      if (this.makes('raises the fence when it refuses') && isOldIndex)
        content.fence = { epoch, term, index: lastIndex };

      return refused(isOldIndex && !isOld && !isOldTerm ? 'STALE_INDEX' : 'STALE_EPOCH');
    }
    if (this.makes('looks first and writes later')) await nextTurn();
    if (!known || !this.makes('does not raise the fence when it answers from a record')) {
      content.fence = { epoch, term, index: Math.max(index, lastIndex) };
    }
    if (isNew && this.makes('forgets records in a new epoch')) records.clear();
    if (records.has(operationId) && known) return { ...known, repeated: true };

    const result = this.carryOut(action);

    if (result.status === 'done' || !this.makes('does not record failures')) records.set(operationId, result);
    for (const oldest of records.keys()) {
      if (records.size <= (this.makes('keeps half of the records') ? 512 : 1024)) break;
      records.delete(oldest);
    }

    return result;
  }

  private carryOut(action: StoreAction<string, V>): Settled<V> {
    try {
      return { status: 'done', result: this.act(action), repeated: false };
    } catch (error) {
      return { status: 'failed', error: error as Error, repeated: false };
    }
  }

  private act(action: StoreAction<string, V>): StoreValue<string, V> {
    const { entries } = this.content;

    switch (action.method) {
      case 'set': {
        const [old] = this.put(new Map([[action.key, action.value]])).updated;

        return this.makes('does not tell what was there') ? undefined : old?.[1];
      }
      case 'setAll':
        return this.put(action.entries);
      case 'insert':
        return this.insertMissing(new Map([[action.key, action.value]])).get(action.key);
      case 'insertAll':
        return this.insertMissing(action.entries);
      case 'updateIf': {
        if (JSON.stringify(entries.get(action.key)) !== JSON.stringify(action.oldValue)) return false;
        this.put(new Map([[action.key, action.value]]));

        return true;
      }
      case 'remove':
        return this.take([action.key]).get(action.key);
      case 'removeAll':
        return this.take(action.keys);
      case 'clear':
        entries.clear();

        return undefined;
    }
  }

  private put(all: ReadonlyMap<string, V>): RemoteMapUpdateResult<string, V> {
    const { entries } = this.content;
    const result: RemoteMapUpdateResult<string, V> = { inserted: [], updated: [] };

    for (const [key, value] of all) {
      if (value === undefined) throw new Error('undefined is no value');
      if (this.isThere(key)) result.updated.push([key, entries.get(key) as V, value]);
      else result.inserted.push([key, value]);
      entries.set(key, value);
    }

    return result;
  }

  private insertMissing(all: ReadonlyMap<string, V>): Map<string, V> {
    const existing = this.existing([...all.keys()]);

    this.put(new Map([...all].filter(([key]) => !existing.has(key) || this.makes('inserts over what exists'))));

    return existing;
  }

  private take(keys: readonly string[]): Map<string, V> {
    const taken = this.existing(keys);

    for (const key of keys) this.content.entries.delete(key);

    return taken;
  }

  private existing(keys: readonly string[]): Map<string, V> {
    const { entries } = this.content;

    return new Map(keys.filter((key) => this.isThere(key)).map((key) => [key, entries.get(key) as V]));
  }

  private isThere(key: string): boolean {
    const { entries } = this.content;

    return this.makes('takes 0 and the like for nothing') ? Boolean(entries.get(key)) : entries.has(key);
  }
}

function refused(code: StaleWriteCode): StoreResult<string, never> {
  return { status: 'refused', error: new StaleWriteError(code, 'refused') };
}
