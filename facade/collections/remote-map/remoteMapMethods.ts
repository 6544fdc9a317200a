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
import { ChangeKind, RemoteMethod } from '../../node/protocol';
import type { Execution } from '../../node/RecordSink';
import type { RemoteEvent, RemoteResult, ResultEntry } from '../../node/ReplyOutbox';
import type { EntryCodec } from '../entries/EntryCodec';
import type { EqualValues } from '../entries/equality';
import type { RemoteMap, RemoteMapUpdateResult } from '../RemoteMap';
import { KeyPositions } from './KeyPositions';
import type { ExecutionContext, RemoteMapContext } from './RemoteMapContext';

/** What a remote map executes with. */
export interface RemoteMapTools<K, V> {
  readonly store: RemoteMap<K, V>;
  readonly codec: EntryCodec<K, V>;
  readonly equalValues: EqualValues<V>;
  /** Whether the other peers want to hear of changes. */
  readonly emitEvents: boolean;
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
  private readonly entries: ResultEntry[] = [];
  private readonly events: RemoteEvent[] = [];

  constructor(
    private readonly tools: RemoteMapTools<K, V>,
    private readonly execution: Execution,
    private readonly context: ExecutionContext,
  ) {
    this.store = tools.store as unknown as Store<K, V>;
    this.keys = execution.keys.map((bytes) => tools.codec.decodeKey(bytes));
    this.values = execution.values.map((bytes) => tools.codec.decodeValue(bytes));
  }

  async run(): Promise<RemoteResult> {
    await this.execute();

    return { entries: this.entries, events: this.tools.emitEvents ? this.events : [] };
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
    const oldValue = await this.storeSet();

    if (!this.isValue(oldValue)) {
      this.inserted(0);
      return;
    }
    this.report(0, oldValue);
    this.updated(0, oldValue);
  }

  private async setAll(): Promise<void> {
    const { updated } = await this.storeSetAll(new Map(this.keys.map((key, index) => [key, this.values[index] as V])));
    const oldValues = this.byPosition(updated.map(([key, oldValue]) => [key, oldValue] as const));

    this.keys.forEach((_, index) => {
      if (!oldValues.has(index)) this.inserted(index);
    });
    for (const [index, oldValue] of oldValues) {
      this.report(index, oldValue);
      this.updated(index, oldValue);
    }
  }

  private async insert(): Promise<void> {
    const existing = await this.step(() => this.store.get(this.key, this.context));

    if (this.isValue(existing)) {
      if (this.isOwn(0, existing)) this.inserted(0);
      else this.report(0, existing);
      return;
    }
    await this.storeSet();
    this.inserted(0);
  }

  private async insertAll(): Promise<void> {
    const existing = await this.storeEntries('getAll');
    const missing = new Map<K, V>();

    this.keys.forEach((key, index) => {
      if (!existing.has(index)) missing.set(key, this.values[index] as V);
    });
    if (missing.size > 0) await this.storeSetAll(missing);

    this.keys.forEach((_, index) => {
      const value = existing.get(index);

      if (value === undefined || this.isOwn(index, value)) this.inserted(index);
      else this.report(index, value);
    });
  }

  private async remove(): Promise<void> {
    const value = await this.step(() => this.store.remove(this.key, this.context));

    if (!this.isValue(value)) return;
    this.entries.push({ index: 0, value: undefined });
    this.removed(0, value);
  }

  private async removeAll(withValues: boolean): Promise<void> {
    for (const [index, value] of await this.storeEntries('removeAll')) {
      if (withValues) this.report(index, value);
      else this.entries.push({ index, value: undefined });
      this.removed(index, value);
    }
  }

  private async updateIf(): Promise<void> {
    const [, expected] = this.values as [V, V];
    const current = await this.step(() => this.store.get(this.key, this.context));

    if (!this.isValue(current)) return;
    if (this.tools.equalValues(current, expected)) {
      await this.storeSet();
      this.updated(0, current);
    } else if (this.isOwn(0, current)) {
      this.updated(0, expected);
    } else {
      return;
    }
    this.entries.push({ index: 0, value: undefined });
  }

  private async clear(): Promise<void> {
    await this.step(() => this.store.clear(this.context));
    this.events.push({ kind: ChangeKind.CLEAR, key: undefined, value: undefined, oldValue: undefined });
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

  /** The caller gets this value for the key at this position. */
  private report(index: number, value: V): void {
    this.entries.push({ index, value: this.tools.codec.encodeValue(value) });
  }

  private inserted(index: number): void {
    const { keys, values } = this.execution;

    this.events.push({ kind: ChangeKind.INSERT, key: keys[index], value: values[index], oldValue: undefined });
  }

  private updated(index: number, oldValue: V): void {
    const { keys, values } = this.execution;

    this.events.push({
      kind: ChangeKind.UPDATE,
      key: keys[index],
      value: values[index],
      oldValue: this.encode(oldValue),
    });
  }

  private removed(index: number, value: V): void {
    const { keys } = this.execution;

    this.events.push({ kind: ChangeKind.REMOVE, key: keys[index], value: undefined, oldValue: this.encode(value) });
  }

  private encode(value: V): Uint8Array {
    return this.tools.codec.encodeValue(value);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
