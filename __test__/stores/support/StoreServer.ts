/** A real server with exact stores on it, in a form in which Redis and Postgres can be put through the same faults. */

import { createPostgresStore } from 'hamok/lib/stores/postgres';
import { createRedisStore, type ExactStore } from 'hamok/lib/stores/redis';
import Redis, { type RedisOptions } from 'ioredis';
import { Pool, type PoolConfig } from 'pg';
import { startPostgresServer } from '../../support/postgres-server';
import { startRedisServer } from '../../support/redis-server';

export interface StoreServer {
  readonly kind: 'redis' | 'postgres';
  readonly port: number;
  stop(): Promise<void>;
  /** What was acknowledged survives. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A store with a connection of its own. */
export interface OpenedStore<V> {
  readonly store: ExactStore<string, V>;
  close(): Promise<void>;
}

/** Starts a server that loses nothing that it has acknowledged. */
export async function startStoreServer(kind: StoreServer['kind']): Promise<StoreServer> {
  const server =
    kind === 'redis'
      ? await startRedisServer('--appendonly', 'yes', '--appendfsync', 'always')
      : // It is the server that is killed, not the machine: what it has handed to the system is there.
        await startPostgresServer('fsync=off');

  if (kind === 'postgres') {
    const pool = openPool(server.port);

    await createPostgresStore({ client: pool, name: 'any' }).setup();
    await pool.end();
  }

  return Object.assign(server, { kind });
}

/** Opens a store; `port` may be that of a proxy. A call fails when its connection breaks, and later ones connect again. */
export function openStore<V = unknown>(kind: StoreServer['kind'], port: number, name: string): OpenedStore<V> {
  if (kind === 'redis') {
    const client = openRedis(port, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 });

    return { store: createRedisStore({ client, name }), close: async () => client.disconnect() };
  }

  const pool = openPool(port);

  return { store: createPostgresStore({ client: pool, name }), close: () => pool.end() };
}

export function openRedis(port: number, options: RedisOptions = {}): Redis {
  const client = new Redis({ port, retryStrategy: () => 20, ...options });

  client.on('error', () => {});

  return client;
}

/** Of Postgres, whose pools and clients tell of broken connections in several places. */
export function openPool(port: number, options: PoolConfig = {}): Pool {
  const pool = new Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 4, ...options });

  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));

  return pool;
}
