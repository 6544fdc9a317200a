/** What must add up of a queue: each item goes to one caller, and those of one producer in their order. */
import type { Content, Fork, Operation } from './history';

/** What is wrong, rule by rule. */
export function queueRules(operations: readonly Operation[], end: Content, fork?: Fork): string[][] {
  const pushes = operations.filter(({ kind }) => kind === 'push');
  const pops = operations.filter(({ kind }) => kind === 'pop');
  const consumed = pops.filter(({ acknowledged, result }) => acknowledged && typeof result === 'string');
  // What was popped before a fork says nothing of the order in a queue that did not hear of it.
  const ordered = consumed.filter(({ endedAt }) => !fork || Number(endedAt) > fork.at);

  return [
    itemsAreSingle(pushes, consumed, end),
    itemsAreKept(pushes, pops, consumed, end),
    itemsKeepTheirOrder(ordered, end),
  ];
}

function itemsAreSingle(pushes: readonly Operation[], consumed: readonly Operation[], { queue }: Content): string[] {
  const known = new Set(pushes.flatMap(({ items = [] }) => items));
  const places = new Map<string, string>();
  const lines: string[] = [];
  const put = (item: string, place: string) => {
    const other = places.get(item);

    if (!known.has(item)) lines.push(`${item} ${place} and was pushed by nobody`);
    if (other) lines.push(`${item} ${other} and ${place}`);
    places.set(item, place);
  };

  for (const { result, peer } of consumed) put(result as string, `was popped by ${peer}`);
  for (const item of queue) put(item, 'is in the queue');

  return lines;
}

/** Every unknown pop may have taken one item that nobody has. */
function itemsAreKept(
  pushes: readonly Operation[],
  pops: readonly Operation[],
  consumed: readonly Operation[],
  { queue }: Content,
): string[] {
  const found = new Set([...queue, ...consumed.map(({ result }) => result as string)]);
  const missing = pushes
    .filter(({ acknowledged }) => acknowledged)
    .flatMap(({ items = [] }) => items)
    .filter((item) => !found.has(item));
  const unknown = pops.filter(({ acknowledged }) => !acknowledged).length;

  return missing.length > unknown
    ? [`${missing.length} items are missing after ${unknown} unknown pops: ${missing.slice(0, 10).join(' ')}`]
    : [];
}

function itemsKeepTheirOrder(consumed: readonly Operation[], { queue }: Content): string[] {
  const consumers = new Set(consumed.map(({ peer }) => peer));
  const lines = ascending(queue, 'the queue');

  for (const consumer of consumers) {
    const own = consumed.filter(({ peer }) => peer === consumer).map(({ result }) => result as string);

    // What is left comes after everything that anybody got.
    lines.push(...ascending([...own, ...queue], `what ${consumer} popped, and the queue`));
  }

  return lines;
}

/** Whether the items of each producer ascend. */
function ascending(items: readonly string[], where: string): string[] {
  const last = new Map<string, string>();
  const lines: string[] = [];

  for (const item of items) {
    const [producer, number] = item.split('/') as [string, string];
    const before = last.get(producer);

    if (before && Number(number) < Number(before.split('/')[1])) lines.push(`${before} is before ${item} in ${where}`);
    last.set(producer, item);
  }

  return lines;
}
