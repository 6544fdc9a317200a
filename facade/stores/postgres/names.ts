/** What a store has in Postgres, by name. */
import { invalidConfig } from '../../node/validation';

/** Postgres cuts names after 63 bytes; no ending of ours is longer than 13. */
const MAX_TABLE_LENGTH = 50;
const MAX_SCHEMA_LENGTH = 63;

/** Quoted, with their schema. */
export interface PostgresNames {
  readonly entries: string;
  readonly fences: string;
  readonly records: string;
  readonly grids: string;
  readonly apply: string;
  readonly applyOne: string;
  readonly applyBatch: string;
  readonly carryOut: string;
  readonly acquire: string;
  readonly lock: string;
  readonly page: string;
}

/** @throws HamokError `INVALID_CONFIG` */
export function postgresNames(schema: string, table: string): PostgresNames {
  const inSchema = (name: string) => `${quoted('schema', schema, MAX_SCHEMA_LENGTH)}."${name}"`;

  quoted('table', table, MAX_TABLE_LENGTH);

  return {
    entries: inSchema(table),
    fences: inSchema(`${table}_fences`),
    records: inSchema(`${table}_records`),
    grids: inSchema(`${table}_grids`),
    // Peers of a later version may run beside these: functions that mean something else get another number.
    apply: inSchema(`${table}_apply_v1`),
    applyOne: inSchema(`${table}_one_v1`),
    applyBatch: inSchema(`${table}_batch_v1`),
    carryOut: inSchema(`${table}_run_v1`),
    acquire: inSchema(`${table}_acq_v1`),
    lock: inSchema(`${table}_lock_v1`),
    page: inSchema(`${table}_page_v1`),
  };
}

function quoted(option: string, name: string, maxLength: number): string {
  if (typeof name !== 'string' || !/^[A-Za-z_]\w*$/.test(name) || name.length > maxLength) {
    throw invalidConfig(`${option} must be a name of at most ${maxLength} letters, digits and underscores`);
  }

  return `"${name}"`;
}
