/**
 * What must add up: from what peers called and what came of it, and from what all of them have in the end, tells every
 * promise that was broken. Knows nothing of processes; see history.test.ts for what it finds.
 *
 * An operation that failed, or whose process ended first, may have happened or not: its outcome is unknown.
 */
import { queueRules } from './history-queue';

/** Times are in microseconds, on one clock for all processes. */
export interface Operation {
  /** The start of a peer that called it: a peer id that is used twice has two of these. */
  readonly peer: string;
  readonly kind: 'set' | 'increment' | 'push' | 'pop' | 'read';
  readonly begunAt: number;
  /** Missing if the process ended first. */
  readonly endedAt?: number;
  readonly acknowledged: boolean;
  /** Why it failed. */
  readonly code?: string;
  /** Of an `increment`: whether it did. Of a `pop`: the item. Of a `read`: the value. */
  readonly result?: unknown;
  /** Of a `set`, an `increment`, a `read`. */
  readonly key?: string;
  /** Of a `set`. One peer sets a key, to ascending numbers. */
  readonly value?: number;
  /** Of an `increment`: what the counter is after it, if it did. */
  readonly to?: number;
  /** Of a `push`: names with the peer and a number that ascends, such as `a/7`. */
  readonly items?: readonly string[];
}

/** Something that happened by itself on a peer. */
export interface Note {
  readonly peer: string;
  readonly event: string;
  readonly args: readonly unknown[];
}

export interface History {
  readonly operations: readonly Operation[];
  readonly notes: readonly Note[];
}

/** What a peer has. */
export interface Content {
  readonly map: readonly (readonly [key: string, value: number])[];
  readonly queue: readonly string[];
}

/** A moment from which on the grid goes on with what one peer had: what had not reached that may be lost. */
export interface Fork {
  readonly at: number;
  readonly survived: Content;
}

/** Failures that users are told to expect. */
const EXPECTED_CODES = ['TIMEOUT', 'NO_LEADER', 'NO_QUORUM', 'OUTCOME_UNKNOWN', 'CLOSED'];

/** Of one rule; more say nothing new. */
const MAX_LINES_OF_A_RULE = 5;

/** What is wrong, in words; empty if nothing is. @param mayReform whether the grid may have gone on by a reform */
export function violations(history: History, end: Content, fork?: Fork, mayReform = fork !== undefined): string[] {
  const operations = fork ? sinceFork(history.operations, fork) : history.operations;
  const rules = [
    setsAreKept(operations, end),
    setsKeepTheirOrder(end),
    countersAddUp(operations, end),
    ...queueRules(operations, end, fork),
    readsAreFresh(operations),
    failuresAreExpected(operations),
    nothingUnexpected(history.notes, mayReform),
  ];

  return rules.flatMap((lines) =>
    lines.length > MAX_LINES_OF_A_RULE
      ? [...lines.slice(0, MAX_LINES_OF_A_RULE), `… and ${lines.length - MAX_LINES_OF_A_RULE} like these`]
      : lines,
  );
}

/** Takes the acknowledgement from what had not reached the peer that the grid went on with. */
function sinceFork(operations: readonly Operation[], { at, survived }: Fork): Operation[] {
  const values = new Map(survived.map);
  const queue = new Set(survived.queue);
  const popped = new Set(operations.filter(({ kind }) => kind === 'pop').map(({ result }) => result));
  const reached = ({ kind, key = '', value = 0, to = 0, items = [], result }: Operation) => {
    switch (kind) {
      case 'set':
        return (values.get(key) ?? 0) >= value;
      case 'increment':
        return result !== true || (values.get(key) ?? 0) >= to;
      case 'push':
        return items.every((item) => queue.has(item) || popped.has(item));
      case 'pop':
        return typeof result !== 'string' || !queue.has(result);
      case 'read':
        return true;
    }
  };

  return operations.map((operation) =>
    operation.acknowledged && Number(operation.endedAt) < at && !reached(operation)
      ? { ...operation, acknowledged: false }
      : operation,
  );
}

function setsAreKept(operations: readonly Operation[], { map }: Content): string[] {
  const sets = groupByKey(operations.filter(({ kind }) => kind === 'set'));
  const values = new Map(map);
  const lines: string[] = [];

  for (const [key, calls] of sets) {
    const acknowledged = highest(calls.filter((call) => call.acknowledged));
    const value = values.get(key) ?? 0;

    if (value < acknowledged) lines.push(`${key} was acknowledged as ${acknowledged} and is ${value}`);
    if (value > highest(calls)) lines.push(`${key} is ${value}, which nobody has set`);
  }
  for (const [key] of map) {
    if (!sets.has(key) && !key.startsWith('count/')) lines.push(`${key} was set by nobody`);
  }

  return lines;
}

/** Keys that are set once are in a map in the order in which they were set. */
function setsKeepTheirOrder({ map }: Content): string[] {
  const last = new Map<string, number>();
  const lines: string[] = [];

  for (const [key, value] of map) {
    const [prefix, peer] = key.split('/') as [string, string];

    if (prefix !== 'once') continue;
    if (value <= (last.get(peer) ?? 0)) lines.push(`${peer} set ${last.get(peer)} before ${value}`);
    last.set(peer, value);
  }

  return lines;
}

function countersAddUp(operations: readonly Operation[], { map }: Content): string[] {
  const values = new Map(map);
  const lines: string[] = [];

  for (const [key, calls] of groupByKey(operations.filter(({ kind }) => kind === 'increment'))) {
    const counted = calls.filter((call) => call.acknowledged && call.result === true);
    const unknown = calls.filter((call) => !call.acknowledged);
    const value = values.get(key) ?? 0;
    const takers = new Map<number | undefined, Operation>();

    if (value < counted.length) lines.push(`${key} is ${value} after ${counted.length} acknowledged increments`);
    if (value > counted.length + unknown.length) {
      lines.push(`${key} is ${value} after ${counted.length} acknowledged increments and ${unknown.length} unknown`);
    }
    for (const call of counted) {
      const other = takers.get(call.to);

      if (other) lines.push(`${other.peer} and ${call.peer} have both raised ${key} to ${call.to}`);
      takers.set(call.to, call);
    }
  }

  return lines;
}

/** A read that begins after the acknowledgement of a write shows it, whoever wrote. */
function readsAreFresh(operations: readonly Operation[]): string[] {
  const sets = groupByKey(operations.filter(({ kind }) => kind === 'set'));
  const lines: string[] = [];

  for (const { kind, acknowledged, key = '', result, peer, begunAt, endedAt = 0 } of operations) {
    if (kind !== 'read' || !acknowledged) continue;

    const calls = sets.get(key) ?? [];
    const value = Number(result ?? 0);
    const known = highest(calls.filter((call) => call.acknowledged && Number(call.endedAt) < begunAt));

    if (value < known) lines.push(`${peer} read ${key} as ${value} after ${known} was acknowledged`);
    if (value > highest(calls.filter((call) => call.begunAt < endedAt))) {
      lines.push(`${peer} read ${key} as ${value} before that was set`);
    }
  }

  return lines;
}

function failuresAreExpected(operations: readonly Operation[]): string[] {
  return operations
    .filter(({ code }) => code !== undefined && !EXPECTED_CODES.includes(code))
    .map(({ peer, kind, code }) => `${kind} of ${peer} failed with ${code}`);
}

function nothingUnexpected(notes: readonly Note[], mayReform: boolean): string[] {
  const unexpected = ['error', 'went-back', ...(mayReform ? [] : ['reformed'])];

  return notes
    .filter(({ event }) => unexpected.includes(event))
    .map(({ peer, event, args }) => `${peer}: ${event} ${JSON.stringify(args)}`);
}

function groupByKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();

  for (const operation of operations) {
    const { key = '' } = operation;
    const group = groups.get(key);

    if (group) group.push(operation);
    else groups.set(key, [operation]);
  }

  return groups;
}

/** The highest value that is set by these, or 0. */
function highest(sets: readonly Operation[]): number {
  return sets.reduce((max, { value = 0 }) => Math.max(max, value), 0);
}
