import { describe, expect, it } from 'vitest';
import { RemoteMethod } from '../../../facade/node/protocol';
import { createExecutor, createStore } from './executing';
import { pause } from './pausing';

const M = RemoteMethod;

describe('what the methods do with a store', () => {
  it('set gives the old value and tells insert from update', async () => {
    const { run } = createExecutor(createStore<unknown>({ zero: 0, null: null }).store);

    expect(await run(M.SET, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(await run(M.SET, ['a'], [2])).toEqual([[[0, 1]], [['update', 'a', 1, 2]]]);
    expect(await run(M.SET, ['zero'], [2])).toEqual([[[0, 0]], [['update', 'zero', 0, 2]]]);
    expect(await run(M.SET, ['null'], [2])).toEqual([[[0, null]], [['update', 'null', null, 2]]]);
  });

  it('setAll gives the old values, and inserts come before updates', async () => {
    const { run } = createExecutor(createStore({ b: 1 }).store);

    expect(await run(M.SET_ALL, ['b', 'a'], [2, 3])).toEqual([
      [[0, 1]],
      [
        ['insert', 'a', 3],
        ['update', 'b', 1, 2],
      ],
    ]);
  });

  it('insert keeps what exists, falsy values too', async () => {
    const { store, entries } = createStore<unknown>({ zero: 0, empty: '', no: false, null: null });
    const { run } = createExecutor(store);

    expect(await run(M.INSERT, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(await run(M.INSERT, ['a'], [2])).toEqual([[[0, 1]], []]);
    for (const [key, value] of [...entries].slice(0, 4)) {
      expect(await run(M.INSERT, [key], [9])).toEqual([[[0, value]], []]);
    }
    expect(entries.get('a')).toBe(1);
  });

  it('insertAll sets what is missing', async () => {
    const { store, entries } = createStore({ b: 0 });
    const { run } = createExecutor(store);

    expect(await run(M.INSERT_ALL, ['a', 'b', 'c'], [1, 2, 3])).toEqual([
      [[1, 0]],
      [
        ['insert', 'a', 1],
        ['insert', 'c', 3],
      ],
    ]);
    expect(entries.get('b')).toBe(0);
    expect(await run(M.INSERT_ALL, ['a'], [9])).toEqual([[[0, 1]], []]);
  });

  it('delete and remove tell whether the key existed', async () => {
    const { run } = createExecutor(createStore({ a: 0, b: 1 }).store);

    expect(await run(M.DELETE, ['a'])).toEqual([[[0]], [['remove', 'a', 0]]]);
    expect(await run(M.REMOVE, ['b'])).toEqual([[[0]], [['remove', 'b', 1]]]);
    expect(await run(M.REMOVE, ['b'])).toEqual([[], []]);
  });

  it('deleteAll gives the keys that existed, removeAll the entries', async () => {
    const { run } = createExecutor(createStore({ a: 0, b: 1, c: 2 }).store);

    expect(await run(M.DELETE_ALL, ['x', 'b'])).toEqual([[[1]], [['remove', 'b', 1]]]);
    expect(await run(M.REMOVE_ALL, ['c', 'x', 'a'])).toEqual([
      [
        [0, 2],
        [2, 0],
      ],
      [
        ['remove', 'c', 2],
        ['remove', 'a', 0],
      ],
    ]);
  });

  it('updateIf sets when the value is the expected one', async () => {
    const { run } = createExecutor(createStore({ a: 0 }).store);

    expect(await run(M.UPDATE_IF, ['a'], [1, 0])).toEqual([[[0]], [['update', 'a', 0, 1]]]);
    expect(await run(M.UPDATE_IF, ['a'], [2, 0])).toEqual([[], []]);
    expect(await run(M.UPDATE_IF, ['x'], [2, 0])).toEqual([[], []]);
  });

  it('clear', async () => {
    const { store, entries } = createStore({ a: 1 });

    expect(await createExecutor(store).run(M.CLEAR, [])).toEqual([[], [['clear']]]);
    expect(entries.size).toBe(0);
  });

  it('a second attempt that finds its own value reports the success of the first', async () => {
    const { run } = createExecutor(createStore({ a: 1, b: 1, c: 1 }).store);
    const second = { attempt: 2 };

    expect(await run(M.INSERT, ['a'], [1], second)).toEqual([[], [['insert', 'a', 1]]]);
    expect(await run(M.INSERT, ['a'], [2], second)).toEqual([[[0, 1]], []]);
    expect(await run(M.UPDATE_IF, ['a'], [1, 0], second)).toEqual([[[0]], [['update', 'a', 0, 1]]]);
    expect(await run(M.UPDATE_IF, ['a'], [3, 0], second)).toEqual([[], []]);
    expect(await run(M.INSERT_ALL, ['b', 'c'], [1, 2], second)).toEqual([[[1, 1]], [['insert', 'b', 1]]]);
    // The first attempt sees a value of somebody else's.
    expect(await run(M.INSERT, ['a'], [1])).toEqual([[[0, 1]], []]);
  });

  it('without events none are reported', async () => {
    const { run } = createExecutor(createStore({ a: 1 }).store, { emitEvents: false });

    expect(await run(M.SET, ['a'], [2])).toEqual([[[0, 1]], []]);
  });

  it('null is absent when the codec has no form for it', async () => {
    const valueCodec = { encode: (value: string) => Buffer.from(value), decode: (data: Uint8Array) => `${data}` };
    const { run } = createExecutor(
      createStore<unknown>({}, { get: async () => null, remove: async () => null }).store,
      {
        valueCodec: valueCodec as never,
      },
    );

    expect((await run(M.REMOVE, ['a']))[0]).toEqual([]);
    expect((await run(M.INSERT, ['a'], ['"v"']))[0]).toEqual([]);
  });

  it('keys that the store makes anew are recognised', async () => {
    const entries = new Map([
      ['[1]', 'one'],
      ['[2]', 'two'],
    ]);
    const found = (keys: Iterable<number[]>) =>
      [...keys].map((key) => [[...key], entries.get(JSON.stringify(key))] as [number[], string]).reverse();
    const { run } = createExecutor({ removeAll: async (keys: Iterable<number[]>) => new Map(found(keys)) } as never);

    expect((await run(M.REMOVE_ALL, [[1], [2]]))[0]).toEqual([
      [0, 'one'],
      [1, 'two'],
    ]);
  });
});

describe('stores that do not keep to the contract', () => {
  it('synchronous functions, and callbacks that are called or not', async () => {
    const entries = new Map<string, number>();
    const { run } = createExecutor({
      get: (key: string) => entries.get(key),
      set: (key: string, value: number) => void entries.set(key, value),
      setAll: (all: Map<string, number>) => {
        for (const [key, value] of all) entries.set(key, value);
      },
    } as never);

    expect(await run(M.SET, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    expect(await run(M.SET, ['a'], [2])).toEqual([[], [['insert', 'a', 2]]]);
    expect(await run(M.SET_ALL, ['a'], [3])).toEqual([[], [['insert', 'a', 3]]]);
    expect(await run(M.UPDATE_IF, ['a'], [4, 3])).toEqual([[[0]], [['update', 'a', 3, 4]]]);
  });

  it('a function that gives no promise is over when it calls back', async () => {
    const { run } = createExecutor({
      set: (_key: string, _value: number, callback: (old: number) => void) => {
        setTimeout(() => callback(7), 20);
      },
    } as never);

    expect((await run(M.SET, ['a'], [1]))[0]).toEqual([[0, 7]]);
  });

  it('only the first callback counts, and none that comes too late', async () => {
    const late: ((old: number) => void)[] = [];
    const { run, replies } = createExecutor({
      set: async (_key: string, _value: number, callback: (old: number) => void) => {
        callback(1);
        callback(2);
        late.push(callback);
      },
    } as never);

    expect((await run(M.SET, ['a'], [1]))[0]).toEqual([[0, 1]]);
    late[0]!(3);
    expect(replies).toHaveLength(1);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'boom',
    ],
    [
      'rejects',
      async () => {
        throw new Error('boom');
      },
      'boom',
    ],
    ['rejects with a text', () => Promise.reject('boom'), 'boom'],
    ['rejects with nothing', () => Promise.reject(new Error()), 'A callback of the remote map map failed'],
  ])('one that %s fails its caller, and the next operation runs', async (_what, remove, text) => {
    const { run } = createExecutor({ ...createStore({ a: 1 }).store, remove } as never);

    expect(await run(M.REMOVE, ['a'])).toEqual(['CALLBACK_FAILED', text]);
    expect(await run(M.SET, ['a'], [2])).toEqual([[[0, 1]], [['update', 'a', 1, 2]]]);
  });

  it.each([[undefined], [null], [5], ['text'], [{}], [[1, 2]]])(
    'getAll that gives %j is an error',
    async (nonsense) => {
      const { run } = createExecutor({ getAll: async () => nonsense } as never);

      expect((await run(M.INSERT_ALL, ['a'], [1]))[0]).toBe('CALLBACK_FAILED');
    },
  );

  it.each([[undefined], [null], [5], [{}], [{ updated: 'x' }]])(
    'setAll that calls back with %j did insert',
    async (told) => {
      const { run } = createExecutor({
        setAll: async (_all: unknown, callback: (told: unknown) => void) => callback(told),
      } as never);

      expect(await run(M.SET_ALL, ['a'], [1])).toEqual([[], [['insert', 'a', 1]]]);
    },
  );

  it('a store without the function, and an unknown method, are errors', async () => {
    const { run } = createExecutor({} as never);

    expect((await run(M.SET, ['a'], [1]))[0]).toBe('CALLBACK_FAILED');
    expect((await run(99, ['a'], [1]))[0]).toBe('CALLBACK_FAILED');
  });

  it('what the codec refuses is an error', async () => {
    const { run } = createExecutor({ remove: async () => 1n } as never);

    expect((await run(M.REMOVE, ['a']))[0]).toBe('CALLBACK_FAILED');
  });
});

describe('the order of execution', () => {
  /** A store whose operations end when the test says so. */
  function createGate() {
    const started: string[] = [];
    const ends: ((error?: Error) => void)[] = [];
    const contexts: { attempt: number; term: number; index: number; signal: AbortSignal }[] = [];
    const step = (name: string, context: never) => {
      started.push(name);
      contexts.push(context);
      return new Promise<undefined>((resolve, reject) => {
        ends.push((error) => (error ? reject(error) : resolve(undefined)));
      });
    };
    const store = {
      get: (key: string, context: never) => step(`get ${key}`, context),
      set: (key: string, _value: unknown, _callback: unknown, context: never) => step(`set ${key}`, context),
    } as never;

    return { store, started, ends, contexts };
  }

  it('one at a time, in order, with its context', async () => {
    const { store, started, ends, contexts } = createGate();
    const { order, replies, executor } = createExecutor(store);

    order(M.SET, ['a'], [1], { term: 3 });
    order(M.SET, ['b'], [1], { term: 3, attempt: 2 });
    await pause(5);
    expect([started, executor.size]).toEqual([['set a'], 2]);
    ends[0]!();
    await pause(5);
    expect(started).toEqual(['set a', 'set b']);
    ends[1]!();
    await pause(5);
    expect(replies.map(([position]) => position)).toEqual([0, 1]);
    expect(contexts).toMatchObject([
      { term: 3, index: 10, attempt: 1 },
      { term: 3, index: 20, attempt: 2 },
    ]);
    expect([contexts[0]!.signal.aborted, executor.size]).toEqual([false, 0]);
  });

  it('one that never settles is given up, and does not come back', async () => {
    const { store, started, ends, contexts } = createGate();
    const { order, replies, reports } = createExecutor(store, { abandonAfterMs: 30 });

    order(M.INSERT, ['a'], [1]);
    order(M.SET, ['b'], [1]);
    await pause(45);
    expect(replies).toEqual([[0, 'ABANDONED', expect.stringContaining('within 30 ms')]]);
    expect(reports).toMatchObject([{ code: 'ABANDONED' }]);
    expect([started, contexts[0]!.signal.aborted]).toEqual([['get a', 'set b'], true]);
    ends[0]!();
    ends[1]!();
    await pause(5);
    // The insert of the operation that was given up is not made any more.
    expect(started).toEqual(['get a', 'set b']);
    expect(replies.map(([position]) => position)).toEqual([0, 1]);
  });

  it('a halt drops what waits and stops what runs between its steps', async () => {
    const { store, started, ends, contexts } = createGate();
    const { order, replies, executor } = createExecutor(store);

    order(M.INSERT, ['a'], [1], { term: 2 });
    order(M.SET, ['b'], [1], { term: 2 });
    order(M.SET, ['c'], [1], { term: 3 });
    const { signal } = contexts[0]!;
    executor.halt(2, false);
    expect(signal.aborted).toBe(true);
    ends[0]!();
    await pause(5);
    expect(started).toEqual(['get a', 'set c']);
    expect(replies).toEqual([]);
  });

  it('the last step of what runs is still answered after a halt, a failure is not', async () => {
    const { store, ends } = createGate();
    const { order, replies, executor } = createExecutor(store);

    order(M.SET, ['a'], [1]);
    executor.halt(1, false);
    ends[0]!();
    await pause(5);
    expect(replies).toEqual([[0, [], [['insert', 'a', 1]]]]);

    order(M.SET, ['a'], [1], { term: 2 });
    executor.halt(2, false);
    ends[1]!(new Error('aborted'));
    await pause(5);
    expect(replies).toHaveLength(1);
  });

  it('what runs may finish when the lead is handed over in peace', async () => {
    const { store, started, ends, contexts } = createGate();
    const { order, replies, executor } = createExecutor(store);

    order(M.INSERT, ['a'], [1]);
    order(M.SET, ['b'], [1]);
    executor.halt(1, true);
    ends[0]!();
    await pause(5);
    ends[1]!();
    await pause(5);
    expect(started).toEqual(['get a', 'set a']);
    expect(contexts[1]!.signal.aborted).toBe(false);
    expect(replies).toEqual([[0, [], [['insert', 'a', 1]]]]);
  });
});
