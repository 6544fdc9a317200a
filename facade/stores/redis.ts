/** A store for remote maps in Redis: `hamok/stores/redis`. It needs a client from `ioredis`, which is not loaded here. */
import { invalidConfig, nonEmptyString, objectWith } from '../node/validation';
import { BackedStore } from './core/BackedStore';
import type { ExactStore } from './ExactStore';
import { RedisBackend } from './redis/RedisBackend';
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

/** What is needed of a client: `Redis` and `Cluster` of `ioredis` have it. */
export interface RedisStoreClient {
  /** Sends a command, and gives texts of the answer as bytes. */
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
}

/** The options of `createRedisStore`. */
export interface RedisStoreOptions<K, V> extends StoreCodecs<K, V> {
  /** The client. The store neither connects nor closes it. */
  readonly client: RedisStoreClient;
  /**
   * The name of the map, the same on every peer, without `{` and `}`. Everything of the map is in keys that begin with
   * `{name}`, so that a cluster keeps them together.
   */
  readonly name: string;
  /** The key of the hash that has the entries. In a cluster it must belong to the same slot. Default: `{name}`. */
  readonly hash?: string;
}

/**
 * Makes a store whose entries are the fields of one Redis hash.
 *
 * A batch is one script, called by its hash, and so one round trip and one transaction. Beside the hash there are
 * `{name}:fence` (epoch, term, index), `{name}:records` and `{name}:order` (the results of the last 1,024 operations), and
 * `{name}:grids` (an epoch for each grid). Whoever deletes a map deletes all five, while nobody writes to it.
 *
 * What Redis forgets, the store forgets: see docs/stores.md for what it has to keep on disk.
 * @throws HamokError `INVALID_CONFIG`
 */
export function createRedisStore<K, V>(options: RedisStoreOptions<K, V>): ExactStore<K, V> {
  const { client, name, hash } = options;

  objectWith('client', client, ['callBuffer']);
  if (/[{}]/.test(nonEmptyString('name', name))) throw invalidConfig('name must have no { and no }');

  const tag = `{${name}}`;

  return new BackedStore(new RedisBackend(client, tag, nonEmptyString('hash', hash ?? tag)), options);
}
