// A remote map on the Postgres store, against plain INSERT ... ON CONFLICT, which orders nothing.
import pg from 'pg';
import { createPostgresStore } from '../lib/stores/postgres.js';
import { IN_FLIGHT, keyAt, measureExact, valueAt } from './exact.mjs';
import { pipelined, throughput } from './measure.mjs';
import { startPostgres } from './postgres.mjs';

const UPSERT = 'ON CONFLICT (key) DO UPDATE SET value = excluded.value';

export async function measure() {
  const server = await startPostgres();
  if (!server) return [{ measure: 'exact Postgres', note: 'left out: Postgres is not installed' }];

  const pools = [];
  const open = (max) => {
    const pool = new pg.Pool({ connectionString: server.url, max });

    pool.on('error', () => {});
    pool.on('connect', (connection) => connection.on('error', () => {}));
    pools.push(pool);

    return pool;
  };
  const client = open(10);

  try {
    await createPostgresStore({ client, name: 'exact' }).setup();
    await client.query('CREATE TABLE plain (key text PRIMARY KEY, value text NOT NULL)');

    const insert = (number) =>
      client.query(`INSERT INTO plain VALUES ($1, $2) ${UPSERT}`, [keyAt(number), JSON.stringify(valueAt(number))]);
    const insertAll = (first) => {
      const numbers = Array.from({ length: IN_FLIGHT }, (_, at) => first + at);
      const columns = [numbers.map(keyAt), numbers.map((number) => JSON.stringify(valueAt(number)))];

      return client.query(`INSERT INTO plain SELECT * FROM unnest($1::text[], $2::text[]) ${UPSERT}`, columns);
    };

    return await measureExact(
      'exact Postgres',
      () => createPostgresStore({ client: open(3), name: 'exact' }),
      { name: 'INSERT ... ON CONFLICT', set: insert },
      [
        {
          what: 'an INSERT ... ON CONFLICT for each set',
          sets: 5000,
          run: (count) => pipelined(count, IN_FLIGHT, insert),
        },
        {
          what: `one INSERT ... ON CONFLICT for ${IN_FLIGHT} sets`,
          run: (count) =>
            throughput(count, async () => {
              for (let first = 0; first < count; first += IN_FLIGHT) await insertAll(first);
            }),
        },
      ],
    );
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
    server.stop();
  }
}
