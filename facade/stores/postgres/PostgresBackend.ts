/** A map in Postgres. What it does there is in schema.ts. */
import {
  type EncodedOperation,
  type EncodedResult,
  type StoreBackend,
  textOf,
  type Writer,
} from '../core/StoreBackend';
import type { PostgresStoreClient } from '../postgres';
import type { StaleWriteCode } from '../StaleWriteError';
import { postgresNames } from './names';
import { PAGE_SIZE } from './schema';

/** What Postgres says when a schema, a table or a function is missing. */
const MISSING = ['3F000', '42P01', '42883'];

/**
 * What the function gives. For several items there is a row for each: as one value, what was found may be longer than a
 * string of JavaScript can be. Numbers that JavaScript may not be able to hold come as text.
 */
interface Reply {
  /** Of one item, or none. */
  readonly previous?: (Buffer | null)[];
  /** The item of this row, from 1 on. All but what was found is in the first row. */
  readonly item?: string | null;
  readonly found?: Buffer | null;
  /** These three: null when every operation was done, and for the first time. */
  readonly statuses: ('done' | 'failed' | StaleWriteCode)[] | null;
  readonly repeated: boolean[] | null;
  readonly failures: (string | null)[] | null;
  readonly refused_by: string[] | null;
}

export class PostgresBackend implements StoreBackend {
  private readonly statements: ReturnType<typeof statementsOf>;

  constructor(
    private readonly client: PostgresStoreClient,
    private readonly name: string,
    schema: string,
    table: string,
  ) {
    this.statements = statementsOf(schema, table);
  }

  async acquire(gridId: string): Promise<number> {
    const [row] = await this.query<{ epoch: string }>(this.statements.acquire, [gridId]);

    return Number(row?.epoch);
  }

  async apply(operations: readonly EncodedOperation[], writer: Writer | undefined): Promise<EncodedResult[]> {
    const items = itemsOf(operations);
    const replies = await this.query<Reply>(
      items.positions.length > 1 ? this.statements.applyMany : this.statements.apply,
      [
        writer?.epoch ?? null,
        writer?.term ?? null,
        operations.map(({ kind }) => kind),
        operations.map(({ index }) => index),
        operations.map(({ operationId }) => operationId),
        items.firsts,
        items.counts,
        items.keys,
        items.positions,
        items.values,
      ],
    );

    let [first] = replies;
    const found = [...(first?.previous ?? [])];

    for (const reply of replies) {
      if (reply.item === '1') first = reply;
      if (reply.item) found[Number(reply.item) - 1] = reply.found ?? null;
    }

    return items.counts.map((count, position) => {
      const start = (items.firsts[position] as number) - 1;

      return resultOf(first as Reply, position, found.slice(start, start + count));
    });
  }

  async size(): Promise<number> {
    const [row] = await this.query<{ size: string }>(this.statements.size, []);

    return Number(row?.size);
  }

  async keys(): Promise<Buffer[]> {
    return (await this.query<{ key: Buffer }>(this.statements.keys, [])).map(({ key }) => key);
  }

  async read(keys: readonly Buffer[]): Promise<(Buffer | null)[]> {
    const rows = await this.query<{ value: Buffer | null }>(this.statements.read, [keys]);

    return rows.map(({ value }) => value);
  }

  /** Page by page in the order of the keys: what is there throughout comes once, however much changes meanwhile. */
  async *entries(): AsyncGenerator<readonly [Buffer, Buffer]> {
    for (let after: Buffer | null = null; ; ) {
      const rows: { key: Buffer; value: Buffer }[] = await this.query(this.statements.page, [after]);

      for (const { key, value } of rows) yield [key, value];
      if (rows.length < PAGE_SIZE) return;
      after = (rows.at(-1) as { key: Buffer }).key;
    }
  }

  private async query<Row>(statement: string, values: unknown[]): Promise<Row[]> {
    try {
      const { rows } = await this.client.query(statement, [this.name, ...values]);

      return rows as Row[];
    } catch (error) {
      if (!MISSING.includes((error as { code?: string }).code ?? '')) throw error;
      throw new Error('The tables of the store are not there, or not all of them: call its setup() first', {
        cause: error,
      });
    }
  }
}

function statementsOf(schema: string, table: string) {
  const { acquire, apply, entries, page } = postgresNames(schema, table);

  return {
    acquire: `SELECT ${acquire}($1, $2)::text AS epoch`,
    apply: `SELECT statuses, repeated, failures, previous, refused_by::text[] FROM ${apply}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    // Takes longer to plan.
    applyMany: `SELECT p.item::text, p.found, a.* FROM (
        SELECT previous, statuses, repeated, failures, refused_by::text[]
        FROM ${apply}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      ) AS r
      LEFT JOIN LATERAL unnest(r.previous) WITH ORDINALITY AS p(found, item) ON true
      LEFT JOIN LATERAL (SELECT r.statuses, r.repeated, r.failures, r.refused_by) AS a ON p.item IS NULL OR p.item = 1`,
    size: `SELECT count(*)::text AS size FROM ${entries} WHERE map = $1`,
    keys: `SELECT key FROM ${entries} WHERE map = $1`,
    // Key by key, for the reason that is given in schema.ts.
    read: `SELECT (SELECT e.value FROM ${entries} e WHERE e.map = $1 AND e.key = k.key) AS value
      FROM unnest($2::bytea[]) WITH ORDINALITY AS k(key, position) ORDER BY k.position`,
    page: `SELECT key, value FROM ${page}($1, $2)`,
  };
}

/**
 * The keys and values of all operations, one after the other: of each operation there are so many, from its first one on.
 * An item is a key, by its position among the distinct keys, and a value. Positions begin with 1, as arrays of Postgres do.
 */
function itemsOf(operations: readonly EncodedOperation[]) {
  const positionOf = new Map<string, number>();
  const items = {
    firsts: [] as number[],
    counts: [] as number[],
    keys: [] as Buffer[],
    positions: [] as (number | null)[],
    values: [] as (Buffer | null)[],
  };

  const position = (key: Buffer | undefined) => {
    if (!key) return null;

    const known = positionOf.get(textOf(key)) ?? items.keys.push(key);

    positionOf.set(textOf(key), known);

    return known;
  };

  for (const { keys, values } of operations) {
    const count = Math.max(keys.length, values.length);

    items.firsts.push(items.positions.length + 1);
    items.counts.push(count);
    for (let item = 0; item < count; item++) {
      // `updateIf` has two values for one key.
      items.positions.push(position(keys[item] ?? keys[0]));
      items.values.push(values[item] ?? null);
    }
  }

  return items;
}

function resultOf(reply: Reply, position: number, found: (Buffer | null)[]): EncodedResult {
  const status = reply.statuses ? reply.statuses[position] : 'done';
  const repeated = reply.repeated?.[position] === true;

  switch (status) {
    case 'done':
      return { status, repeated, found };
    case 'failed':
      return { status, repeated, text: reply.failures?.[position] ?? '' };
    default: {
      const [epoch, term, index] = (reply.refused_by ?? []).map(Number) as [number, number, number];

      return { status: 'refused', code: status as StaleWriteCode, fence: { epoch, term, index } };
    }
  }
}
