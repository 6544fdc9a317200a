/**
 * Checks of what a store promises: `hamok/stores/testing`. They run under any test runner, and need no library for
 * assertions:
 *
 *     for (const { name, run } of storeChecks({ open })) it(name, run);
 *
 * The stores of this package are tested with them, and a store of your own can be too.
 */
import type { RemoteMap } from '../index';
import type { ExactStore, StoreAction } from './ExactStore';
import { acquireChecks } from './testing/acquireChecks';
import { actionChecks } from './testing/actionChecks';
import { batchChecks } from './testing/batchChecks';
import { concurrencyChecks } from './testing/concurrencyChecks';
import { failureChecks } from './testing/failureChecks';
import { fenceChecks } from './testing/fenceChecks';
import { iterationChecks } from './testing/iterationChecks';
import { jsonChecks, mapChecks } from './testing/mapChecks';
import { Samples } from './testing/Samples';
import { type Check, Subject } from './testing/Subject';

export type { ExactStore, StoreAction, StoreOperation, StoreResult, StoreValue } from './ExactStore';
export type { BatchContext, ExecutionContext, StoreContext } from './ExecutionContext';
export type { StaleWriteCode, StaleWriteError } from './StaleWriteError';

/** One check. */
export interface StoreCheck {
  /** What the store promises, such as `map: remove gives the value that was there`. */
  readonly name: string;
  /** Rejects when the store does not keep it; the text says what was expected and what came. */
  run(): Promise<void>;
}

/** What the checks of all stores need. */
export interface SampleOptions<K, V> {
  /**
   * Makes keys: for different numbers, different ones. With `value`, for stores that cannot keep any JSON. Default:
   * strings, and then unusual ones are tried too.
   */
  readonly key?: (number: number) => K;
  /** Makes values: for different numbers, different ones. Default: objects, and then any JSON is tried too. */
  readonly value?: (number: number) => V;
}

/** The options of `storeChecks` for an exact store. */
export interface ExactStoreChecksOptions<K, V> extends SampleOptions<K, V> {
  /**
   * Opens an object of the store for the map of this name. Called twice for a name, it gives two objects for the same
   * map, as two peers would have them. Each check has names of its own, and leaves what it wrote: use a database for tests.
   */
  open(name: string): ExactStore<K, V> | Promise<ExactStore<K, V>>;
  /** Closes what `open` gave, if there is anything to close. */
  close?(store: ExactStore<K, V>): void | Promise<void>;
  /** Something that the store cannot carry out, such as a value that it cannot encode. Without it, this is not checked. */
  readonly failing?: StoreAction<K, V>;
  /** Whether the store has fences, records and batches. */
  readonly fences?: true;
}

/** The options of `storeChecks` for a store without fences, such as that of the manual. */
export interface PlainStoreChecksOptions<K, V> extends SampleOptions<K, V> {
  /** As for an exact store. */
  open(name: string): RemoteMap<K, V> | Promise<RemoteMap<K, V>>;
  /** As for an exact store. */
  close?(store: RemoteMap<K, V>): void | Promise<void>;
  /** Only what any remote map needs is checked. */
  readonly fences: false;
}

/**
 * The checks that a store has to pass. They are independent of each other: any of them may run, in any order, also at the
 * same time. The longest takes a few thousand operations.
 */
export function storeChecks<K = string, V = unknown>(
  options: ExactStoreChecksOptions<K, V> | PlainStoreChecksOptions<K, V>,
): StoreCheck[] {
  const samples = new Samples(options.key, options.value);
  const plain: Check<K, V, RemoteMap<K, V>>[] = [
    ...mapChecks<K, V>(),
    ...iterationChecks<K, V>(),
    ...(options.key || options.value ? [] : jsonChecks<K, V>()),
  ];

  if (options.fences === false) return plain.map((check) => bound(check, options, samples));

  const exact: Check<K, V, ExactStore<K, V>>[] = [
    ...actionChecks<K, V>(),
    ...fenceChecks<K, V>(),
    ...batchChecks<K, V>(),
    ...(options.failing ? failureChecks<K, V>(options.failing) : []),
    ...acquireChecks<K, V>(),
    ...concurrencyChecks<K, V>(),
  ];

  return [...plain, ...exact].map((check) => bound(check, options, samples));
}

interface Opening<S> {
  open(name: string): S | Promise<S>;
  close?(store: S): void | Promise<void>;
}

function bound<K, V, S extends RemoteMap<K, V>>(
  { name, run }: Check<K, V, S>,
  options: Opening<S>,
  samples: Samples<K, V>,
): StoreCheck {
  return {
    name,
    async run() {
      const subject = new Subject<K, V, S>((map) => options.open(map), samples);

      try {
        await run(subject);
      } finally {
        for (const store of subject.opened) await options.close?.(store);
      }
    },
  };
}
