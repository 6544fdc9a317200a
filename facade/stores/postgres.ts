/** A store for remote maps in Postgres: `hamok/stores/postgres`. It needs a pool or client from `pg`, which is not loaded here. */
import { nonEmptyString, objectWith } from '../node/validation';
import { BackedStore } from './core/BackedStore';
import type { ExactStore } from './ExactStore';
import { postgresNames } from './postgres/names';
import { PostgresBackend } from './postgres/PostgresBackend';
import { setupSql } from './postgres/schema';
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

/** What is needed of a client: `Pool`, `Client` and `PoolClient` of `pg` have it. */
export interface PostgresStoreClient {
  /** Runs a statement; without values also several of them. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Where a store has its tables. */
export interface PostgresTables {
  /** The schema, which must exist. Default: `public`. */
  readonly schema?: string;
  /**
   * The table of the entries. Several maps may share one, or each have one of its own. With it go `<table>_fences`,
   * `<table>_records`, `<table>_grids` and seven functions. At most 50 characters. Default: `hamok`.
   */
  readonly table?: string;
}

/** The options of `createPostgresStore`. */
export interface PostgresStoreOptions<K, V> extends StoreCodecs<K, V>, PostgresTables {
  /**
   * A pool, or a client that nobody has begun a transaction on: each write is a transaction of its own. The store neither
   * connects nor closes it.
   */
  readonly client: PostgresStoreClient;
  /** The name of the map, the same on every peer. */
  readonly name: string;
}

/** A store in Postgres. */
export interface PostgresStore<K, V> extends ExactStore<K, V> {
  /**
   * Creates what is missing of tables and functions. Call it when a peer starts; several peers may do so at once. Its user
   * needs the right to create tables in the schema: where it has not, run the text of `postgresStoreSql` instead.
   */
  setup(): Promise<void>;
}

/**
 * Makes a store whose entries are rows of a table, with the columns `map`, `key` and `value`. Keys and values are `bytea`:
 * `convert_from(value, 'UTF8')::json` shows what the default codecs have written.
 *
 * A batch is one call of a function in PL/pgSQL, and so one round trip and one transaction, which begins by locking the row
 * of the map's fence. The isolation must be `read committed`, as it is by default; with a stricter one, a write that waited
 * for another fails and has to be repeated.
 * @throws HamokError `INVALID_CONFIG`
 */
export function createPostgresStore<K, V>(options: PostgresStoreOptions<K, V>): PostgresStore<K, V> {
  const { client, name, schema = 'public', table = 'hamok' } = options;

  objectWith('client', client, ['query']);

  const backend = new PostgresBackend(client, nonEmptyString('name', name), schema, table);

  return Object.assign(new BackedStore<K, V>(backend, options), {
    async setup() {
      await client.query(setupSql(schema, table));
    },
  });
}

/**
 * The SQL that `setup` runs, for those who have their own way to change a database. It may be run again at any time.
 * @throws HamokError `INVALID_CONFIG`
 */
export function postgresStoreSql({ schema = 'public', table = 'hamok' }: PostgresTables = {}): string {
  postgresNames(schema, table);

  return setupSql(schema, table);
}
