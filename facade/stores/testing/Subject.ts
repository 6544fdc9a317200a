/** A map of the store under test, opened by two peers, and calls to it that are easy to write and to read. */
import { randomUUID } from 'node:crypto';
import type { RemoteMap } from '../../index';
import type { ExactStore, StoreAction, StoreOperation, StoreValue } from '../ExactStore';
import type { BatchContext, ExecutionContext } from '../ExecutionContext';
import { holds } from './assertions';
import type { Samples } from './Samples';

/** A promise of a store, and how to find out whether it keeps it. */
export interface Check<K, V, S extends RemoteMap<K, V>> {
  readonly name: string;
  run(subject: Subject<K, V, S>): Promise<void>;
}

/** The parts of a context that checks differ in. */
export type Place = Partial<Pick<ExecutionContext, 'epoch' | 'term' | 'index' | 'operationId' | 'attempt'>>;

export class Subject<K, V, S extends RemoteMap<K, V>> {
  readonly opened: S[] = [];
  private readonly name = `check-${randomUUID()}`;
  private count = 0;

  constructor(
    private readonly openStore: (name: string) => S | Promise<S>,
    readonly samples: Samples<K, V>,
  ) {}

  /** One more object for the map of this check, or for another map. */
  async open(suffix = ''): Promise<S> {
    const store = await this.openStore(this.name + suffix);

    this.opened.push(store);

    return store;
  }

  /** A context. What is not given: epoch 1, term 1, index 1, and an operation that was not seen before. */
  context({ epoch = 1, term = 1, index = 1, operationId, attempt = 1 }: Place = {}): ExecutionContext {
    const { signal } = new AbortController();

    return { epoch, term, index, operationId: operationId ?? this.newId(), attempt, signal };
  }

  batchContext({ epoch = 1, term = 1, attempt = 1 }: Place = {}): BatchContext {
    return { epoch, term, attempt, signal: new AbortController().signal };
  }

  /** An operation of a batch. What is not given is as in `context`. */
  operation(action: StoreAction<K, V>, { index = 1, operationId }: Place = {}): StoreOperation<K, V> {
    return { ...action, index, operationId: operationId ?? this.newId() };
  }

  newId(): string {
    return `operation-${++this.count}`;
  }
}

/** Sets an entry, and gives what the callback got. It must be called before the promise settles. */
export function set<K, V>(store: RemoteMap<K, V>, key: K, value: V, context?: ExecutionContext) {
  return told<V | undefined>((callback) => (store as ExactStore<K, V>).set(key, value, callback, context), 'set');
}

/** As `set`. */
export function setAll<K, V>(store: RemoteMap<K, V>, entries: ReadonlyMap<K, V>, context?: ExecutionContext) {
  return told<StoreValue<K, V>>((callback) => (store as ExactStore<K, V>).setAll(entries, callback, context), 'setAll');
}

/** Calls the function that an action names. Gives what an operation of a batch would give. */
export function perform<K, V>(
  store: ExactStore<K, V>,
  action: StoreAction<K, V>,
  context?: ExecutionContext,
): Promise<StoreValue<K, V>> {
  switch (action.method) {
    case 'set':
      return set(store, action.key, action.value, context);
    case 'setAll':
      return setAll(store, action.entries, context);
    case 'insert':
      return store.insert(action.key, action.value, context);
    case 'insertAll':
      return store.insertAll(action.entries, context);
    case 'updateIf':
      return store.updateIf(action.key, action.value, action.oldValue, context);
    case 'remove':
      return store.remove(action.key, context);
    case 'removeAll':
      return store.removeAll(action.keys, context);
    case 'clear':
      return store.clear(context).then(() => undefined);
  }
}

/** All entries, as iteration gives them. */
export async function entriesOf<K, V>(store: RemoteMap<K, V>): Promise<Map<K, V>> {
  const entries = new Map<K, V>();

  for await (const [key, value] of store.iterator()) entries.set(key, value);

  return entries;
}

async function told<T>(call: (callback: (what: T) => void) => unknown, method: string): Promise<T> {
  let what: { value: T } | undefined;
  let onTold = () => {};
  const heard = new Promise<void>((resolve) => {
    onTold = resolve;
  });
  const given = call((value) => {
    holds(!what, `${method} calls its callback once`);
    what = { value };
    onTold();
  });

  if (typeof (given as PromiseLike<unknown> | undefined)?.then === 'function') await given;
  else await heard;
  holds(what !== undefined, `${method} calls its callback before its promise settles`);

  return what.value;
}
