import type { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBaseMap } from '../../../facade/collections/BaseMap';
import type { HamokQueueBuilderConfig } from '../../../facade/collections/HamokQueue';
import { itemKey } from './fake-native-peer';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';
import { pause } from './pausing';

afterEach(closePeers);

type Peer = ReturnType<typeof createPeer>;

const [INSERT, UPDATE, REMOVE] = [1, 2, 3];

async function createQueue<T = unknown>(config: Partial<HamokQueueBuilderConfig<T>> = {}) {
  const { hamok, native } = await createJoinedPeer();
  const queue = hamok.createQueue<T>({ queueId: 'queue', ...config });

  await queue.ready;

  return { hamok, native, queue, heard: listen(queue) };
}

function listen(queue: EventEmitter): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of ['add', 'remove', 'empty', 'not-empty', 'close']) {
    queue.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  }

  return heard;
}

/** Changes of one operation, or of an absence. */
async function change(native: Peer['native'], changes: readonly [kind: number, number: number, item?: string][]) {
  const records = native
    .put()
    .u8(11)
    .u32(1)
    .f64(++native.revision)
    .u32(changes.length);

  for (const [kind, number, item] of changes) {
    records.u8(kind).text(itemKey(number));
    if (item !== undefined) records.text(item);
  }
  await pause(5);
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.code,
  );

describe('operations', () => {
  it('push is one operation for all items, pop one for one', async () => {
    const { native, queue } = await createQueue<string>();

    expect(native.calls).toContain('open(1,4,queue)');
    expect(await queue.push('a', 'b', 'ü')).toBe(undefined);
    expect(native.submitted).toMatchObject([{ opcode: 9, values: ['"a"', '"b"', '"ü"'] }]);
    expect(await queue.pop()).toBe('a');
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 10 });
    expect([[...queue], queue.peek(), queue.size, queue.empty]).toEqual([['b', 'ü'], 'b', 2, false]);
    expect([await queue.pop(), await queue.pop(), await queue.pop()]).toEqual(['b', 'ü', undefined]);
    expect([[...queue], queue.peek(), queue.size, queue.empty]).toEqual([[], undefined, 0, true]);
    expect(await queue.clear()).toBe(undefined);
    expect(native.submitted.at(-1)).toMatchObject({ opcode: 4 });
  });

  it('push without items does nothing', async () => {
    const { native, queue, heard } = await createQueue();

    expect(await queue.push()).toBe(undefined);
    expect([native.submitted, heard]).toEqual([[], []]);
  });

  it('a push over the limit is split', async () => {
    const { native, queue } = await createQueue<number>({ maxOutboundMessageValues: 2, maxOutboundMessageKeys: 3 });

    await queue.push(1, 2, 3, 4, 5);
    expect(native.submitted.map(({ values }) => values)).toEqual([['1', '2'], ['3', '4'], ['5']]);
    expect([...queue]).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([0, '', false, null])('%j is an item', async (falsy) => {
    const { queue, heard } = await createQueue();

    await queue.push(falsy, 1);
    expect([queue.peek(), [...queue]]).toEqual([falsy, [falsy, 1]]);
    expect(await queue.pop()).toBe(falsy);
    expect(heard).toEqual([['add', falsy], ['add', 1], ['not-empty'], ['remove', falsy]]);
  });

  it('items that are none are rejected with a code, and nothing is sent', async () => {
    const { native, queue } = await createQueue();

    for (const item of [undefined, () => {}, 1n]) {
      expect(await codeOf(queue.push(1, item)), String(item)).toBe('INVALID_ARGUMENT');
    }
    await expect(queue.push(undefined)).rejects.toThrow(TypeError);
    expect(native.submitted).toEqual([]);
  });

  it('operations before the queue is ready wait in order', async () => {
    const { hamok, native } = createPeer();
    const queue = hamok.createQueue<number>({ queueId: 'queue', requestTimeoutInMs: 20 });
    const results = [
      queue.pop(),
      queue.push(1, 2),
      queue.pop(),
      queue.push(3),
      queue.pop(),
      queue.clear(),
      queue.pop(),
    ];

    await pause(40);
    expect(native.submitted).toEqual([]);
    hamok.join();
    native.join();
    expect(await Promise.all(results)).toEqual([undefined, undefined, 1, undefined, 2, undefined, undefined]);
  });

  it('an operation that nobody answers times out and is abandoned', async () => {
    const { native, queue } = await createQueue({ requestTimeoutInMs: 20 });

    native.answers = false;
    await expect(queue.pop()).rejects.toThrow(/^Timeout\. requestId: \d+, number of received response: 0$/);
    expect(native.calls.at(-1)).toMatch(/^abandon/);
  });

  it('a codec may give any text, and its errors reject', async () => {
    const codec = {
      encode: (item: number) => {
        if (item < 0) throw new Error('cannot encode');
        return Buffer.from(`#${item}`);
      },
      decode: (data: Uint8Array) => Number(Buffer.from(data).toString().slice(1)),
    };
    const { native, queue } = await createQueue<number>({ codec });

    await queue.push(7);
    expect(native.submitted.at(-1)!.values).toEqual(['#7']);
    await expect(queue.push(1, -1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/cannot encode/),
    });
    expect(await queue.pop()).toBe(7);
  });

  it('an item that cannot be read is reported, and keeps no other away', async () => {
    const codec = {
      encode: (item: string) => Buffer.from(item),
      decode: (data: Uint8Array) => {
        const text = Buffer.from(data).toString();
        if (text.startsWith('bad')) throw new Error('cannot decode');
        return text;
      },
    };
    const { hamok, queue, heard } = await createQueue<string>({ codec });
    const errors: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    await queue.push('bad 1', 'a', 'bad 2', 'b', 'bad 3');
    expect(errors).toMatchObject([1, 2, 3].map(() => ({ code: 'INVALID_MESSAGE', message: /cannot decode/ })));
    expect([[...queue], queue.size, queue.peek()]).toEqual([['a', 'b'], 2, 'a']);
    expect(await codeOf(queue.pop())).toBe('INVALID_MESSAGE');
    expect(await queue.pop()).toBe('a');
    expect(queue.peek()).toBe('b');
    expect(await codeOf(queue.pop())).toBe('INVALID_MESSAGE');
    expect(await queue.pop()).toBe('b');
    expect(queue.empty).toBe(true);
    await queue.push('c');
    expect([await codeOf(queue.pop()), await queue.pop()]).toEqual(['INVALID_MESSAGE', 'c']);
    expect(heard.map((event) => event.join(' '))).toEqual([
      'add a',
      'add b',
      'not-empty',
      'remove a',
      'empty',
      'remove b',
      'add c',
      'not-empty',
      'empty',
      'remove c',
    ]);
  });
});

describe('events', () => {
  it('of pushes, pops and clear come in their order, and before the promise', async () => {
    const { queue, heard } = await createQueue<number>();
    const told = async (promise: Promise<unknown>) => {
      await promise;
      return heard.splice(0).map((event) => event.join(' '));
    };

    expect(await told(queue.pop())).toEqual([]);
    expect(await told(queue.clear())).toEqual([]);
    expect(await told(queue.push(1, 2))).toEqual(['add 1', 'add 2', 'not-empty']);
    expect(await told(queue.push(3))).toEqual(['add 3']);
    expect(await told(queue.pop())).toEqual(['remove 1']);
    expect(await told(queue.pop())).toEqual(['remove 2']);
    expect(await told(queue.pop())).toEqual(['empty', 'remove 3']);
    expect(await told(queue.pop())).toEqual([]);
    expect(await told(queue.push(4, 5))).toEqual(['add 4', 'add 5', 'not-empty']);
    expect(await told(queue.clear())).toEqual(['empty']);
    expect(await told(queue.clear())).toEqual([]);
  });

  it('listeners see the queue after the whole operation, and may use it', async () => {
    const { queue } = await createQueue<number>();
    const seen: unknown[] = [];
    const popped: unknown[] = [];

    queue.on('add', () => seen.push([...queue]));
    queue.on('not-empty', () => queue.pop().then((item) => popped.push(item)));
    await queue.push(1, 2);
    await queue.clear();
    expect([seen, popped]).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
      [1],
    ]);
  });

  it.each([
    [
      'items taken and items added',
      [
        [REMOVE, 0],
        [REMOVE, 1],
        [INSERT, 3, '"d"'],
      ],
      ['remove a', 'remove b', 'add d'],
    ],
    [
      'everything taken',
      [
        [REMOVE, 0],
        [REMOVE, 1],
        [REMOVE, 2],
      ],
      ['remove a', 'remove b', 'remove c', 'empty'],
    ],
    [
      'everything taken, and new items',
      [
        [REMOVE, 0],
        [REMOVE, 1],
        [REMOVE, 2],
        [INSERT, 8, '"x"'],
        [INSERT, 9, '"y"'],
      ],
      ['remove a', 'remove b', 'remove c', 'add x', 'add y'],
    ],
    [
      'other items under the same numbers',
      [
        [REMOVE, 0],
        [INSERT, 3, '"d"'],
        [UPDATE, 1, '"B"'],
        [UPDATE, 2, '"C"'],
      ],
      ['remove a', 'remove b', 'remove c', 'add B', 'add C', 'add d'],
    ],
    ['one item taken', [[REMOVE, 0]], ['remove a']],
  ] as [string, [number, number, string?][], string[]][])(
    'of what changed during an absence: %s',
    async (_, changes, expected) => {
      const { native, queue, heard } = await createQueue<string>();

      await queue.push('a', 'b', 'c');
      heard.length = 0;
      await change(native, changes);
      expect(heard.map((event) => event.join(' '))).toEqual(expected);
      const left = ['a', 'b', 'c'].filter((item) => !expected.includes(`remove ${item}`));
      const added = expected.filter((line) => line.startsWith('add')).map((line) => line.slice(4));
      expect([...queue]).toEqual([...left, ...added]);
      expect([queue.peek(), queue.size]).toEqual([[...left, ...added][0], left.length + added.length]);
    },
  );

  it('not-empty comes after what an absence brought into an empty queue', async () => {
    const { native, heard } = await createQueue<string>();

    await change(native, [[INSERT, 4, '"x"']]);
    expect(heard).toEqual([['add', 'x'], ['not-empty']]);
  });
});

describe('the local storage', () => {
  it('other keys in a baseMap do no harm', async () => {
    const baseMap = new MemoryBaseMap<number, string>();
    const { queue } = await createQueue<string>({ baseMap });

    await queue.push('a', 'b');
    baseMap.set(-1, 'no item');
    expect(await queue.pop()).toBe('a');
    expect(await queue.pop()).toBe('b');
    expect([...queue]).toEqual([]);
    await queue.push('c');
    expect([queue.peek(), ...queue]).toEqual(['c', 'c']);
  });

  it('a baseMap is emptied, and then has the items by their numbers', async () => {
    const baseMap = new MemoryBaseMap<number, string>([[7, 'old']]);
    const { queue, heard } = await createQueue<string>({ baseMap });

    expect(baseMap.size).toBe(0);
    await queue.push('a', 'b', 'c');
    await queue.pop();
    expect([...baseMap]).toEqual([
      [1, 'b'],
      [2, 'c'],
    ]);
    expect(heard).not.toContainEqual(['add', 'old']);
  });

  it('a fill replaces the items silently', async () => {
    const { native, queue, heard } = await createQueue<string>();

    await queue.push('a');
    heard.length = 0;
    native.ready(1, [itemKey(20), '"x"', itemKey(21), '"y"']);
    await pause(5);
    expect([[...queue], queue.peek(), heard]).toEqual([['x', 'y'], 'x', []]);
    native.ready(1);
    await pause(5);
    expect([[...queue], queue.peek(), heard]).toEqual([[], undefined, []]);
  });

  it('an iterator goes on over what is pushed and popped meanwhile', async () => {
    const { queue } = await createQueue<number>();

    await queue.push(1, 2, 3);
    const iterator = queue[Symbol.iterator]();
    expect(iterator.next().value).toBe(1);
    await Promise.all([queue.pop(), queue.pop(), queue.push(4)]);
    expect([...iterator]).toEqual([3, 4]);
    expect([...queue]).toEqual([3, 4]);
  });

  it('numbers above 32 bits are exact', async () => {
    const { native, queue } = await createQueue<string>();
    const key = `${'\0\0\x01'}${'\0'.repeat(4)}\x05`;

    native.put().u8(11).u32(1).f64(1).u32(1).u8(INSERT).text(key, '"x"');
    await pause(5);
    expect(queue.export()).toEqual({ queueId: 'queue', keys: [String(2 ** 40 + 5)], values: ['"x"'] });
  });

  it('peek and pop cost the same in a long queue as in a short one', async () => {
    const { native, queue } = await createQueue<number>();
    const count = 200_000;
    const key = Buffer.alloc(8);
    const writer = native.put().writer;

    for (const removals of [0, count - 10]) {
      writer.u8(11);
      writer.u32(1);
      writer.f64(++native.revision);
      writer.u32(removals || count);
      for (let number = 0; number < (removals || count); number++) {
        key.writeUInt32BE(number, 4);
        writer.u8(removals ? REMOVE : INSERT);
        writer.bytes(key);
        if (!removals) writer.str('1');
      }
    }
    await pause(5);
    expect(queue.size).toBe(10);
    const start = performance.now();
    for (let round = 0; round < 10_000; round++) queue.peek();
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('export and import', () => {
  it('what was exported can be read at once, and is pushed to the tail on joining', async () => {
    const { queue } = await createQueue<unknown>();

    await queue.push('gone', 'a', null, { ü: 1 });
    await queue.pop();
    const snapshot = queue.export();
    expect(snapshot).toEqual({ queueId: 'queue', keys: ['1', '2', '3'], values: ['"a"', 'null', '{"ü":1}'] });

    const { hamok, native } = createPeer();
    const copy = hamok.createQueue<unknown>({ queueId: 'queue' });
    const heard = listen(copy);
    copy.import(JSON.parse(JSON.stringify(snapshot)), true);
    const pushed = copy.push('b');
    expect([[...copy], copy.size, copy.peek()]).toEqual([[...queue], 3, 'a']);
    expect(heard).toEqual([['add', 'a'], ['add', null], ['add', { ü: 1 }], ['not-empty']]);
    native.opens = false;
    hamok.join();
    native.join();
    native.pushed.set(1, 6);
    native.maps.get(1)!.set(itemKey(5), { value: '"first"', changedAt: 0 });
    native.ready(1, [itemKey(5), '"first"']);
    await pushed;
    expect([...copy]).toEqual(['first', 'a', null, { ü: 1 }, 'b']);
    expect(() => copy.import(snapshot)).toThrow('Cannot import data while connected');
  });

  it('import is silent by default, and appends', () => {
    const { hamok } = createPeer();
    const queue = hamok.createQueue<number>({ queueId: 'queue' });
    const heard = listen(queue);

    queue.import({ queueId: 'queue', keys: ['8'], values: ['1'] });
    queue.import({ queueId: 'queue', keys: ['3'], values: ['2'] });
    expect([[...queue], queue.export().keys, heard]).toEqual([[1, 2], ['0', '1'], []]);
  });

  it('bytes that are no text survive', () => {
    const codec = { encode: (data: Uint8Array) => data, decode: (data: Uint8Array) => data };
    const { hamok } = createPeer();
    const baseMap = new MemoryBaseMap<number, Uint8Array>();
    const queue = hamok.createQueue<Uint8Array>({ queueId: 'queue', codec, baseMap });
    const items = [Uint8Array.of(0xff, 0, 0xc0), Buffer.from('\u0000base64:x'), new Uint8Array(0)];

    queue.import({ queueId: 'queue', keys: ['0', '1', '2'], values: ['', '', ''] });
    for (const [number, item] of items.entries()) baseMap.set(number, item);
    const snapshot = queue.export();
    queue.import(JSON.parse(JSON.stringify(snapshot)));
    expect([...queue].slice(3).map((item) => [...item])).toEqual(items.map((item) => [...item]));
  });

  it('refuses what it cannot take', () => {
    const { hamok } = createPeer();
    const queue = hamok.createQueue({ queueId: 'queue' });
    const snapshot = { queueId: 'queue', keys: ['0'], values: ['1'] };

    expect(() => queue.import({ ...snapshot, queueId: 'other' })).toThrow(
      'Cannot import data from a different queue: other !== queue',
    );
    expect(() => queue.import({ ...snapshot, values: [1] as never })).toThrow(/text/);
    expect(() => queue.import({ ...snapshot, values: undefined as never })).toThrow(TypeError);
    expect(() => queue.import({ ...snapshot, values: ['1', '{'] })).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    );
    expect([...queue]).toEqual([]);
  });
});

describe('closing and refusing', () => {
  it('a closed queue refuses by name', async () => {
    const { hamok, native, queue, heard } = await createQueue<number>();

    await queue.push(1);
    const pending = codeOf(queue.pop());
    queue.close();
    queue.close();
    expect(await pending).toBe('CLOSED');
    expect(heard.at(-1)).toEqual(['close']);
    expect(native.calls.at(-1)).toBe('shut(1)');
    await expect(queue.push(1)).rejects.toMatchObject({ code: 'CLOSED', message: 'Cannot push on a closed queue' });
    await expect(queue.push()).rejects.toThrow('Cannot push on a closed queue');
    await expect(queue.pop()).rejects.toMatchObject({ code: 'CLOSED', message: 'Cannot pop on a closed queue' });
    await expect(queue.clear()).rejects.toMatchObject({ code: 'CLOSED', message: 'Cannot clear a closed queue' });
    const closed = (message: string) => expect.objectContaining({ code: 'CLOSED', message });
    expect(() => queue.peek()).toThrow(closed('Cannot peek on a closed queue'));
    expect(() => queue.export()).toThrow(closed('Cannot export data on a closed queue'));
    expect(() => queue.import({ queueId: 'queue', keys: [], values: [] })).toThrow(
      closed('Cannot import data on a closed queue'),
    );
    expect([queue.size, queue.empty, [...queue]]).toEqual([1, false, [1]]);
    expect(hamok.createQueue({ queueId: 'queue' })).not.toBe(queue);
  });

  it('ids are taken once, and kinds are named', async () => {
    const { hamok, queue } = await createQueue();

    expect(() => hamok.createQueue({ queueId: 'queue' })).toThrow('Queue with id queue already exists');
    expect(hamok.getOrCreateQueue({ queueId: 'queue' })).toBe(queue);
    expect(() => hamok.createRecord({ recordId: 'queue' })).toThrow(/Record .* a queue/);
  });

  it.each([
    [{ queueId: '' }, 'queueId'],
    [{ queueId: 'a', requestTimeoutInMs: '5' }, 'requestTimeoutInMs'],
    [{ queueId: 'a', maxOutboundMessageValues: -1 }, 'maxOutboundMessageValues'],
    [{ queueId: 'a', codec: {} }, 'codec'],
    [{ queueId: 'a', codec: null }, 'codec'],
    [{ queueId: 'a', baseMap: 5 }, 'baseMap'],
    [{ queueId: 'a', baseMap: {} }, 'baseMap'],
  ])('the options %o are refused by name', (options, name) => {
    const { hamok } = createPeer();

    expect(() => hamok.createQueue(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(name) }),
    );
  });
});
