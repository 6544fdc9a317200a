/**
 * A peer that writes, in a process of its own which its parent freezes: `frozen-writer.child.mjs <kind> <port> <name>`.
 *
 * It writes when a line on its standard input says so. The parent freezes it first: then it is as a leader that was about
 * to write, and does not know how long ago that was.
 */
import { createInterface } from 'node:readline';
import Redis from 'ioredis';
import pg from 'pg';
import { createPostgresStore } from '../../../lib/stores/postgres.js';
import { createRedisStore } from '../../../lib/stores/redis.js';

const [kind, portText, name] = process.argv.slice(2);
const port = Number(portText);
const client =
  kind === 'redis'
    ? new Redis({ port })
    : new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
const store = kind === 'redis' ? createRedisStore({ client, name }) : createPostgresStore({ client, name });

// It has a connection before it is frozen.
await store.size();
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const { operations, context } = JSON.parse(line);
  const results = await store.applyBatch(operations, context);

  console.log(JSON.stringify(results.map((result) => result.error?.code ?? result.result ?? null)));
}
process.exit();
