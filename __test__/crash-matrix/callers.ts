/**
 * What must be true of what callers were told: each acknowledged call is in the store's own account, with the same result;
 * what a set overwrote it overwrote alone; counters are where the calls that raised them have left them; and who was told
 * that a key is his has it. A call that failed, or whose caller was killed, has an unknown outcome, unless the store's
 * account has one.
 */
import { type Execution, executionsOf } from './executions';
import type { Call, Entry, History } from './history';
import { type Content, makerOf, same, valuesOf } from './model';

/** Failures that users are told to expect. */
const EXPECTED_CODES = ['TIMEOUT', 'NO_LEADER', 'NO_QUORUM', 'OUTCOME_UNKNOWN', 'CLOSED'];

/** What is wrong, one list for each rule. */
export function callerRules({ calls, batches }: History, end: Content): string[][] {
  const executions = byValue(executionsOf(batches));

  return [
    isInTheStore(calls, executions),
    valuesAreOverwrittenOnce(calls, executions, end),
    countersAddUp(calls, end),
    claimsAreKept(calls, end),
    failuresAreExpected(calls),
  ];
}

function byValue(executions: readonly Execution[]): Map<string, Execution> {
  return new Map(executions.flatMap((execution) => valuesOf(execution.operation).map((value) => [value, execution])));
}

function isInTheStore(calls: readonly Call[], executions: ReadonlyMap<string, Execution>): string[] {
  const lines: string[] = [];

  for (const call of calls) {
    const [value] = valuesOf(call);

    if (!call.acknowledged || value === undefined) continue;

    const execution = executions.get(value);

    if (!execution) {
      lines.push(`${describe(call)} was acknowledged and never carried out`);
    } else if (!same(call.result, toldOf(execution))) {
      const [told, was] = [call.result, toldOf(execution)].map((it) => JSON.stringify(it));

      lines.push(`${describe(call)} gave ${told}, and ${was} in the store`);
    }
  }

  return lines;
}

/** What the caller is told. */
function toldOf({ operation, answer }: Execution): unknown {
  if (operation.method !== 'setAll') return answer.result;

  const { updated } = answer.result as { updated: [string, string, string][] };

  return updated.map(([key, oldValue]) => [key, oldValue]);
}

/** Of keys that are set without looking, and taken away. */
function valuesAreOverwrittenOnce(
  calls: readonly Call[],
  executions: ReadonlyMap<string, Execution>,
  end: Content,
): string[] {
  const setters = calls.filter(({ kind }) => kind === 'set' || kind === 'setAll' || kind === 'removeAll');
  const takers = new Map<string, Call>();
  const effective = new Map<string, string>();
  const unknown = new Map<string, number>();
  const lines: string[] = [];

  for (const call of setters) {
    const execution = executions.get(valuesOf(call)[0] ?? '');
    const result = call.acknowledged ? call.result : execution && toldOf(execution);
    const isKnown = call.acknowledged || execution !== undefined;

    for (const key of keysOf(call)) if (!isKnown) unknown.set(key, (unknown.get(key) ?? 0) + 1);
    for (const [key, value] of isKnown ? entriesOf(call) : []) effective.set(value, key);
    for (const value of isKnown ? takenBy(call, result) : []) {
      const other = takers.get(value);

      if (other) lines.push(`${describe(other)} and ${describe(call)} have both overwritten ${value}`);
      takers.set(value, call);
    }
  }

  const made = new Set(setters.flatMap(valuesOf));
  const left = new Map<string, string[]>();

  for (const value of takers.keys()) if (!made.has(value)) lines.push(`${value} was overwritten, and set by nobody`);
  for (const [value, key] of effective) {
    if (!takers.has(value) && end.get(key) !== value) left.set(key, [...(left.get(key) ?? []), value]);
  }
  for (const [key, values] of left) {
    const allowed = unknown.get(key) ?? 0;

    if (values.length > allowed)
      lines.push(`of ${key}, ${values} are gone, and at most ${allowed} calls may have taken one`);
  }

  return lines;
}

function keysOf({ key, keys, entries }: Call): readonly string[] {
  return keys ?? entries?.map(([name]) => name) ?? [key as string];
}

function entriesOf({ key, value, entries }: Call): readonly Entry[] {
  return entries ?? (value === undefined ? [] : [[key as string, value]]);
}

/** The values that a call has found and replaced. */
function takenBy({ kind }: Call, result: unknown): string[] {
  if (kind === 'set') return typeof result === 'string' ? [result] : [];

  return (result as Entry[]).map(([, value]) => value);
}

/**
 * The value of a counter names the call that has set it, and that call names the value before. So the way back tells
 * exactly which calls have raised it, also those with an unknown outcome.
 */
function countersAddUp(calls: readonly Call[], end: Content): string[] {
  const raisers = calls.filter(({ key }) => key?.startsWith('count/'));
  const byResult = new Map(raisers.map((call) => [call.value as string, call]));
  const effective = new Set<Call>();
  const lines: string[] = [];

  for (const [key, last] of end) {
    if (!key.startsWith('count/')) continue;

    let raised = 0;
    let value: string | undefined = last;

    while (value !== undefined) {
      const call: Call | undefined = byResult.get(value);

      if (!call || call.key !== key) {
        lines.push(`${key} was ${value}, which nobody has set`);
        break;
      }
      effective.add(call);
      raised++;
      value = call.oldValue;
    }
    if (`${raised}` !== last.split(' ')[1]) lines.push(`${key} is ${last} after ${raised} calls that raised it`);
  }
  for (const call of raisers) {
    const succeeded = call.kind === 'insert' ? call.result === undefined : call.result === true;

    if (!call.acknowledged || succeeded === effective.has(call)) continue;
    lines.push(`${describe(call)} ${succeeded ? 'succeeded, and is gone' : 'did not succeed, and took effect'}`);
  }

  return lines;
}

function claimsAreKept(calls: readonly Call[], end: Content): string[] {
  const claims = calls.filter(({ key, acknowledged }) => acknowledged && key?.startsWith('claim/'));
  const lines: string[] = [];

  for (const call of claims) {
    const owner = end.get(call.key as string);
    const told = call.result ?? call.value;

    if (told !== owner) lines.push(`${describe(call)} was told that it belongs to ${told}, and it belongs to ${owner}`);
  }

  return lines;
}

function failuresAreExpected(calls: readonly Call[]): string[] {
  return calls
    .filter(({ code }) => code !== undefined && !EXPECTED_CODES.includes(code))
    .map((call) => `${describe(call)} failed with ${call.code}`);
}

function describe(call: Call): string {
  const [value] = valuesOf(call);
  const name = value === undefined ? call.peer : `${makerOf(value).peer}/${makerOf(value).number}`;

  return `${call.kind} ${keysOf(call)} of ${name}`;
}
