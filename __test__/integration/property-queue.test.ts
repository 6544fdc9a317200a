/**
 * A queue against an array: random operations of three peers, that leave, close and are lost in between.
 *
 * What is called one after the other must give the model's results. What is called at once must end in the same items
 * everywhere, with each item that was pushed either there or given to one caller, and each producer's in their order.
 * And what a peer tells its listeners must lead to what it shows.
 */
import type { Hamok, HamokQueue } from 'hamok';
import { expect, it } from 'vitest';
import { createRandom } from '../support/grid';
import { counts, type Member, RestartingGrid, randomRestarts } from '../support/restarts';

/** An item is who pushed it, and how many that one had pushed before. */
type Item = [producer: number, number: number] | 0 | '' | false | null;

const SEQUENTIAL = 40;

const FALSY = [0, '', false, null] as const;

const random = createRandom('property-queue.test.ts');
let producerCount = 0;

/** Makes items that are never the same. */
function createProducer(): () => Item {
  const producer = ++producerCount;
  let number = 0;

  return () => [producer, ++number];
}

/** How items look that left the queue, or are in it, with each producer's apart. */
function expectProducersOrder(items: readonly Item[], what: string): void {
  const last = new Map<number, number>();

  for (const item of items) {
    if (!Array.isArray(item)) continue;
    const [producer, number] = item;
    expect(number, `${what} of producer ${producer}`).toBeGreaterThan(last.get(producer) ?? 0);
    last.set(producer, number);
  }
}

interface Copy {
  items: Record<string, number>;
  empty: boolean;
  /** Events that do not fit those before. */
  readonly wrong: string[];
}

/** Opens the queue, and keeps a copy that is made of its events alone. */
function open(peer: Hamok, copies: Map<HamokQueue<Item>, Copy>): HamokQueue<Item> {
  const queue = peer.createQueue<Item>({ queueId: 'queue', requestTimeoutInMs: 20_000 });
  const copy: Copy = { items: {}, empty: true, wrong: [] };
  /** The pop of the last item tells that the queue is empty before it gives the item. */
  let emptied = false;

  copies.set(queue, copy);
  // A fill is silent; only what came after it can fit.
  queue.ready.then(() => {
    copy.items = counts(queue);
    copy.empty = queue.empty;
    copy.wrong.length = 0;
  });
  queue.on('add', (item) => {
    const name = JSON.stringify(item);
    copy.items[name] = (copy.items[name] ?? 0) + 1;
    emptied = false;
  });
  queue.on('remove', (item) => {
    const name = JSON.stringify(item);
    if (copy.items[name] === undefined) {
      if (!emptied) copy.wrong.push(`remove ${name}`);
    } else if (--copy.items[name]! === 0) {
      delete copy.items[name];
    }
    emptied = false;
  });
  queue.on('empty', () => {
    if (copy.empty) copy.wrong.push('empty again');
    copy.empty = true;
    copy.items = {};
    emptied = true;
  });
  queue.on('not-empty', () => {
    if (!copy.empty) copy.wrong.push('not-empty again');
    copy.empty = false;
  });

  return queue;
}

/** One operation on the queue, and on the model; its result and what it must be. */
async function sequentialStep(queue: HamokQueue<Item>, model: Item[], produce: () => Item): Promise<void> {
  const items = Array.from({ length: 1 + random.int(4) }, () => (random.int(5) === 0 ? random.pick(FALSY) : produce()));
  const steps: [what: string, call: () => Promise<unknown>, change: () => unknown][] = [
    ['push', () => queue.push(...items), () => void model.push(...items)],
    ['pop', () => queue.pop(), () => model.shift()],
    ['pop', () => queue.pop(), () => model.shift()],
  ];
  const clear: (typeof steps)[number] = ['clear', () => queue.clear(), () => void model.splice(0)];
  const [what, call, change] = random.int(30) === 0 ? clear : random.pick(steps);

  expect(await call(), what).toEqual(change());
  expect([...queue], `the items after ${what}`).toEqual(model);
  expect([queue.size, queue.empty, queue.peek()]).toEqual([model.length, model.length === 0, model[0]]);
}

it('a queue of three peers that restart is an array', async () => {
  const copies = new Map<HamokQueue<Item>, Copy>();
  const grid = await RestartingGrid.start((peer) => open(peer, copies));
  const produceOne = createProducer();
  let model: Item[] = [];
  const concurrently = async (members: readonly Member<HamokQueue<Item>>[], meanwhile?: Promise<void>) => {
    const pushed: Item[] = [...model];
    const producers = new Map(members.map(({ collection }) => [collection, createProducer()]));
    const popped = new Map(members.map(({ collection }) => [collection, [] as Item[]]));
    // So many more pushes than pops that the queue is now empty, now long.
    const pushes = random.pick([0.3, 0.45, 0.6]);
    const step = async (queue: HamokQueue<Item>) => {
      if (random.next() < pushes) {
        const items = Array.from({ length: 1 + random.int(2) }, producers.get(queue)!);
        pushed.push(...items);
        await queue.push(...items);
      } else {
        const item = await queue.pop();
        if (item !== undefined) popped.get(queue)!.push(item);
      }
    };

    await grid.work(members, step, meanwhile);
    const [first, ...others] = grid.collections.map((queue) => [...queue]);
    for (const other of others) expect(other, 'the items of another peer').toEqual(first);
    expect(counts([...[...popped.values()].flat(), ...first!]), 'the items that were pushed').toEqual(counts(pushed));
    for (const items of popped.values()) expectProducersOrder(items, 'what a consumer got');
    expectProducersOrder(first!, 'what is left');
    model = first!;
    for (const queue of grid.collections) {
      expect(copies.get(queue)!.wrong, 'events that do not fit').toEqual([]);
      expect(copies.get(queue)!.items, 'what events tell').toEqual(counts(first!));
      expect(copies.get(queue)!.empty).toBe(first!.length === 0);
    }
  };

  for (const restart of randomRestarts(random)) {
    for (let step = 0; step < SEQUENTIAL; step++) {
      await sequentialStep(random.pick(grid.collections), model, produceOne);
    }
    await concurrently(grid.members);

    const victim = grid.victim(restart, random);
    const others = grid.members.filter((member) => member !== victim);
    await concurrently(others, grid.restart(restart, victim));
  }
  await sequentialStep(random.pick(grid.collections), model, produceOne);
});
