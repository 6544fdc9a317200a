/**
 * The tables and functions of a store in Postgres.
 *
 * A batch is one call of one function, and so one transaction and one round trip. A function rather than a statement of
 * many parts, because operations of a batch build on each other: the second `set` of a key gives the value of the first.
 * The function reads all keys of the batch at once, carries the operations out in its memory, and writes what has changed
 * at once: the number of statements does not grow with that of the operations. A single operation has a shorter way.
 *
 * What it reads and removes, it looks up key by key, and some plans are forbidden, because Postgres guesses the size of a
 * table that it has not analysed yet: it would rather read all of a map than each of 64 rows, or than a page of it.
 *
 * It locks the row of the map's fence first. So there is one writer of a map at a time, and the lock is the only one that
 * anybody waits for.
 */
import { RECORD_LIMIT } from '../core/StoreBackend';
import { postgresNames } from './names';

/** Of a large map, this many entries are read at a time. */
export const PAGE_SIZE = 1000;

/** Of single operations, every so many removes the records that are too many. */
const SWEPT_EVERY = 64;

/** Peers that start at the same time run this at the same time, which Postgres by itself does not always survive. */
const SETUP_LOCK = 0x68_61_6d_6f_6b;

/**
 * Errors that are of the moment, or of the set-up: by their classes, lost connections, missing memory, disk or locks,
 * shutdowns, conflicts, faults of Postgres, and what is missing or forbidden. They break off the batch, which is repeated.
 * All others are of a row, or of a trigger or constraint of the user's: repeating would not help.
 */
const PASSING_ERRORS = `SQLSTATE ~ '^(08|25|40|42|53|55|57|58|72|F0|XX)'`;

/** What a batch comes as, and what comes of it. */
const BATCH = `
  p_map text, p_epoch bigint, p_term bigint, p_kinds text[], p_indexes bigint[], p_ids text[],
  p_firsts integer[], p_counts integer[], p_keys bytea[], p_items integer[], p_values bytea[],
  OUT statuses text[], OUT repeated boolean[], OUT failures text[], OUT previous bytea[], OUT refused_by bigint[]
`;

/** As one text, which is one transaction when it is sent as it is. */
export function setupSql(schema: string, table: string): string {
  const names = postgresNames(schema, table);

  return `SELECT pg_advisory_xact_lock(${SETUP_LOCK});

-- The entries of all maps that have this table.
CREATE TABLE IF NOT EXISTS ${names.entries} (
  map text NOT NULL,
  key bytea NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (map, key)
);

-- A row for each map: who wrote last, and what. 'recorded' counts the operations, 'recorded_before' those of former
-- leaders; 'acquired' is the last epoch given.
CREATE TABLE IF NOT EXISTS ${names.fences} (
  map text PRIMARY KEY,
  epoch bigint NOT NULL DEFAULT -1,
  term bigint NOT NULL DEFAULT -1,
  index bigint NOT NULL DEFAULT -1,
  recorded bigint NOT NULL DEFAULT 0,
  recorded_before bigint NOT NULL DEFAULT 0,
  acquired bigint NOT NULL DEFAULT 0
);

-- The results of the last ${RECORD_LIMIT} operations of each map, and some more: a row for each batch, as long as one of its
-- operations is among the last. 'recorded' is the number of operations with it. An operation has 'counts' of what it
-- has found, from 'firsts' on in 'previous'. One that was none of the batch has no id.
CREATE TABLE IF NOT EXISTS ${names.records} (
  map text NOT NULL,
  recorded bigint NOT NULL,
  operation_ids text[] NOT NULL,
  failures text[] NOT NULL,
  firsts integer[] NOT NULL,
  counts integer[] NOT NULL,
  previous bytea[] NOT NULL,
  PRIMARY KEY (map, recorded)
);

-- The epochs of grids.
CREATE TABLE IF NOT EXISTS ${names.grids} (
  map text NOT NULL,
  grid_id text NOT NULL,
  epoch bigint NOT NULL,
  PRIMARY KEY (map, grid_id)
);

-- The fence of a map, locked until the end of the transaction.
CREATE OR REPLACE FUNCTION ${names.lock}(p_map text) RETURNS ${names.fences} LANGUAGE plpgsql AS $hamok$
DECLARE
  fence ${names.fences};
BEGIN
  SELECT * INTO fence FROM ${names.fences} f WHERE f.map = p_map FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO ${names.fences} (map) VALUES (p_map) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT fence FROM ${names.fences} f WHERE f.map = p_map FOR UPDATE;
  END IF;
  RETURN fence;
END
$hamok$;

CREATE OR REPLACE FUNCTION ${names.acquire}(p_map text, p_grid text) RETURNS bigint LANGUAGE plpgsql AS $hamok$
DECLARE
  fence ${names.fences} := ${names.lock}(p_map);
  given bigint;
BEGIN
  SELECT g.epoch INTO given FROM ${names.grids} g WHERE g.map = p_map AND g.grid_id = p_grid;
  IF NOT FOUND THEN
    given := greatest(fence.acquired, fence.epoch, 0) + 1;
    INSERT INTO ${names.grids} (map, grid_id, epoch) VALUES (p_map, p_grid, given);
    UPDATE ${names.fences} SET acquired = given WHERE map = p_map;
  END IF;
  RETURN given;
END
$hamok$;

-- The entries that follow a key, in the order of the keys; without a key, the first ones.
CREATE OR REPLACE FUNCTION ${names.page}(p_map text, p_after bytea) RETURNS TABLE (key bytea, value bytea)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $hamok$
BEGIN
  IF p_after IS NULL THEN
    RETURN QUERY SELECT e.key, e.value FROM ${names.entries} e WHERE e.map = p_map
      ORDER BY e.key LIMIT ${PAGE_SIZE};
  ELSE
    RETURN QUERY SELECT e.key, e.value FROM ${names.entries} e WHERE e.map = p_map AND e.key > p_after
      ORDER BY e.key LIMIT ${PAGE_SIZE};
  END IF;
END
$hamok$;
${carryOutSql(schema, table)}${applyBatchSql(schema, table)}${applyOneSql(schema, table)}${applySql(schema, table)}`;
}

/**
 * Carries out some operations of a batch: those at the positions 'p_run'. Gives 'p_found' with what they found.
 * 'p_keys' are distinct. The item of an operation is one of its keys, by its position in 'p_keys', and a value.
 */
function carryOutSql(schema: string, table: string): string {
  const { carryOut, entries } = postgresNames(schema, table);

  return `
CREATE OR REPLACE FUNCTION ${carryOut}(
  p_map text, p_run integer[], p_kinds text[], p_firsts integer[], p_counts integer[],
  p_keys bytea[], p_items integer[], p_values bytea[], p_found bytea[]
) RETURNS bytea[] LANGUAGE plpgsql AS $hamok$
DECLARE
  nothing bytea[] := array_fill(NULL::bytea, ARRAY[cardinality(p_keys)]);
  before bytea[];
  after bytea[];
  cleared boolean := false;
  removed boolean := false;
  i integer;
  first integer;
  k integer;
BEGIN
  -- What waits for the end of the transaction would then fail all operations.
  SET CONSTRAINTS ALL IMMEDIATE;
  before := ARRAY(
    SELECT (SELECT e.value FROM ${entries} e WHERE e.map = p_map AND e.key = k.key)
    FROM unnest(p_keys) WITH ORDINALITY AS k(key, position) ORDER BY k.position
  );
  after := before;

  -- Most batches only set keys, and each another one: each finds what was there before the batch.
  IF 'set' = ALL (p_kinds) AND 1 = ALL (p_counts) AND p_items = p_run THEN
    p_found := before;
    after := p_values;
    p_run := '{}';
  END IF;

  FOREACH i IN ARRAY p_run LOOP
    first := p_firsts[i];
    CASE p_kinds[i]
      WHEN 'clear' THEN
        after := nothing;
        cleared := true;
      WHEN 'updateIf' THEN
        k := p_items[first];
        IF after[k] = p_values[first + 1] THEN
          after[k] := p_values[first];
          p_found[first] := p_values[first + 1];
        END IF;
      ELSE
        FOR item IN first .. first + p_counts[i] - 1 LOOP
          k := p_items[item];
          p_found[item] := after[k];
          IF p_kinds[i] = 'remove' THEN
            removed := true;
            after[k] := NULL;
          ELSIF p_kinds[i] = 'set' OR after[k] IS NULL THEN
            after[k] := p_values[item];
          END IF;
        END LOOP;
    END CASE;
  END LOOP;

  IF cleared THEN
    before := nothing;
    DELETE FROM ${entries} e WHERE e.map = p_map;
  ELSIF removed THEN
    FOR i IN 1 .. cardinality(p_keys) LOOP
      IF before[i] IS NOT NULL AND after[i] IS NULL THEN
        DELETE FROM ${entries} e WHERE e.map = p_map AND e.key = p_keys[i];
      END IF;
    END LOOP;
  END IF;
  INSERT INTO ${entries} AS e (map, key, value)
  SELECT p_map, c.key, c.after FROM unnest(p_keys, before, after) AS c(key, before, after)
  WHERE c.after IS NOT NULL AND c.after IS DISTINCT FROM c.before
  ON CONFLICT (map, key) DO UPDATE SET value = excluded.value;

  RETURN p_found;
END
$hamok$;
`;
}

/**
 * Applies a batch. Without an epoch it is not fenced. By the positions of the operations: their statuses ('done', 'failed',
 * or the code of the refusal), whether they were recorded before, why they failed; nothing at all, if every operation was
 * done, and for the first time. By the positions of all items, what was found; after a refusal, the fence.
 */
function applyBatchSql(schema: string, table: string): string {
  const { applyBatch, carryOut, fences, lock, records } = postgresNames(schema, table);

  return `
CREATE OR REPLACE FUNCTION ${applyBatch}(${BATCH}) LANGUAGE plpgsql AS $hamok$
DECLARE
  fence ${fences} := ${lock}(p_map);
  total integer := cardinality(p_kinds);
  accepted integer := total;
  last_index bigint := fence.index;
  to_run integer[];
  new_ids text[] := p_ids;
  added bigint := total;
  known_up_to bigint := fence.recorded;
  plain boolean;
  own_keys bytea[];
  known record;
BEGIN
  statuses := array_fill('done'::text, ARRAY[total]);
  repeated := array_fill(false, ARRAY[total]);
  failures := array_fill(NULL::text, ARRAY[total]);
  previous := array_fill(NULL::bytea, ARRAY[cardinality(p_items)]);

  IF p_epoch < fence.epoch OR (p_epoch = fence.epoch AND p_term < fence.term) THEN
    statuses := array_fill('STALE_EPOCH'::text, ARRAY[total]);
    refused_by := ARRAY[fence.epoch, fence.term, fence.index];
    RETURN;
  END IF;

  -- Indexes start again in each epoch.
  IF p_epoch > fence.epoch THEN last_index := -1; END IF;
  IF p_epoch > fence.epoch OR p_term > fence.term THEN fence.recorded_before := fence.recorded; END IF;

  plain := NOT 'fail' = ANY (p_kinds) AND (
    p_epoch IS NULL OR (
      p_indexes[1] >= last_index AND p_indexes = ARRAY(SELECT i.index FROM unnest(p_indexes) AS i(index) ORDER BY i.index)
    )
  );
  -- A leader gives an operation one index: what is above all that it has done, only former leaders may have done.
  IF plain AND p_indexes[1] > last_index THEN known_up_to := fence.recorded_before; END IF;
  IF p_epoch IS NOT NULL AND known_up_to > greatest(fence.recorded - ${RECORD_LIMIT}, 0) THEN
    FOR known IN
      SELECT o.position, r.failures[k.number] AS failure,
        r.previous[r.firsts[k.number] : r.firsts[k.number] + r.counts[k.number] - 1] AS previous
      FROM ${records} r
      CROSS JOIN LATERAL unnest(r.operation_ids) WITH ORDINALITY AS k(id, number)
      JOIN unnest(p_ids) WITH ORDINALITY AS o(id, position) ON o.id = k.id
      WHERE r.map = p_map AND r.recorded <= known_up_to AND (total > 1 OR p_ids[1] = ANY (r.operation_ids))
    LOOP
      plain := false;
      repeated[known.position] := true;
      new_ids[known.position] := NULL;
      added := added - 1;
      IF known.failure IS NOT NULL THEN
        statuses[known.position] := 'failed';
        failures[known.position] := known.failure;
      END IF;
      FOR i IN 1 .. p_counts[known.position] LOOP
        previous[p_firsts[known.position] + i - 1] := known.previous[i];
      END LOOP;
    END LOOP;
  END IF;

  IF plain THEN
    to_run := ARRAY(SELECT generate_series(1, total));
    last_index := p_indexes[total];
  END IF;
  FOR i IN 1 .. CASE WHEN plain THEN 0 ELSE total END LOOP
    IF NOT repeated[i] THEN
      IF p_epoch IS NOT NULL AND p_indexes[i] < last_index THEN
        accepted := i - 1;
        refused_by := ARRAY[fence.epoch, fence.term, last_index];
        FOR refused IN i .. total LOOP
          statuses[refused] := 'STALE_INDEX';
          IF NOT repeated[refused] THEN added := added - 1; END IF;
          new_ids[refused] := NULL;
        END LOOP;
        EXIT;
      ELSIF p_kinds[i] = 'fail' THEN
        statuses[i] := 'failed';
        failures[i] := convert_from(p_values[p_firsts[i]], 'UTF8');
      ELSE
        to_run := to_run || i;
      END IF;
    END IF;
    last_index := greatest(last_index, p_indexes[i]);
  END LOOP;
  IF accepted = 0 THEN RETURN; END IF;

  IF cardinality(to_run) > 0 THEN
    BEGIN
      previous := ${carryOut}(p_map, to_run, p_kinds, p_firsts, p_counts, p_keys, p_items, p_values, previous);
    EXCEPTION WHEN OTHERS THEN
      IF ${PASSING_ERRORS} THEN RAISE; END IF;
      -- Which one was it? Each by itself, so that one that fails does not undo the others.
      FOR i IN 1 .. total LOOP
        IF NOT i = ANY (to_run) THEN CONTINUE; END IF;
        own_keys := array_fill(NULL::bytea, ARRAY[cardinality(p_keys)]);
        FOR item IN p_firsts[i] .. p_firsts[i] + p_counts[i] - 1 LOOP
          own_keys[p_items[item]] := p_keys[p_items[item]];
        END LOOP;
        BEGIN
          previous := ${carryOut}(p_map, ARRAY[i], p_kinds, p_firsts, p_counts, own_keys, p_items, p_values, previous);
        EXCEPTION WHEN OTHERS THEN
          IF ${PASSING_ERRORS} THEN RAISE; END IF;
          plain := false;
          statuses[i] := 'failed';
          failures[i] := SQLERRM;
        END;
      END LOOP;
    END;
  END IF;

  IF p_epoch IS NULL THEN RETURN; END IF;

  IF added > 0 THEN
    fence.recorded := fence.recorded + added;
    INSERT INTO ${records} (map, recorded, operation_ids, failures, firsts, counts, previous)
    VALUES (p_map, fence.recorded, new_ids, failures, p_firsts, p_counts, previous);
    DELETE FROM ${records} r WHERE r.map = p_map AND r.recorded <= fence.recorded - ${RECORD_LIMIT};
  END IF;

  UPDATE ${fences} SET
    epoch = p_epoch,
    term = p_term,
    index = last_index,
    recorded = fence.recorded,
    recorded_before = fence.recorded_before
  WHERE map = p_map;

  IF plain THEN
    statuses := NULL;
    repeated := NULL;
    failures := NULL;
  END IF;
END
$hamok$;
`;
}

/**
 * Applies the only operation of a batch, to one key, if its leader has handed over the last one too, and no former leader
 * can have recorded it; gives what it found, or null when that is not so. Four statements instead of the long way.
 */
function applyOneSql(schema: string, table: string): string {
  const { applyOne, entries, fences, records } = postgresNames(schema, table);

  return `
CREATE OR REPLACE FUNCTION ${applyOne}(
  p_map text, p_epoch bigint, p_term bigint, p_kind text, p_index bigint, p_ids text[],
  p_counts integer[], p_key bytea, p_values bytea[]
) RETURNS bytea[] LANGUAGE plpgsql AS $hamok$
DECLARE
  position bigint;
  before bytea;
  after bytea;
  found bytea[] := array_fill(NULL::bytea, p_counts);
BEGIN
  UPDATE ${fences} f SET index = p_index, recorded = f.recorded + 1
  WHERE f.map = p_map AND f.epoch = p_epoch AND f.term = p_term AND f.index < p_index
    AND f.recorded_before <= greatest(f.recorded - ${RECORD_LIMIT}, 0)
  RETURNING f.recorded INTO position;
  IF position IS NULL THEN RETURN NULL; END IF;

  SET CONSTRAINTS ALL IMMEDIATE;
  SELECT e.value INTO before FROM ${entries} e WHERE e.map = p_map AND e.key = p_key;
  after := before;
  found[1] := before;
  CASE p_kind
    WHEN 'set' THEN after := p_values[1];
    WHEN 'insert' THEN after := coalesce(before, p_values[1]);
    WHEN 'remove' THEN after := NULL;
    WHEN 'updateIf' THEN
      IF before = p_values[2] THEN
        after := p_values[1];
      ELSE
        found[1] := NULL;
      END IF;
  END CASE;
  IF after IS NULL AND before IS NOT NULL THEN
    DELETE FROM ${entries} e WHERE e.map = p_map AND e.key = p_key;
  ELSIF after IS DISTINCT FROM before THEN
    INSERT INTO ${entries} AS e (map, key, value) VALUES (p_map, p_key, after)
    ON CONFLICT (map, key) DO UPDATE SET value = excluded.value;
  END IF;

  INSERT INTO ${records} (map, recorded, operation_ids, failures, firsts, counts, previous)
  VALUES (p_map, position, p_ids, '{NULL}', '{1}', p_counts, found);
  IF position % ${SWEPT_EVERY} = 0 THEN
    DELETE FROM ${records} r WHERE r.map = p_map AND r.recorded <= position - ${RECORD_LIMIT};
  END IF;

  RETURN found;
END
$hamok$;
`;
}

/** Applies a batch in the shortest way that there is for it. */
function applySql(schema: string, table: string): string {
  const { apply, applyBatch, applyOne } = postgresNames(schema, table);

  return `
CREATE OR REPLACE FUNCTION ${apply}(${BATCH}) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $hamok$
DECLARE
  result record;
BEGIN
  IF cardinality(p_kinds) = 1 AND cardinality(p_keys) = 1 AND p_epoch IS NOT NULL THEN
    BEGIN
      previous := ${applyOne}(
        p_map, p_epoch, p_term, p_kinds[1], p_indexes[1], p_ids, p_counts, p_keys[1], p_values
      );
      IF previous IS NOT NULL THEN RETURN; END IF;
    EXCEPTION WHEN OTHERS THEN
      IF ${PASSING_ERRORS} THEN RAISE; END IF;
      -- That is recorded, in the long way.
    END;
  END IF;
  SELECT * INTO result FROM ${applyBatch}(
    p_map, p_epoch, p_term, p_kinds, p_indexes, p_ids, p_firsts, p_counts, p_keys, p_items, p_values
  );
  statuses := result.statuses;
  repeated := result.repeated;
  failures := result.failures;
  previous := result.previous;
  refused_by := result.refused_by;
END
$hamok$;
`;
}
