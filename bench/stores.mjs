// What exactness costs in the store itself, without a grid: sets that give the old value, in batches of 64 as the leader
// sends them, against the same sets without a fence or a record, and against a lock for each operation, which is how one
// does without a grid.
import Redis from 'ioredis';
import pg from 'pg';
import { createPostgresStore } from '../lib/stores/postgres.js';
import { createRedisStore } from '../lib/stores/redis.js';
import { latency, medians, pipelined, throughput } from './measure.mjs';
import { startPostgres } from './postgres.mjs';
import { startRedis } from './redis.mjs';

const RUNS = 5;
const BATCH = 64;
const KEYS = 1000;
const SINGLES = 500;
const UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

const keyOf = (number) => `key-${number % KEYS}`;

export async function measure() {
  return [...(await measureRedis()), ...(await measurePostgres())];
}

async function measureRedis() {
  const server = await startRedis();
  if (!server) return [{ measure: 'stores: Redis', note: 'left out: redis-server is not installed' }];

  const client = new Redis(server.url);
  try {
    const of = (name, count, run) => perSecond(`stores: Redis, ${name}`, count, run);
    const store = createRedisStore({ client, name: 'bench' });
    const pipeline = (commands) => (first) => {
      const pipe = client.pipeline();
      for (let number = first; number < first + BATCH; number++) commands(pipe, number);
      return pipe.exec();
    };
    const hset = (pipe, number) => pipe.hset('plain', keyOf(number), JSON.stringify(`value-${number}`));
    client.defineCommand('unlock', { numberOfKeys: 1, lua: UNLOCK });

    return [
      await of('applyBatch of 64', 40_000, inBatches(batchesOn(store))),
      await of(
        'pipeline of 64 HGET and HSET',
        40_000,
        inBatches(pipeline((pipe, number) => hset(pipe.hget('plain', keyOf(number)), number))),
      ),
      await of('pipeline of 64 HSET', 40_000, inBatches(pipeline(hset))),
      await of('a lock for each set, 64 in flight, no two of a key', 10_000, (count) =>
        pipelined(count, BATCH, (number) => lockedSet(client, `lock-${keyOf(number)}`, number)),
      ),
      await of('a lock for each set, one lock', 3_000, (count) =>
        pipelined(count, 1, (number) => lockedSet(client, 'lock', number)),
      ),
      await p50('stores: Redis, one fenced set', singlesOn(store)),
      await p50('stores: Redis, HGET, then HSET', async (number) => {
        await client.hget('plain', keyOf(number));
        await hset(client, number);
      }),
    ];
  } finally {
    client.disconnect();
    server.stop();
  }
}

async function measurePostgres() {
  const server = await startPostgres();
  if (!server) return [{ measure: 'stores: Postgres', note: 'left out: Postgres is not installed' }];

  const client = new pg.Pool({ connectionString: server.url, max: 10 });
  client.on('error', () => {});
  client.on('connect', (connection) => connection.on('error', () => {}));
  try {
    const of = (name, count, run) => perSecond(`stores: Postgres, ${name}`, count, run);
    const store = createPostgresStore({ client, name: 'bench' });
    await store.setup();
    await client.query('CREATE TABLE plain (key text PRIMARY KEY, value text NOT NULL)');
    const upsert = 'ON CONFLICT (key) DO UPDATE SET value = excluded.value';
    const one = (number) =>
      client.query(`INSERT INTO plain VALUES ($1, $2) ${upsert}`, [keyOf(number), JSON.stringify(`value-${number}`)]);
    const many = (first) => {
      const numbers = Array.from({ length: BATCH }, (_, at) => first + at);
      return client.query(`INSERT INTO plain SELECT * FROM unnest($1::text[], $2::text[]) ${upsert}`, [
        numbers.map(keyOf),
        numbers.map((number) => JSON.stringify(`value-${number}`)),
      ]);
    };

    return [
      await of('applyBatch of 64', 20_000, inBatches(batchesOn(store))),
      await of('one INSERT ... ON CONFLICT of 64 rows', 20_000, inBatches(many)),
      await of('an INSERT ... ON CONFLICT for each set, 64 in flight', 5_000, (count) => pipelined(count, BATCH, one)),
      await of('an INSERT ... ON CONFLICT for each set, one after the other', 1_000, (count) =>
        pipelined(count, 1, one),
      ),
      await p50('stores: Postgres, one fenced set', singlesOn(store)),
      await p50('stores: Postgres, INSERT ... ON CONFLICT', one),
    ];
  } finally {
    await client.end();
    server.stop();
  }
}

/** Batches one after the other, as the leader sends them. */
function inBatches(batch) {
  return (count) =>
    throughput(count, async () => {
      for (let first = 0; first < count; first += BATCH) await batch(first);
    });
}

let index = 0;

function batchesOn(store) {
  return async (first) => {
    const operations = Array.from({ length: BATCH }, (_, at) => {
      index++;
      return {
        method: 'set',
        key: keyOf(first + at),
        value: `value-${first + at}`,
        index,
        operationId: `peer-a-${index}`,
      };
    });
    const results = await store.applyBatch(operations, { epoch: 1, term: 1 });
    if (results.some(({ status, repeated }) => status !== 'done' || repeated)) throw new Error('a set was not done');
  };
}

function singlesOn(store) {
  const { signal } = new AbortController();
  return (number) => {
    index++;
    const context = { epoch: 1, term: 1, index, operationId: `peer-a-${index}`, attempt: 1, signal };
    return store.set(keyOf(number), `value-${number}`, () => {}, context);
  };
}

/** On one Redis, without waiting between attempts: the least that such a lock can cost. */
async function lockedSet(client, lock, number) {
  const token = `token-${number}`;
  while ((await client.set(lock, token, 'PX', 10_000, 'NX')) !== 'OK');
  await client.hget('plain', keyOf(number));
  await client.hset('plain', keyOf(number), JSON.stringify(`value-${number}`));
  await client.unlock(lock, token);
}

async function perSecond(measure, count, run) {
  await run(count);
  const { perSecond: value } = await medians(RUNS, () => run(count));
  return { measure, value, unit: '/s', runs: `${RUNS} x ${count} sets` };
}

async function p50(measure, set) {
  await latency(SINGLES, set);
  const { p50: value } = await medians(RUNS, () => latency(SINGLES, set));
  return { measure: `${measure}, p50`, value: value * 1000, unit: 'us', runs: `${RUNS} x ${SINGLES} sets` };
}
