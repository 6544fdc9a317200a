/**
 * A store for remote maps in the memory of one process, with all that an exact store promises: `hamok/stores/memory`. For
 * tests and demos, where the peers are in one process too.
 */
import { nonEmptyString } from '../node/validation';
import { BackedStore } from './core/BackedStore';
import type { StoreBackend } from './core/StoreBackend';
import type { ExactStore } from './ExactStore';
import { MemoryMap } from './memory/MemoryMap';
import type { StoreCodecs } from './StoreCodec';

export type {
  ExactStore,
  StoreAction,
  StoreOperation,
  StoreResult,
  StoreValue,
} from './ExactStore';
export type { BatchContext, ExecutionContext, StoreContext } from './ExecutionContext';
export { type StaleWriteCode, StaleWriteError } from './StaleWriteError';
export type { StoreBytesCodec, StoreCodec, StoreCodecs, StoreTextCodec } from './StoreCodec';

let mapOf: (database: MemoryDatabase, name: string) => StoreBackend;

/** What the stores of several peers have in common, as they would have one Redis in common. */
export class MemoryDatabase {
  private readonly maps = new Map<string, MemoryMap>();

  static {
    // Not a method: nobody else should have it.
    mapOf = (database, name) => {
      const map = database.maps.get(name) ?? new MemoryMap();

      database.maps.set(name, map);

      return map;
    };
  }
}

/** A write, or a batch of them, as the hooks of a store see it. */
export interface MemoryStoreWrite {
  /** The number of operations. */
  readonly operations: number;
  /** The epoch and the term of who writes; undefined for plain writes. */
  readonly writer: { readonly epoch: number; readonly term: number } | undefined;
}

/** Places at which a test can hold up a write, or make it fail. */
export interface MemoryStoreHooks {
  /** Called and awaited before a write. What it throws is a request that got lost: nothing is changed. */
  before?(write: MemoryStoreWrite): void | Promise<void>;
  /** Called and awaited after a write. What it throws is an answer that got lost: all is changed. */
  after?(write: MemoryStoreWrite): void | Promise<void>;
}

/** The options of `createMemoryStore`. */
export interface MemoryStoreOptions<K, V> extends StoreCodecs<K, V> {
  /** Where the entries are. Give the stores of all peers the same. Default: a database of its own. */
  readonly database?: MemoryDatabase;
  /** The name of the map in the database. Default: `default`. */
  readonly name?: string;
  /** For tests. */
  readonly hooks?: MemoryStoreHooks;
}

/**
 * Makes a store in memory. It keeps encoded copies of keys and values, as any other store does.
 * @throws HamokError `INVALID_CONFIG`
 */
export function createMemoryStore<K, V>(options: MemoryStoreOptions<K, V> = {}): ExactStore<K, V> {
  const { database = new MemoryDatabase(), name = 'default', hooks } = options;
  const map = mapOf(database, nonEmptyString('name', name));

  return new BackedStore(hooks ? withHooks(map, hooks) : map, options);
}

function withHooks(map: StoreBackend, hooks: MemoryStoreHooks): StoreBackend {
  return {
    acquire: (gridId) => map.acquire(gridId),
    size: () => map.size(),
    keys: () => map.keys(),
    read: (keys) => map.read(keys),
    entries: () => map.entries(),
    async apply(operations, writer) {
      const write = { operations: operations.length, writer };

      await hooks.before?.(write);

      const results = await map.apply(operations, writer);

      await hooks.after?.(write);

      return results;
    },
  };
}
