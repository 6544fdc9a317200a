/** The store of one peer, on a connection that users would open: it connects again by itself. */
import Redis from 'ioredis';
import pg from 'pg';
import { createPostgresStore } from '../../../lib/stores/postgres.js';
import { createRedisStore } from '../../../lib/stores/redis.js';

const RECONNECT_MS = 20;

export function openStore(kind, port, name) {
  return kind === 'redis' ? openRedis(port, name) : openPostgres(port, name);
}

function openRedis(port, name) {
  const client = new Redis({ port, retryStrategy: () => RECONNECT_MS });

  client.on('error', () => {});

  return createRedisStore({ client, name });
}

/** Pools and their connections tell of a server that is gone in several places. */
function openPostgres(port, name) {
  const client = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 3 });

  client.on('error', () => {});
  client.on('connect', (connection) => connection.on('error', () => {}));

  return createPostgresStore({ client, name });
}
