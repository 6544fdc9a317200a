/** The Postgres store on a real Postgres: what an exact store promises, and what is particular to Postgres. */
import {
  createPostgresStore,
  type PostgresStore,
  postgresStoreSql,
  type StoreCodec,
  type StoreOperation,
} from 'hamok/lib/stores/postgres';
import { storeChecks } from 'hamok/lib/stores/testing';
import { Client, type Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../support/postgres-server';
import { openPool } from './support/StoreServer';

let server: PostgresServer;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgresServer('fsync=off');
  pool = openPool(server.port);
  await createPostgresStore({ client: pool, name: 'any' }).setup();
}, 60_000);

afterAll(async () => {
  await pool.end();
  await server.stop();
});

const context = { epoch: 1, term: 1 };
const set = (key: string, value: unknown, index: number): StoreOperation<string, unknown> => {
  return { method: 'set', key, value, index, operationId: `set ${index}` };
};

describe('an exact store', () => {
  const checks = storeChecks<string, unknown>({
    open: (name) => createPostgresStore({ client: pool, name }),
    failing: { method: 'set', key: 'key', value: undefined },
  });

  for (const { name, run } of checks) it(name, run);
});

describe('an exact store on one connection, with a table of its own, and operations that Postgres refuses', () => {
  let client: Pool;

  beforeAll(async () => {
    client = openPool(server.port, { max: 1 });
    await client.query('CREATE SCHEMA other');
    await createPostgresStore({ client, name: 'any', schema: 'other', table: 'Rooms' }).setup();
  });

  afterAll(() => client.end());

  const checks = storeChecks<string, number>({
    open: (name) => createPostgresStore({ client, name, schema: 'other', table: 'Rooms' }),
    value: (number) => number,
    // Larger than what Postgres can index.
    failing: { method: 'set', key: randomText(10_000), value: 1 },
  });

  for (const { name, run } of checks) it(name, run);
});

describe('in Postgres', () => {
  const open = (name: string, table?: string): PostgresStore<string, unknown> =>
    createPostgresStore(table ? { client: pool, name, table } : { client: pool, name });

  it('works on a client as on a pool', async () => {
    const client = new Client({ connectionString: server.url });
    const store = createPostgresStore<string, number>({ client, name: 'client' });

    await client.connect();
    await store.setup();
    await store.set('key', 1);
    expect(await store.insert('key', 2)).toBe(1);
    await client.end();
  });

  it('setup may run again, and at the same time, also while others write', async () => {
    const clients = Array.from({ length: 6 }, () => openPool(server.port, { max: 1 }));
    const stores = clients.map((client) =>
      createPostgresStore<string, number>({ client, name: 'x', table: 'at_once' }),
    );

    await Promise.all(stores.map((store) => store.setup()));
    await Promise.all([
      ...stores.slice(0, 3).map((store) => store.setup()),
      ...stores.slice(3).map((store, index) => store.set(`${index}`, index)),
    ]);
    expect(await stores[0]!.size()).toBe(3);
    await Promise.all(clients.map((client) => client.end()));
  });

  it('the SQL for migrations is what setup runs', async () => {
    await pool.query(postgresStoreSql({ table: 'migrated' }));
    await open('x', 'migrated').set('key', 1);

    const { rows } = await pool.query(
      `SELECT map, convert_from(key, 'UTF8') AS key, convert_from(value, 'UTF8')::json AS value FROM migrated`,
    );

    expect(rows).toEqual([{ map: 'x', key: '"key"', value: 1 }]);
  });

  it('without setup, a call says what to do', async () => {
    await expect(open('x', 'nowhere').get('key')).rejects.toThrow('call its setup() first');
    await expect(open('x', 'nowhere').set('key', 1)).rejects.toThrow('call its setup() first');
    await expect(open('x', 'nowhere').acquire('grid')).rejects.toThrow('call its setup() first');
  });

  it('keeps the records of the batches of which an operation is among the last 1,024', async () => {
    const store = open('records');

    for (let first = 0; first < 2000; first += 100) {
      await store.applyBatch(
        Array.from({ length: 100 }, (_, at) => set('key', first + at, first + at)),
        context,
      );
    }

    const { rows } = await pool.query(
      `SELECT count(*)::int, min(split_part(id, ' ', 2)::int), max(split_part(id, ' ', 2)::int)
       FROM hamok_records, unnest(operation_ids) AS id WHERE map = 'records'`,
    );

    expect(rows).toEqual([{ count: 1100, min: 900, max: 1999 }]);
  });

  it('keeps no more than some records of single operations beyond the last 1,024', async () => {
    const store = open('single records');

    for (let index = 0; index < 1200; index++) await store.applyBatch([set('key', index, index)], context);

    const { rows } = await pool.query("SELECT count(*)::int FROM hamok_records WHERE map = 'single records'");

    expect(rows[0].count).toBeGreaterThanOrEqual(1024);
    expect(rows[0].count).toBeLessThan(1024 + 64);
  });

  it("a constraint or trigger of the user's refuses some operations: the others are carried out", async () => {
    const store = open('x', 'strict');

    await store.setup();
    await pool.query(`
      ALTER TABLE strict ADD CONSTRAINT small CHECK (length(value) < 10);
      CREATE FUNCTION no_thirteen() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.value = '13' THEN RAISE 'thirteen is bad luck'; END IF;
        IF NEW.value = '14' THEN RAISE 'of a code of its own' USING ERRCODE = 'AB001'; END IF;
        RETURN NEW;
      END $$;
      CREATE FUNCTION no_fifteen() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.value = '15' THEN RAISE 'at the end of the transaction'; END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON strict DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION no_fifteen();
      CREATE TRIGGER luck BEFORE INSERT OR UPDATE ON strict FOR EACH ROW EXECUTE FUNCTION no_thirteen();
    `);

    const operations = [
      set('a', 1, 1),
      set('b', 'x'.repeat(20), 2),
      set('a', 2, 3),
      set('c', 13, 4),
      {
        method: 'setAll',
        entries: new Map<string, unknown>([
          ['d', 4],
          ['e', 13],
        ]),
        index: 5,
        operationId: '5',
      } as const,
      set('a', 3, 6),
      set('f', 14, 7),
      set('f', 15, 8),
    ];
    const results = await store.applyBatch(operations, context);
    const [alone] = await store.applyBatch([set('f', 15, 9)], context);

    expect(results).toMatchObject([
      { status: 'done', result: undefined },
      { status: 'failed', error: { message: expect.stringContaining('"small"') } },
      { status: 'done', result: 1 },
      { status: 'failed', error: { message: 'thirteen is bad luck' } },
      { status: 'failed', error: { message: 'thirteen is bad luck' } },
      { status: 'done', result: 2 },
      { status: 'failed', error: { message: 'of a code of its own' } },
      { status: 'failed', error: { message: 'at the end of the transaction' } },
    ]);
    expect(alone).toMatchObject({ status: 'failed', error: { message: 'at the end of the transaction' } });
    expect(await store.getAll(['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(new Map([['a', 3]]));

    await pool.query(
      'ALTER TABLE strict DROP CONSTRAINT small; DROP TRIGGER luck ON strict; DROP TRIGGER late ON strict',
    );
    expect((await store.applyBatch(operations, { epoch: 1, term: 2 })).map(({ status }) => status)).toEqual(
      results.map(({ status }) => status),
    );
    expect(await store.getAll(['a', 'b', 'c', 'd', 'e'])).toEqual(new Map([['a', 3]]));
  });

  it('gives back more than a string of JavaScript can hold', async () => {
    const valueCodec: StoreCodec<Buffer> = { format: 'bytes', encode: (bytes) => bytes, decode: Buffer.from };
    const store = createPostgresStore<number, Buffer>({ client: pool, name: 'large', valueCodec });
    const value = Buffer.alloc(3 * 1024 * 1024, 'x');
    const keys = Array.from({ length: 90 }, (_, key) => key);

    for (const key of keys) await store.set(key, value);

    const removed = await store.removeAll(keys, undefined);

    expect(removed.size).toBe(90);
    expect([...removed.values()].every((found) => found.equals(value))).toBe(true);
  });

  it('a timeout is no failure of the operation: the batch rejects, has changed nothing, and can be repeated', async () => {
    const store = open('busy');
    const hurried = openPool(server.port, { statement_timeout: 100 });
    const blocker = await pool.connect();

    await store.applyBatch([set('key', 0, 0)], context);
    await blocker.query('BEGIN');
    await blocker.query("SELECT * FROM hamok_fences WHERE map = 'busy' FOR UPDATE");

    const other = createPostgresStore<string, unknown>({ client: hurried, name: 'busy' });

    await expect(other.applyBatch([set('key', 1, 1)], context)).rejects.toMatchObject({ code: '57014' });
    await blocker.query('COMMIT');
    blocker.release();
    expect(await other.applyBatch([set('key', 1, 1)], context)).toEqual([
      { status: 'done', result: 0, repeated: false },
    ]);
    await hurried.end();
  });

  it('with a stricter isolation, a write that waited rejects, and can be repeated', async () => {
    const options = '-c default_transaction_isolation=serializable';
    const strict = [openPool(server.port, { options }), openPool(server.port, { options })];
    const stores = strict.map((client) => createPostgresStore<string, unknown>({ client, name: 'serializable' }));
    let done = 0;
    let rejected = 0;

    for (let index = 0; index < 50; index++) {
      const operation = set('key', index, index);
      const attempt = async (store: PostgresStore<string, unknown>): Promise<boolean> => {
        try {
          const [result] = await store.applyBatch([operation], context);

          return result?.status === 'done' && !result.repeated;
        } catch (error) {
          expect(error).toMatchObject({ code: '40001' });
          rejected++;

          return attempt(store);
        }
      };

      done += (await Promise.all(stores.map(attempt))).filter(Boolean).length;
    }
    expect(done).toBe(50);
    expect(rejected).toBeGreaterThan(0);
    await Promise.all(strict.map((client) => client.end()));
  });

  it.each([
    ['no name', { name: '' }, 'name must be a string'],
    ['a table that is no name', { table: 'a;b' }, 'table must be a name'],
    ['a table with a long name', { table: 'x'.repeat(51) }, 'table must be a name of at most 50'],
    ['a schema that is no name', { schema: '"' }, 'schema must be a name'],
    ['no client', { client: {} }, 'client must have a function query'],
  ])('%s is refused', (_, options, text) => {
    expect(() => createPostgresStore({ client: pool, name: 'x', ...(options as object) })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(text) }),
    );
  });
});

/** Postgres compresses what repeats itself. */
function randomText(length: number): string {
  let seed = 1;

  return Array.from({ length }, () => {
    seed = (seed * 48_271) % 0x7fff_ffff;

    return String.fromCharCode(33 + (seed % 90));
  }).join('');
}
