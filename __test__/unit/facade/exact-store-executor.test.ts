/** How operations are executed on a store with `acquire` and `applyBatch`. */

import { describe, expect, it, vi } from 'vitest';
import { RemoteMethod } from '../../../facade/node/protocol';
import { createMemoryStore, MemoryDatabase, type MemoryStoreHooks } from '../../../facade/stores/memory';
import { createExecutor, createStore } from './executing';
import { pause } from './pausing';

const M = RemoteMethod;

function createExact(hooks: MemoryStoreHooks = {}, parts: Parameters<typeof createExecutor>[1] = {}) {
  const database = new MemoryDatabase();
  const store = createMemoryStore<string, unknown>({ database, hooks });
  const applyBatch = vi.spyOn(store, 'applyBatch');

  return { database, store, applyBatch, ...createExecutor(store, parts) };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await pause(1);
};

describe('operations', () => {
  it('have the results that they have on any store', async () => {
    const { run } = createExact();

    expect(await run(M.SET, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(await run(M.SET, ['a'], [0])).toEqual([[[0, 1]], [['update', 'a', 1, 0]]]);
    expect(await run(M.SET_ALL, ['b', 'a'], [2, 3])).toEqual([
      [[1, 0]],
      [
        ['insert', 'b', 2],
        ['update', 'a', 0, 3],
      ],
    ]);
    expect(await run(M.INSERT, ['a'], [9])).toEqual([[[0, 3]], []]);
    expect(await run(M.INSERT, ['c'], [null])).toEqual([[], [['insert', 'c', null]]]);
    expect(await run(M.INSERT_ALL, ['a', 'd'], [9, 4])).toEqual([[[0, 3]], [['insert', 'd', 4]]]);
    expect(await run(M.UPDATE_IF, ['c'], [5, null])).toEqual([[[0]], [['update', 'c', null, 5]]]);
    expect(await run(M.UPDATE_IF, ['c'], [6, null])).toEqual([[], []]);
    expect(await run(M.DELETE, ['c'])).toEqual([[[0]], [['remove', 'c', 5]]]);
    expect(await run(M.REMOVE, ['c'])).toEqual([[], []]);
    expect(await run(M.DELETE_ALL, ['x', 'b'])).toEqual([[[1]], [['remove', 'b', 2]]]);
    expect(await run(M.REMOVE_ALL, ['d', 'x', 'a'])).toEqual([
      [
        [0, 4],
        [2, 3],
      ],
      [
        ['remove', 'd', 4],
        ['remove', 'a', 3],
      ],
    ]);
    expect(await run(M.CLEAR, [])).toEqual([[], [['clear']]]);
  });

  it('have their results although the encoder uses the same memory again', async () => {
    const memory = Buffer.alloc(1);
    const valueCodec = {
      encode: (value: number) => memory.fill(`${value}`),
      decode: (bytes: Uint8Array) => Number(Buffer.from(bytes).toString()),
    };
    const { run } = createExact({}, { valueCodec: valueCodec as never });

    await run(M.SET_ALL, ['a', 'b'], [1, 2]);
    expect(await run(M.SET_ALL, ['a', 'b'], [3, 4])).toEqual([
      [
        [0, 1],
        [1, 2],
      ],
      [
        ['update', 'a', 1, 3],
        ['update', 'b', 2, 4],
      ],
    ]);
  });

  it('that wait together go together, in their order, with who they are', async () => {
    const { applyBatch, order, replies } = createExact();

    for (let value = 0; value < 5; value++) order(M.SET, ['a'], [value], { term: 7, epoch: 3 });
    await until(() => replies.length === 5);

    expect(applyBatch.mock.calls.map(([operations]) => operations.length)).toEqual([1, 4]);
    const [operations, context] = applyBatch.mock.calls[1]!;
    expect(operations.map(({ operationId, index }) => [operationId, index])).toEqual([
      ['operation 2', 20],
      ['operation 3', 30],
      ['operation 4', 40],
      ['operation 5', 50],
    ]);
    expect(context).toMatchObject({ epoch: 3, term: 7, attempt: 1 });
    expect(replies.map(([position, entries]) => [position, entries])).toEqual([
      [0, []],
      [1, [[0, 0]]],
      [2, [[0, 1]]],
      [3, [[0, 2]]],
      [4, [[0, 3]]],
    ]);
  });

  it('go to the store before the callers of those before hear of them, which costs the store no time', async () => {
    const { applyBatch, store, order, replies } = createExact();
    const repliedAtCall: number[] = [];
    const apply = Object.getPrototypeOf(store).applyBatch;

    applyBatch.mockImplementation((...args) => {
      repliedAtCall.push(replies.length);
      return apply.apply(store, args);
    });
    for (let value = 0; value < 5; value++) order(M.SET, ['a'], [value]);
    await until(() => replies.length === 5);
    order(M.SET, ['a'], [5]);
    await until(() => replies.length === 6);

    expect(repliedAtCall).toEqual([0, 0, 5]);
  });

  it('of two terms or two epochs do not go together', async () => {
    const { applyBatch, order, replies } = createExact();

    order(M.SET, ['a'], [0]);
    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], [2], { term: 2 });
    order(M.SET, ['a'], [3], { term: 2, epoch: 2 });
    order(M.SET, ['a'], [4], { term: 2, epoch: 2 });
    await until(() => replies.length === 5);

    expect(applyBatch.mock.calls.map(([operations, { epoch, term }]) => [operations.length, epoch, term])).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 2],
      [2, 2, 2],
    ]);
  });

  it('that cannot be read fail alone', async () => {
    const { order, replies, done } = createExact(
      {},
      {
        valueCodec: {
          encode: (value) => Buffer.from(JSON.stringify(value)),
          decode: (bytes) => {
            const value = JSON.parse(Buffer.from(bytes).toString()) as never;
            if (value === 'bad') throw new Error('not readable');
            return value;
          },
        },
      },
    );

    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], ['bad']);
    order(M.SET, ['a'], [2]);
    await until(() => replies.length === 3);

    expect(replies).toContainEqual([1, 'CALLBACK_FAILED', 'not readable (valueCodec.decode)']);
    expect(replies).toContainEqual([2, [[0, 1]], [['update', 'a', 1, 2]]]);
    expect(done).toEqual([0, 2]);
  });

  it('are compared with a function of the user, once, whatever is repeated', async () => {
    const equalValues = vi.fn((a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase());
    let lost = 1;
    const after = () => {
      if (lost-- === 0) throw new Error('the answer got lost');
    };
    const { run, applyBatch } = createExact({ after }, { equalValues });

    await run(M.SET, ['a'], ['ADA']);
    expect(await run(M.UPDATE_IF, ['a'], ['ben', 'ada'])).toEqual([[[0]], [['update', 'a', 'ADA', 'ben']]]);
    expect(applyBatch).toHaveBeenCalledTimes(3);
    expect(await run(M.UPDATE_IF, ['a'], ['cleo', 'ada'])).toEqual([[], []]);
    expect(await run(M.UPDATE_IF, ['x'], ['cleo', 'ada'])).toEqual([[], []]);
    expect(equalValues).toHaveBeenCalledTimes(2);
  });
});

describe('results that take long to encode', () => {
  it('leave others their turn', async () => {
    const valueCodec = {
      encode: (value: unknown) => {
        for (const end = performance.now() + 6; performance.now() < end; );
        return Buffer.from(JSON.stringify(value));
      },
      decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as never,
    };
    const { order, replies, store } = createExact({}, { valueCodec });
    const seen = new Set<number>();

    for (let key = 0; key < 20; key++) await store.set(`${key}`, 'old');
    for (let key = 0; key < 20; key++) order(M.SET, [`${key}`], [key]);
    while (replies.length < 20) {
      seen.add(replies.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen.size).toBeGreaterThan(3);
    expect(replies).toEqual(
      Array.from({ length: 20 }, (_, key) => [key, [[0, 'old']], [['update', `${key}`, 'old', key]]]),
    );
  });
});

describe('a store that holds what cannot be read', () => {
  it('has no value that the caller expects, whatever function compares, and goes on', async () => {
    const { run, store, told } = createExact({}, { equalValues: () => true });

    vi.spyOn(store, 'get').mockRejectedValue(Object.assign(new Error('no JSON'), { code: 'UNREADABLE_VALUE' }));
    await run(M.SET, ['a'], ['ada']);
    expect(await run(M.UPDATE_IF, ['a'], ['ben', 'cleo'])).toEqual([[], []]);
    expect(await run(M.SET, ['b'], [1])).toEqual([[], [['insert', 'b', 1]]]);
    expect(told).toEqual([]);
  });
});

describe('a store that fails', () => {
  it('is asked again until it answers, and what it has done is recognised', async () => {
    let calls = 0;
    const hooks: MemoryStoreHooks = {
      before: () => {
        if (++calls === 1) throw new Error('no connection');
      },
      after: () => {
        if (calls === 2) throw new Error('the connection broke');
      },
    };
    const { run, store, told, watch, applyBatch, standing } = createExact(hooks);

    expect(await run(M.SET, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(standing).toEqual([1]);
    expect(await store.get('a')).toBe(1);
    expect(told).toEqual(['down: no connection', 'up']);
    expect(applyBatch.mock.calls.map(([, { attempt }]) => attempt)).toEqual([1, 2, 2]);
    expect([watch.executed, watch.failed, watch.repeated]).toEqual([1, 0, 1]);
  });

  it('or does not answer', async () => {
    let calls = 0;
    const signals: (AbortSignal | undefined)[] = [];
    const { run, told, applyBatch } = createExact(
      {
        before: async () => {
          signals.push(applyBatch.mock.lastCall?.[1].signal);
          if (++calls === 1) await new Promise(() => {});
        },
      },
      { abandonAfterMs: 20 },
    );

    expect(await run(M.SET, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
    expect(told).toEqual(['down: The store of the remote map map did not answer within 20 ms', 'up']);
  });

  it('or answers with something else than results', async () => {
    let calls = 0;
    const { store } = createStore({}, { acquire: async () => 1 });
    const { run, told } = createExecutor({
      ...store,
      applyBatch: async (operations) =>
        ++calls === 1 ? ([undefined] as never) : operations.map(() => ({ status: 'done', result: 5, repeated: false })),
    });

    expect(await run(M.SET, ['a'], [1])).toEqual([[[0, 5]], [['update', 'a', 5, 1]]]);
    expect(told).toEqual(['down: remoteMap.applyBatch must give a result for each operation', 'up']);
  });

  it('is left alone when this peer no longer leads', async () => {
    let calls = 0;
    const before = () => {
      calls++;
      throw new Error('no connection');
    };
    const { executor, order, replies } = createExact({ before });

    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], [2]);
    await until(() => calls === 2);
    executor.halt(1, false);
    await until(() => executor.size === 0);
    expect(calls).toBe(2);
    expect(replies).toEqual([]);
  });
});

describe('a leader that was replaced', () => {
  it('stops, says so, and goes on when it has a later epoch', async () => {
    const { store, executor, order, replies, reports } = createExact();

    await store.applyBatch([{ method: 'clear', index: 1, operationId: 'x' }], { epoch: 2, term: 1 });
    order(M.SET, ['a'], [1], { epoch: 1, term: 5 });
    order(M.SET, ['a'], [2], { epoch: 1, term: 5 });
    await until(() => executor.size === 0);
    expect(replies).toEqual([['refused', 5, 1]]);
    // The native side may have been out of office since, or not know it yet.
    order(M.SET, ['a'], [3], { epoch: 1, term: 5 });
    expect(executor.size).toBe(0);
    await until(() => replies.length === 2);
    expect(replies).toEqual([
      ['refused', 5, 1],
      ['refused', 5, 1],
    ]);
    expect(reports).toMatchObject([{ code: 'STALE_EPOCH' }]);
    expect(await store.get('a')).toBeUndefined();

    order(M.SET, ['a'], [1], { epoch: 3, term: 5 });
    await until(() => replies.length === 3);
    expect(replies[2]).toEqual([3, [], [['insert', 'a', 1]]]);
  });

  it('because a later leader of its grid has written, until it leads again itself', async () => {
    const { store, executor, order, replies } = createExact();

    await store.applyBatch([{ method: 'clear', index: 5, operationId: 'x' }], { epoch: 1, term: 2 });
    order(M.SET, ['a'], [1]);
    await until(() => replies.length === 1);
    expect(replies).toEqual([['refused', 1, 1]]);

    order(M.SET, ['a'], [2]);
    expect(executor.size).toBe(0);
    await until(() => replies.length === 2);

    order(M.SET, ['a'], [3], { term: 3 });
    await until(() => replies.length === 3);
    expect(replies[2]).toEqual([2, [], [['insert', 'a', 3]]]);
  });

  it('whatever it has done of a batch counts', async () => {
    const { store, order, replies } = createExact();
    const steps = [{ status: 'done', result: undefined, repeated: false }] as never[];
    const refusal = { status: 'refused', error: Object.assign(new Error('later'), { code: 'STALE_EPOCH' }) } as never;

    vi.spyOn(store, 'applyBatch').mockImplementation(async (operations) =>
      operations.length === 1 ? steps : [...steps, refusal],
    );
    order(M.SET, ['a'], [0]);
    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], [2]);
    await until(() => replies.length === 3);
    expect(replies.map(([position]) => position)).toEqual([0, 1, 'refused']);
  });

  it('tells the caller of an operation whose place is taken', async () => {
    const { store, order, replies } = createExact();

    await store.applyBatch([{ method: 'clear', index: 15, operationId: 'x' }], { epoch: 1, term: 1 });
    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], [2]);
    await until(() => replies.length === 2);
    expect(replies[0]?.slice(0, 2)).toEqual([0, 'ABANDONED']);
    expect(replies[1]).toEqual([1, [], [['insert', 'a', 2]]]);
  });

  it('on a store without batches', async () => {
    const stale = async () => {
      throw Object.assign(new Error('later'), { code: 'STALE_EPOCH' });
    };
    const { store } = createStore({}, { acquire: async () => 1, set: stale });
    const { order, replies, executor } = createExecutor(store);

    order(M.SET, ['a'], [1]);
    order(M.SET, ['a'], [2]);
    await until(() => executor.size === 0);
    expect(replies).toEqual([['refused', 1, 1]]);
  });

  it('a store without epochs fails like any other with that code', async () => {
    const stale = async () => {
      throw Object.assign(new Error('later'), { code: 'STALE_EPOCH' });
    };
    const { run } = createExecutor(createStore({}, { set: stale }).store);

    expect(await run(M.SET, ['a'], [1])).toEqual(['CALLBACK_FAILED', 'later']);
  });
});

describe('a claim', () => {
  it('is made until the store answers, before what was handed over later', async () => {
    let calls = 0;
    const acquire = async (gridId: string) => {
      if (++calls < 3) throw new Error(`not yet ${gridId}`);
      return 7;
    };
    const { store } = createStore({}, { acquire });
    const { claim, order, replies, told } = createExecutor(store);

    claim('grid-1');
    order(M.SET, ['a'], [1], { epoch: 7 });
    await until(() => replies.length === 2);
    expect(replies).toEqual([
      ['grid-1', 7],
      [0, [], [['insert', 'a', 1]]],
    ]);
    expect(told).toEqual(['down: not yet grid-1', 'up']);
  });

  it('that a store answers with something else than a number is made again', async () => {
    const answers = ['no number', -1, 1.5, undefined, 4];
    const { store } = createStore({}, { acquire: async () => answers.shift() as number });
    const { claim, replies, told } = createExecutor(store);

    claim('grid-1');
    await until(() => replies.length === 1);
    expect(replies).toEqual([['grid-1', 4]]);
    expect(told[0]).toContain('remoteMap.acquire must give a whole number');
  });
});

describe('contexts', () => {
  it('reach each function of a store without batches', async () => {
    const contexts: unknown[] = [];
    const { store } = createStore<unknown>(
      {},
      {
        acquire: async () => 1,
        async set(_key, _value, callback, context) {
          contexts.push(context);
          callback?.(undefined);
        },
      },
    );
    const { run } = createExecutor(store);

    await run(M.SET, ['a'], [1], { epoch: 4, term: 5, attempt: 2 });
    expect(contexts).toMatchObject([{ epoch: 4, term: 5, index: 10, operationId: 'operation 1', attempt: 2 }]);
    expect((contexts[0] as { signal: AbortSignal }).signal.aborted).toBe(false);
  });
});
