import { type Hamok, HamokQueue } from 'hamok';
import { MemoryBaseMap } from 'hamok/lib/collections/BaseMap';
import type { HamokQueueBuilderConfig } from 'hamok/lib/collections/HamokQueue';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, QUICK, until, useGrid } from '../support/grid';

const FALSY = [0, '', false, null];
const EVENTS = ['add', 'remove', 'empty', 'not-empty', 'close'];

let queueCount = 0;

/** A queue of a fresh id on each of these peers, ready. */
async function createQueues<T>(
  peers: readonly Hamok[],
  config: Partial<HamokQueueBuilderConfig<T>> = {},
): Promise<HamokQueue<T>[]> {
  const queueId = `queue-${++queueCount}`;
  const queues = peers.map((peer) => peer.createQueue<T>({ queueId, ...config }));

  await Promise.all(queues.map(({ ready }) => ready));

  return queues;
}

/** Waits until all have the items of the first, in its order. */
async function alike(queues: readonly HamokQueue<unknown>[]): Promise<void> {
  const contents = () => queues.map((queue) => JSON.stringify([...queue]));

  await until(
    () => new Set(contents()).size === 1,
    () => `all peers have the same items:\n${contents().join('\n')}`,
  );
}

/** What a queue emits from now on, such as `add 1`. */
function listen(queue: HamokQueue<never>): string[] {
  const heard: string[] = [];

  for (const event of EVENTS) {
    queue.on(event as 'add', (...args: unknown[]) => heard.push([event, ...args.map((it) => `${it}`)].join(' ')));
  }

  return heard;
}

const failure = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
const lines = (event: string, items: readonly unknown[]) => items.map((item) => `${event} ${item}`);

describe.each(['leader', 'follower'] as const)('every operation and its result, on a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  /** The queue of the peer, the queues of all with the peer's first, and what the first and the last peer heard. */
  const create = async <T = number>(config: Partial<HamokQueueBuilderConfig<T>> = {}) => {
    const queues = await createQueues<T>([peer(), ...grid().peers.filter((it) => it !== peer())], config);
    const [heard, heardElsewhere] = [listen(queues[0]! as never), listen(queues[2]! as never)];

    return { queue: queues[0]!, queues, heard, heardElsewhere };
  };

  it('items come out in the order in which they went in', async () => {
    const { queue, queues } = await create();

    expect(queue).toBeInstanceOf(HamokQueue);
    expect(await queue.push(1, 2, 3)).toBe(undefined);
    expect(await queue.push(4)).toBe(undefined);
    expect([[...queue], queue.size, queue.empty, queue.peek()]).toEqual([[1, 2, 3, 4], 4, false, 1]);
    expect([await queue.pop(), await queue.pop()]).toEqual([1, 2]);
    await alike(queues);
    expect([[...queues[2]!], queues[2]!.peek()]).toEqual([[3, 4], 3]);
    expect([await queue.pop(), await queue.pop(), await queue.pop()]).toEqual([3, 4, undefined]);
    expect([[...queue], queue.size, queue.empty, queue.peek()]).toEqual([[], 0, true, undefined]);
  });

  it('emits its events in their order, everywhere', async () => {
    const { queue, queues, heard, heardElsewhere } = await create();
    const all: string[] = [];
    const told = async (promise: Promise<unknown>) => {
      await promise;
      all.push(...heard);
      return heard.splice(0);
    };

    expect(await told(queue.pop())).toEqual([]);
    expect(await told(queue.clear())).toEqual([]);
    expect(await told(queue.push(1, 2))).toEqual(['add 1', 'add 2', 'not-empty']);
    expect(await told(queue.push(3))).toEqual(['add 3']);
    expect(await told(queue.push())).toEqual([]);
    expect(await told(queue.pop())).toEqual(['remove 1']);
    expect(await told(queue.pop())).toEqual(['remove 2']);
    expect(await told(queue.pop())).toEqual(['empty', 'remove 3']);
    expect(await told(queue.pop())).toEqual([]);
    expect(await told(queue.push(4, 5))).toEqual(['add 4', 'add 5', 'not-empty']);
    expect(await told(queue.clear())).toEqual(['empty']);
    expect(await told(queue.clear())).toEqual([]);
    await alike(queues);
    await until(() => heardElsewhere.length === all.length, 'the last peer heard as much');
    expect(heardElsewhere).toEqual(all);
  });

  it('on the caller the events come first, then the commit, then the promise', async () => {
    const { queue, heard } = await create();
    const commit = (_index: number, { storageId }: { storageId?: string }) => {
      if (storageId === queue.id) heard.push('commit');
    };
    const told = async (promise: Promise<unknown>) => {
      await promise.then(() => heard.push('promise'));
      return heard.splice(0);
    };
    peer().on('commit', commit);

    expect(await told(queue.push(1, 2))).toEqual(['add 1', 'add 2', 'not-empty', 'commit', 'promise']);
    expect(await told(queue.pop())).toEqual(['remove 1', 'commit', 'promise']);
    expect(await told(queue.pop())).toEqual(['empty', 'remove 2', 'commit', 'promise']);
    expect(await told(queue.pop())).toEqual(['commit', 'promise']);
    await queue.push(3);
    heard.length = 0;
    expect(await told(queue.clear())).toEqual(['empty', 'commit', 'promise']);
    peer().off('commit', commit);
  });

  it.each(FALSY)('%j is an item like any other', async (falsy) => {
    const { queue, queues } = await create<unknown>();

    await queue.push(falsy, falsy);
    await alike(queues);
    expect([queues[2]!.peek(), queues[2]!.size]).toEqual([falsy, 2]);
    expect([await queue.pop(), await queue.pop(), await queue.pop()]).toEqual([falsy, falsy, undefined]);
  });

  it('undefined is no item: a TypeError, and the queue goes on', async () => {
    const { queue } = await create<unknown>();

    for (const items of [[undefined], [1, undefined], [1n], [() => {}]]) {
      const error = await failure(() => queue.push(...items));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(queue.size).toBe(0);
    await queue.push(1);
    expect(await queue.pop()).toBe(1);
  });

  it('a codec may give any bytes, also none', async () => {
    const codec = { encode: (item: Uint8Array) => item, decode: (data: Uint8Array) => Uint8Array.from(data) };
    const { queue, queues } = await create<Uint8Array>({ codec });
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);

    await queue.push(all, new Uint8Array(0), all.slice().reverse());
    await alike(queues);
    expect(queues[1]!.peek()).toEqual(all);
    expect([await queue.pop(), await queue.pop(), await queue.pop()]).toEqual([
      all,
      new Uint8Array(0),
      all.slice().reverse(),
    ]);
  });

  it.each([{ maxOutboundMessageKeys: 8 }, { maxOutboundMessageValues: 8 }])(
    'a push over %o is split',
    async (limit) => {
      const { queue, queues } = await create(limit);
      const sizes: number[] = [];
      const count = (_index: number, { storageId, values }: { storageId?: string; values: unknown[] }) => {
        if (storageId === queue.id) sizes.push(values.length);
      };
      peer().on('commit', count);

      await queue.push(...numbers(0, 50));
      peer().off('commit', count);
      expect(sizes).toEqual([8, 8, 8, 8, 8, 8, 2]);
      await alike(queues);
      expect([...queues[1]!]).toEqual(numbers(0, 50));
    },
  );

  it('a push is one step: no item of another peer comes between', async () => {
    const { queues } = await create();

    await Promise.all(
      queues.flatMap((queue, number) =>
        numbers(0, 10).map((push) => queue.push(...numbers(number * 1000 + push * 10, 10))),
      ),
    );
    await alike(queues);
    const items = [...queues[0]!];
    expect(items).toHaveLength(300);
    for (let index = 0; index < 300; index += 10) {
      expect(items.slice(index, index + 10)).toEqual(numbers(items[index]!, 10));
    }
  });

  it('a baseMap is emptied, and then has the items by their numbers', async () => {
    const baseMap = new MemoryBaseMap<number, number>([[3, 3]]);
    const { queue } = await create({ baseMap: undefined });
    const mine = peer().createQueue<number>({ queueId: `${queue.id}-with-storage`, baseMap });

    expect(baseMap.size).toBe(0);
    await mine.push(10, 11, 12);
    await mine.pop();
    expect([...baseMap]).toEqual([
      [1, 11],
      [2, 12],
    ]);
    expect([...mine]).toEqual([11, 12]);
  });

  it('operations that nobody awaits apply in the order of the calls', async () => {
    const { queue, queues } = await create();
    const pushes = numbers(0, 300).map((number) => queue.push(number));
    const pops = numbers(0, 301).map(() => queue.pop());

    await Promise.all(pushes);
    expect(await Promise.all(pops)).toEqual([...numbers(0, 300), undefined]);
    await alike(queues);
    expect(queue.empty).toBe(true);
  });
});

describe('a queue on several peers', () => {
  const grid = useGrid(3);

  it('gives each item to one of twelve consumers, and to each consumer in order', async () => {
    const queues = await createQueues<number>(grid().peers);
    const count = 600;
    const consumers = queues.flatMap((queue) => Array.from({ length: 4 }, () => ({ queue, got: [] as number[] })));
    let produced = false;
    const consume = async ({ queue, got }: (typeof consumers)[number]) => {
      for (;;) {
        const over = produced;
        const item = await queue.pop();

        if (item !== undefined) got.push(item);
        else if (over) return;
      }
    };
    const produce = async (queue: HamokQueue<number>, producer: number) => {
      for (let number = producer; number < count; number += 3) await queue.push(number);
    };

    const consuming = Promise.all(consumers.map(consume));
    await Promise.all(queues.map(produce));
    produced = true;
    await consuming;

    const all = consumers.flatMap(({ got }) => got);
    expect([...all].sort((a, b) => a - b)).toEqual(numbers(0, count));
    for (const { got } of consumers) {
      for (const producer of [0, 1, 2]) {
        const own = got.filter((item) => item % 3 === producer);
        expect(own, 'the items of one producer').toEqual([...own].sort((a, b) => a - b));
      }
    }
    await alike(queues);
    expect(queues.map(({ size }) => size)).toEqual([0, 0, 0]);
  });

  it('a long queue is popped by all at once, in order for each, and faster than a heartbeat an item', async () => {
    const queues = await createQueues<number>(grid().peers);
    await queues[0]!.push(...numbers(0, 1200));
    const start = performance.now();
    const got = await Promise.all(
      queues.flatMap((queue) => Array.from({ length: 4 }, () => Promise.all(numbers(0, 100).map(() => queue.pop())))),
    );

    expect(performance.now() - start).toBeLessThan(5000);
    expect(got.flat().sort((a, b) => a! - b!)).toEqual(numbers(0, 1200));
    for (const items of got) expect(items).toEqual([...items].sort((a, b) => a! - b!));
    expect(await queues[2]!.pop()).toBe(undefined);
  });

  it('emits the same events in the same order everywhere', async () => {
    const queues = await createQueues<number>(grid().peers);
    const heard = queues.map((queue) => listen(queue as never));

    await Promise.all(
      queues.flatMap((queue, number) =>
        numbers(0, 40).flatMap((item) => [queue.push(number * 100 + item), queue.pop()]),
      ),
    );
    await queues[1]!.push(999);
    await queues[1]!.clear();
    await until(() => heard.every((events) => events.includes('add 999') && events.at(-1) === 'empty'), 'all heard it');
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
  });

  it('a queue that is created late is filled without events, also with one item', async () => {
    const [a, b, c] = grid().peers;
    for (const count of [1, 150]) {
      const queueId = `queue-${++queueCount}`;
      const queue = a!.createQueue<number>({ queueId });
      await queue.push(-1, ...numbers(0, count));
      await queue.pop();

      for (const peer of [b!, c!]) {
        const late = peer.createQueue<number>({ queueId });
        const heard = listen(late as never);
        await late.ready;
        expect(heard).toEqual([]);
        expect([...late]).toEqual([...queue]);
        expect([late.peek(), late.size]).toEqual([0, count]);
      }
    }
  });

  it('export gives text, and a queue that is not connected takes it', async () => {
    const [queue] = await createQueues<unknown>(grid().peers);
    await queue!.push('gone', ...FALSY, 'ü', { deep: [1] });
    await queue!.pop();

    const snapshot = JSON.parse(JSON.stringify(queue!.export()));
    expect(snapshot).toEqual({
      queueId: queue!.id,
      keys: ['1', '2', '3', '4', '5', '6'],
      values: ['0', '""', 'false', 'null', '"ü"', '{"deep":[1]}'],
    });
    const copy = createGrid(1).peers[0]!.createQueue<unknown>({ queueId: queue!.id });
    const heard = listen(copy as never);
    copy.import(snapshot);
    expect([[...copy], copy.size, copy.peek(), heard]).toEqual([[...queue!], 6, 0, []]);
    const loud = createGrid(1).peers[0]!.createQueue<unknown>({ queueId: queue!.id });
    const told = listen(loud as never);
    loud.import(snapshot, true);
    expect(told).toEqual([...lines('add', [...queue!]), 'not-empty']);

    expect(() => queue!.import(snapshot)).toThrow('Cannot import data while connected');
    expect(() => copy.import({ ...snapshot, queueId: 'other' })).toThrow(
      `Cannot import data from a different queue: other !== ${queue!.id}`,
    );
  });

  it('a closed queue refuses operations by name', async () => {
    const [queue, other] = await createQueues<number>(grid().peers);
    const peer = grid().peers[0]!;
    const order: string[] = [];
    await queue!.push(1);
    queue!.connection.on('close', () => order.push('connection'));
    queue!.on('close', () => order.push('queue'));

    const pending = ending(queue!.push(2), 'the pending operation');
    queue!.close();
    queue!.close();
    expect((await pending).error).toMatchObject({ code: 'CLOSED', message: 'Connection is closed' });
    expect([order, queue!.closed, queue!.eventNames()]).toEqual([['connection', 'queue'], true, []]);
    expect(peer.storages.has(queue!.id)).toBe(false);
    const refused: [() => unknown, string][] = [
      [() => queue!.push(1), 'Cannot push on a closed queue'],
      [() => queue!.push(), 'Cannot push on a closed queue'],
      [() => queue!.pop(), 'Cannot pop on a closed queue'],
      [() => queue!.peek(), 'Cannot peek on a closed queue'],
      [() => queue!.clear(), 'Cannot clear a closed queue'],
      [() => queue!.export(), 'Cannot export data on a closed queue'],
      [() => queue!.import({ queueId: queue!.id, keys: [], values: [] }), 'Cannot import data on a closed queue'],
    ];
    for (const [call, message] of refused) expect(await failure(call)).toMatchObject({ code: 'CLOSED', message });
    expect([queue!.size, [...queue!]]).toEqual([1, [1]]);

    const again = peer.createQueue<number>({ queueId: queue!.id });
    await again.ready;
    expect(again.peek()).toBe(1);
    expect(await other!.pop()).toBe(1);
  });

  it('an id is taken by one collection: a second queue, or another kind, is refused', async () => {
    const [queue, , third] = await createQueues<number>(grid().peers);
    const [peer, , other] = grid().peers;
    const queueId = queue!.id;

    expect(() => peer!.createQueue({ queueId })).toThrow(`Queue with id ${queueId} already exists`);
    expect(() => peer!.createMap({ mapId: queueId })).toThrow(/map.*queue/i);
    const existed: boolean[] = [];
    expect(peer!.getOrCreateQueue({ queueId }, (already) => existed.push(already))).toBe(queue);
    peer!.getOrCreateQueue({ queueId: `${queueId}-new` }, (already) => existed.push(already));
    expect(existed).toEqual([true]);

    third!.close();
    const wrong = other!.createMap<string, number>({ mapId: queueId });
    for (const end of [await ending(wrong.set('a', 1), 'its operation'), await ending(wrong.ready, 'ready')]) {
      expect(end.error).toMatchObject({ code: 'KIND_MISMATCH', message: expect.stringMatching(/queue/i) });
      expect(end.error!.message).toMatch(/map/i);
    }
    wrong.close();
    await queue!.push(1);
  });
});

describe('before and after join', () => {
  it('operations before join wait in order, and what was imported can be read meanwhile', async () => {
    const grid = createGrid(3);
    const queues = grid.peers.map((peer) => peer.createQueue<string>({ queueId: 'queue', requestTimeoutInMs: 3000 }));
    const [queue, other] = queues;
    queue!.import({ queueId: 'queue', keys: ['0', '1'], values: ['"i"', '"j"'] });
    expect([[...queue!], queue!.peek()]).toEqual([['i', 'j'], 'i']);
    const results = [queue!.pop(), queue!.push('a', 'b'), queue!.pop(), queue!.pop()];

    await grid.join();
    expect(await Promise.all(results)).toEqual(['i', undefined, 'j', 'a']);
    await other!.push('c');
    await alike(queues);
    expect([...other!]).toEqual(['b', 'c']);
  });

  it('what was imported goes to the tail of the shared queue', async () => {
    const grid = createGrid(2);
    await grid.join();
    const queue = grid.leader.createQueue<number>({ queueId: 'queue' });
    await queue.push(1, 2);

    const newcomer = grid.add();
    const late = newcomer.createQueue<number>({ queueId: 'queue' });
    late.import({ queueId: 'queue', keys: ['0', '1'], values: ['8', '9'] });
    expect([...late]).toEqual([8, 9]);
    await newcomer.join();
    await until(() => queue.size === 4, 'the imported items are shared');
    await alike([queue, late]);
    expect([...late]).toEqual([1, 2, 8, 9]);
  });

  it('a peer that comes back hears what changed meanwhile', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const queues = await createQueues<string>(grid.peers);
    const away = grid.followers[0]!;
    const [queue, other] = [queues[grid.peers.indexOf(away)]!, queues[grid.peers.indexOf(grid.leader)]!];
    await queue.push('a', 'b', 'c');
    const heard = listen(queue as never);
    const absence = async (meanwhile: () => Promise<unknown>) => {
      await alike(queues);
      heard.length = 0;
      await away.leave();
      await meanwhile();
      expect(heard).toEqual([]);
      await away.join();
      await away.waitUntilCommitHead();
      expect([...queue]).toEqual([...other]);
      expect([queue.peek(), queue.size]).toEqual([other.peek(), other.size]);
      return heard;
    };

    expect(
      await absence(async () => {
        await other.pop();
        await other.pop();
        await other.push('d', 'e');
      }),
    ).toEqual(['remove a', 'remove b', 'add d', 'add e']);
    expect(await absence(() => other.clear())).toEqual(['remove c', 'remove d', 'remove e', 'empty']);
    expect(await absence(() => other.push('f', 'g'))).toEqual(['add f', 'add g', 'not-empty']);
    expect(
      await absence(async () => {
        await other.clear();
        await other.push('h');
      }),
    ).toEqual(['remove f', 'remove g', 'add h']);
    expect(await absence(async () => {})).toEqual([]);
    expect(await queue.pop()).toBe('h');
    expect(heard).toEqual(['empty', 'remove h']);
  });

  it('an operation of a peer that is away waits until it is back, and is heard once', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const queues = await createQueues<string>(grid.peers);
    const away = grid.followers[0]!;
    const queue = queues[grid.peers.indexOf(away)]!;
    await queue.push('a');
    const heard = listen(queue as never);

    await away.leave();
    const waiting = [queue.push('b', 'c'), queue.pop(), queue.pop()];
    await away.join();
    expect(await Promise.all(waiting)).toEqual([undefined, 'a', 'b']);
    await alike(queues);
    expect([...queue]).toEqual(['c']);
    // Of `b`, which came and went, it may hear or not.
    expect(heard.filter((line) => !line.endsWith('b')).sort()).toEqual(['add c', 'remove a']);
    expect(new Set(heard).size).toBe(heard.length);
  });

  it('no item is lost and none is given twice when the leader is lost', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const queues = await createQueues<number>(grid.peers, { requestTimeoutInMs: 15_000 });
    const lost = grid.leader;
    const survivors = queues.filter((_, number) => grid.peers[number] !== lost);
    const pushes = survivors.flatMap((queue, number) =>
      numbers(0, 100).map((item) => queue.push(number * 1000 + item)),
    );
    const pops = survivors.flatMap((queue) => numbers(0, 60).map(() => queue.pop()));

    grid.cut(lost);
    lost.close();
    await Promise.all(pushes);
    const popped = (await Promise.all(pops)).filter((item) => item !== undefined);
    await alike(survivors);
    expect([...popped, ...survivors[0]!].sort((a, b) => a - b)).toEqual([...numbers(0, 100), ...numbers(1000, 100)]);
  });

  it('without a leader operations fail in time, by name, and the queue goes on when there is one', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const away = grid.followers[0]!;
    const queue = away.createQueue<number>({ queueId: 'queue', requestTimeoutInMs: 300 });
    await queue.push(1);

    grid.cut(away);
    await until(() => away.raft.leaderId === undefined, 'the leader is missed');
    const { error } = await ending(queue.push(2), 'the operation', 1500);
    expect(error).toMatchObject({ code: 'NO_QUORUM', message: expect.stringMatching(/^No leader is elected within/) });

    grid.heal(away);
    await grid.settled();
    expect(await queue.pop()).toBe(1);
  });
});
