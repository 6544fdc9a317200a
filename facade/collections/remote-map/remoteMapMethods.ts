/**
 * What each operation of a remote map does with the user's store, on the peer that leads. The store is code of users:
 * its functions may be synchronous or not, throw, reject, and give anything.
 *
 * A key exists when the store gives something other than `undefined` for it. `null` is a value if the value codec brings
 * it back as `null`, as JSON does; otherwise it counts as absent.
 *
 * A second attempt may find what the first has done. Then `insert` and `updateIf` report the success of the first:
 * they find exactly their own new value.
 */
import { invalidArgument } from '../../common/errors';
import { RemoteMethod } from '../../node/protocol';
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult } from '../../node/ReplyOutbox';
import type { EntryCodec } from '../entries/EntryCodec';
import type { EqualValues } from '../entries/equality';
import type { RemoteMap, RemoteMapUpdateResult } from '../RemoteMap';
import { KeyPositions } from './KeyPositions';
import type { ExecutionContext, RemoteMapContext } from './RemoteMapContext';
import { RemoteReport } from './RemoteReport';

/** What a remote map executes with. */
export interface RemoteMapTools<K, V> {
  readonly store: RemoteMap<K, V>;
  readonly codec: EntryCodec<K, V>;
  readonly equalValues: EqualValues<V>;
  /** Whether that is a function of the user's. */
  readonly ownEquality: boolean;
  /** Whether the other peers want to hear of changes. */
  readonly emitEvents: boolean;
  /** Whether the store hands out epochs, and refuses whoever has a lower one. */
  readonly fenced: boolean;
  /** Whether it is exact, and takes several operations at once. */
  readonly batches: boolean;
}

/** The execution was stopped between two steps: it has no result, and must not have one. */
export class ExecutionStopped extends Error {}

/** The functions of a store as they are called here: with the context, and with nothing believed of what they give. */
interface Store<K, V> {
  get(key: K, context: RemoteMapContext): unknown;
  getAll(keys: IterableIterator<K>, context: RemoteMapContext): unknown;
  set(key: K, value: V, callback: (oldValue: unknown) => void, context: RemoteMapContext): unknown;
  setAll(entries: ReadonlyMap<K, V>, callback: (result: unknown) => void, context: RemoteMapContext): unknown;
  remove(key: K, context: RemoteMapContext): unknown;
  removeAll(keys: IterableIterator<K>, context: RemoteMapContext): unknown;
  clear(context: RemoteMapContext): unknown;
}

/** Number of arguments of a `set` or `setAll` that knows of its callback. */
const SET_ARGUMENTS = 3;
const SET_ALL_ARGUMENTS = 2;

/**
 * Executes an operation.
 * @throws ExecutionStopped when `context` was stopped and steps were left to do; otherwise what the store or a codec
 *   throws
 */
export function executeRemotely<K, V>(
  tools: RemoteMapTools<K, V>,
  execution: Execution,
  context: ExecutionContext,
): Promise<RemoteResult> {
  return new RemoteExecution(tools, execution, context).run();
}

class RemoteExecution<K, V> {
  private readonly store: Store<K, V>;
  private readonly keys: K[];
  private readonly values: V[];
  private readonly report: RemoteReport<K, V>;

  constructor(
    private readonly tools: RemoteMapTools<K, V>,
    private readonly execution: Execution,
    private readonly context: ExecutionContext,
  ) {
    this.store = tools.store as unknown as Store<K, V>;
    this.keys = execution.keys.map((bytes) => tools.codec.decodeKey(bytes));
    this.values = execution.values.map((bytes) => tools.codec.decodeValue(bytes));
    this.report = new RemoteReport(execution, tools.codec, tools.emitEvents);
  }

  async run(): Promise<RemoteResult> {
    await this.execute();

    return this.report.result;
  }

  private execute(): Promise<void> {
    switch (this.execution.method) {
      case RemoteMethod.SET:
        return this.set();
      case RemoteMethod.SET_ALL:
        return this.setAll();
      case RemoteMethod.INSERT:
        return this.insert();
      case RemoteMethod.INSERT_ALL:
        return this.insertAll();
      case RemoteMethod.DELETE:
      case RemoteMethod.REMOVE:
        return this.remove();
      case RemoteMethod.DELETE_ALL:
        return this.removeAll(false);
      case RemoteMethod.REMOVE_ALL:
        return this.removeAll(true);
      case RemoteMethod.UPDATE_IF:
        return this.updateIf();
      case RemoteMethod.CLEAR:
        return this.clear();
      default:
        throw invalidArgument(`Unknown method ${this.execution.method} of a remote map`);
    }
  }

  private async set(): Promise<void> {
    this.report.set(this.first(await this.storeSet()));
  }

  private async setAll(): Promise<void> {
    const { updated } = await this.storeSetAll(new Map(this.keys.map((key, index) => [key, this.values[index] as V])));

    this.report.set(this.byPosition(updated.map(([key, oldValue]) => [key, oldValue] as const)));
  }

  private async insert(): Promise<void> {
    const existing = this.first(await this.step(() => this.store.get(this.key, this.context)));

    if (existing.size === 0) await this.storeSet();
    this.report.insert(this.withoutOwn(existing));
  }

  private async insertAll(): Promise<void> {
    const existing = await this.storeEntries('getAll');
    const missing = new Map<K, V>();

    this.keys.forEach((key, index) => {
      if (!existing.has(index)) missing.set(key, this.values[index] as V);
    });
    if (missing.size > 0) await this.storeSetAll(missing);
    this.report.insert(this.withoutOwn(existing));
  }

  private async remove(): Promise<void> {
    this.report.remove(this.first(await this.step(() => this.store.remove(this.key, this.context))), false);
  }

  private async removeAll(withValues: boolean): Promise<void> {
    this.report.remove(await this.storeEntries('removeAll'), withValues);
  }

  private async updateIf(): Promise<void> {
    const [, expected] = this.values as [V, V];
    const current = await this.step(() => this.store.get(this.key, this.context));

    if (!this.isValue(current)) return;
    if (this.tools.equalValues(current, expected)) {
      await this.storeSet();
      this.report.updateIf(current);
    } else if (this.isOwn(0, current)) {
      this.report.updateIf(expected);
    }
  }

  private async clear(): Promise<void> {
    await this.step(() => this.store.clear(this.context));
    this.report.clear();
  }

  /** Sets the first entry. Gives what the callback got, undefined when it was not called. */
  private storeSet(): Promise<unknown> {
    const { store } = this;

    return this.withCallback(store.set, SET_ARGUMENTS, (callback) =>
      store.set(this.key, this.values[0] as V, callback, this.context),
    );
  }

  private async storeSetAll(entries: ReadonlyMap<K, V>): Promise<RemoteMapUpdateResult<K, V>> {
    const { store } = this;
    const result = (await this.withCallback(store.setAll, SET_ALL_ARGUMENTS, (callback) =>
      store.setAll(entries, callback, this.context),
    )) as Partial<RemoteMapUpdateResult<K, V>> | null | undefined;

    return { inserted: [], updated: Array.isArray(result?.updated) ? result.updated : [] };
  }

  /** What the store has, or had, of the operation's keys, by their positions in the operation. */
  private async storeEntries(method: 'getAll' | 'removeAll'): Promise<Map<number, V>> {
    const result = await this.step(() => this.store[method](this.keys.values(), this.context));

    if (typeof result !== 'object' || result === null || !(Symbol.iterator in result)) {
      throw invalidArgument(`remoteMap.${method} must give a Map`);
    }

    return this.byPosition(new Map(result as Iterable<[K, unknown]>));
  }

  private byPosition(entries: Iterable<readonly [K, unknown]>): Map<number, V> {
    const positions = new KeyPositions(this.keys, this.execution.keys, this.tools.codec);
    const found = new Map<number, V>();

    for (const [key, value] of entries) {
      const index = positions.find(key);
      if (index !== undefined && this.isValue(value)) found.set(index, value);
    }

    return new Map([...found].sort(([a], [b]) => a - b));
  }

  /**
   * Calls a function of the store that tells by callback what it did. It is over when what it gives has settled. One that
   * gives no promise, but takes a callback, is over when it has called it.
   */
  private async withCallback(
    method: (...args: never[]) => unknown,
    length: number,
    call: (callback: (told: unknown) => void) => unknown,
  ): Promise<unknown> {
    let told: unknown;
    let isTold = false;
    let onTold = () => {};

    const given = this.step(() =>
      call((what) => {
        // Only the first call counts.
        if (!isTold) told = what;
        isTold = true;
        onTold();
      }),
    );

    if (isThenable(given)) await given;
    else if (!isTold && method.length >= length) await new Promise<void>((resolve) => (onTold = resolve));

    return told;
  }

  /** Every call of the store: none is made when the execution was stopped meanwhile. */
  private step<R>(call: () => R): R {
    if (this.context.stopped) throw new ExecutionStopped();

    return call();
  }

  private get key(): K {
    return this.keys[0] as K;
  }

  private isValue(value: unknown): value is V {
    return value !== undefined && (value !== null || this.tools.codec.nullIsValue);
  }

  /** Whether a second attempt finds what the first one has set. */
  private isOwn(index: number, found: V): boolean {
    return this.execution.attempt > 1 && this.tools.equalValues(found, this.values[index] as V);
  }

  private withoutOwn(existing: ReadonlyMap<number, V>): Map<number, V> {
    return new Map([...existing].filter(([index, value]) => !this.isOwn(index, value)));
  }

  /** What the store gives for the only key, by its position. */
  private first(found: unknown): Map<number, V> {
    return new Map(this.isValue(found) ? [[0, found]] : []);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
