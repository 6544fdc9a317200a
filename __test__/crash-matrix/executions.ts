/**
 * What must be true of what leaders have sent to the store, and of what the store has said: each operation is carried out
 * once, in its place, and is known again when it is repeated; and the answers, in their order, are those of a map.
 *
 * An operation is in the order where it was first answered. If the process that sent it did not live to hear that, the next
 * leader begins with it, so that is its place, too. What was sent and never answered is possible only for the last of a
 * grid: it was carried out or not, as a whole.
 */
import type { Answer, Batch, History, Operation } from './history';
import { type Content, carryOut, makerOf, same, valuesOf } from './model';

/** An operation that was carried out, for all that the store says. */
export interface Execution {
  readonly operation: Operation;
  readonly answer: Answer;
  readonly batch: Batch;
}

/** What may be in the store, and which of the operations that nobody heard of are in it. */
interface Candidate {
  readonly content: Content;
  readonly unheard: ReadonlySet<string>;
}

/** What happens in an order: an answered operation, or one batch that was never answered. */
type Step = { readonly at: number } & ({ readonly execution: Execution } | { readonly unheard: readonly Operation[] });

/** What was carried out, in its order. */
export function executionsOf(batches: readonly Batch[]): Execution[] {
  const known = new Set<string>();

  return answered(batches).filter(({ operation: { operationId }, answer: { status } }) => {
    const isFirst = status !== 'refused' && !known.has(operationId);

    if (isFirst) known.add(operationId);

    return isFirst;
  });
}

/** What is wrong, one list for each rule. */
export function executionRules(history: History, end: Content): string[][] {
  const executions = executionsOf(history.batches);

  return [
    isCarriedOutOnce(history.batches),
    isKnownAgainUntilMarked(history),
    isNotSentOnceMarked(history),
    isCarriedOutInTheEnd(history, executions),
    isInCommittedOrder(executions),
    isInTheOrderOfCallers(executions),
    isTheWorkOfAMap(history.batches, executions, end),
    epochsRise(history),
  ];
}

/** All answers, in their order. */
function answered(batches: readonly Batch[]): Execution[] {
  return batches
    .filter(({ answers }) => answers)
    .sort((a, b) => Number(a.answeredAt) - Number(b.answeredAt))
    .flatMap((batch) =>
      batch.operations.map((operation, position) => ({
        operation,
        answer: batch.answers?.[position] as Answer,
        batch,
      })),
    );
}

function isCarriedOutOnce(batches: readonly Batch[]): string[] {
  const firsts = new Map<string, Answer>();
  const fresh = new Set<string>();
  const lines: string[] = [];

  for (const { operation, answer, batch } of answered(batches)) {
    const { operationId } = operation;
    const what = `${operation.method} ${operationId} of ${batch.peer}`;
    const first = firsts.get(operationId) ?? answer;

    if (answer.status === 'refused') continue;
    if (answer.status === 'failed') lines.push(`${what} failed: ${answer.error}`);
    if (!same(first.result, answer.result)) lines.push(`${what} had other results when it was repeated`);
    if (!answer.repeated && fresh.has(operationId)) lines.push(`${what} was carried out twice`);
    if (!answer.repeated) fresh.add(operationId);
    firsts.set(operationId, first);
  }

  return lines;
}

/**
 * What the store had done for a leader that died before the mark is done for the next one, and known again, before anything
 * that comes after it. The grid may end before that.
 */
function isKnownAgainUntilMarked({ batches, deaths }: History): string[] {
  const lines: string[] = [];

  for (const { peer, point, at, operationIds } of deaths) {
    if (point !== 'answered' && point !== 'replied') continue;

    const last = batches.find((batch) => batch.peer === peer && holds(batch, operationIds));
    const later = answered(batches.filter(({ epoch, sentAt }) => epoch === last?.epoch && sentAt > at));
    const known = new Set(later.flatMap(({ operation, answer }) => (answer.repeated ? operation.operationId : [])));
    const reached = Math.max(...later.map(({ operation }) => operation.index));

    for (const { operationId, index } of last?.operations ?? []) {
      if (index >= reached || !operationIds.includes(operationId) || known.has(operationId)) continue;
      lines.push(`${operationId} was done for ${peer}, which died before its mark, and is not known again`);
    }
  }

  return lines;
}

/** What is known to be marked is no later leader's any more. */
function isNotSentOnceMarked({ batches, deaths }: History): string[] {
  const lines: string[] = [];

  for (const { peer, point, at, operationIds } of deaths) {
    if (point !== 'marked') continue;
    for (const batch of batches.filter(({ sentAt }) => sentAt > at)) {
      const again = batch.operations.filter(({ operationId }) => operationIds.includes(operationId));

      lines.push(...again.map((it) => `${it.operationId} was marked by ${peer}, and sent by ${batch.peer} after that`));
    }
  }

  return lines;
}

/** What a leader was given is committed, so a later one carries it out, unless its grid was gone. */
function isCarriedOutInTheEnd({ batches }: History, executions: readonly Execution[]): string[] {
  const known = new Set(executions.map(({ operation }) => operation.operationId));
  const last = Math.max(...batches.map(({ epoch }) => epoch));
  const lost = batches
    .filter(({ epoch }) => epoch === last)
    .flatMap(({ operations, peer }) => operations.map((operation) => ({ ...operation, peer })))
    .filter(({ operationId }) => !known.has(operationId));

  return lost.map(({ method, operationId, peer }) => `${method} ${operationId} of ${peer} was never carried out`);
}

function holds({ operations }: Batch, operationIds: readonly string[]): boolean {
  return operations.some(({ operationId }) => operationIds.includes(operationId));
}

function isInCommittedOrder(executions: readonly Execution[]): string[] {
  let [lastEpoch, lastIndex] = [0, 0];
  const lines: string[] = [];

  for (const { operation, batch } of executions) {
    if (batch.epoch < lastEpoch || (batch.epoch === lastEpoch && operation.index < lastIndex)) {
      lines.push(
        `${operation.operationId} (${batch.epoch}, ${operation.index}) came after (${lastEpoch}, ${lastIndex})`,
      );
    }
    [lastEpoch, lastIndex] = [batch.epoch, operation.index];
  }

  return lines;
}

/** Also over different keys. */
function isInTheOrderOfCallers(executions: readonly Execution[]): string[] {
  const last = new Map<string, number>();
  const lines: string[] = [];

  for (const value of executions.flatMap(({ operation }) => valuesOf(operation))) {
    const { peer, number } = makerOf(value);

    if (number <= (last.get(peer) ?? 0)) lines.push(`${value} was carried out after ${peer}/${last.get(peer)}`);
    last.set(peer, number);
  }

  return lines;
}

function isTheWorkOfAMap(batches: readonly Batch[], executions: readonly Execution[], end: Content): string[] {
  let candidates: Candidate[] = [{ content: new Map(), unheard: new Set() }];

  for (const step of stepsOf(batches, executions)) {
    if ('unheard' in step) {
      candidates = candidates.flatMap((candidate) => withAndWithout(candidate, step.unheard));
      continue;
    }

    const { operation, answer, batch } = step.execution;
    const results = candidates.map(({ content }) => carryOut(operation, content));
    const right = candidates.filter((_, position) => same(results[position], answer.result));

    if (right.length === 0) {
      const { operationId, method, key } = operation;
      const what = `${method} ${key ?? ''} ${operationId} of ${batch.peer}`;

      return [`${what} gave ${JSON.stringify(answer.result)}, not ${results.map((it) => JSON.stringify(it))}`];
    }
    candidates = right;
  }

  const differences = candidates.map(({ content }) => differencesOf(content, end));

  return differences.some((lines) => lines.length === 0) ? [] : (differences[0] ?? []);
}

function stepsOf(batches: readonly Batch[], executions: readonly Execution[]): Step[] {
  const known = new Set(executions.map(({ operation }) => operation.operationId));
  const unheard = batches.map(({ sentAt, operations }) => ({
    at: sentAt,
    unheard: operations.filter(({ operationId }) => !known.has(operationId)),
  }));
  const heard = executions.map((execution) => ({ at: Number(execution.batch.answeredAt), execution }));

  // Sorting keeps the order of the operations of a batch.
  return [...unheard.filter((step) => step.unheard.length > 0), ...heard].sort((a, b) => a.at - b.at);
}

function withAndWithout(candidate: Candidate, operations: readonly Operation[]): Candidate[] {
  const missing = operations.filter(({ operationId }) => !candidate.unheard.has(operationId));
  const content = new Map(candidate.content);

  if (missing.length === 0) return [candidate];
  for (const operation of missing) carryOut(operation, content);

  return [candidate, { content, unheard: new Set([...candidate.unheard, ...missing.map((it) => it.operationId)]) }];
}

function differencesOf(content: Content, end: Content): string[] {
  return [...new Set([...content.keys(), ...end.keys()])]
    .filter((key) => content.get(key) !== end.get(key))
    .map((key) => `${key} is ${end.get(key)} in the end, not ${content.get(key)}`);
}

/** A grid keeps its epoch, and a later one has a higher one. */
function epochsRise({ batches, epochs }: History): string[] {
  const byGrid = new Map<string, number>();
  const lines: string[] = [];

  for (const { gridId, epoch } of epochs) {
    if (epoch !== (byGrid.get(gridId) ?? epoch))
      lines.push(`grid ${gridId} has the epochs ${byGrid.get(gridId)}, ${epoch}`);
    byGrid.set(gridId, epoch);
  }
  if (new Set(byGrid.values()).size !== byGrid.size) lines.push(`grids share epochs: ${[...byGrid.values()]}`);
  for (const { epoch, peer } of batches) {
    if (![...byGrid.values()].includes(epoch)) lines.push(`${peer} writes in epoch ${epoch}, which no grid has`);
  }

  return lines;
}
