/** What all stores of the package have in common: their codecs, and what they take for contexts and batches. */
import { createMemoryStore, MemoryDatabase, StaleWriteError, type StoreCodec } from 'hamok/lib/stores/memory';
import { describe, expect, it } from 'vitest';

const { signal } = new AbortController();
const invalid = (text: string) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) });

describe('codecs', () => {
  it('of text and of bytes', async () => {
    const store = createMemoryStore<string, Uint8Array>({
      keyCodec: { encode: (key) => key, decode: (text: string) => text },
      valueCodec: { format: 'bytes', encode: (value) => value, decode: (bytes) => Uint8Array.from(bytes) },
    });

    await store.set('\u{1f600}', Uint8Array.of(0, 255));
    await store.set('', new Uint8Array());
    expect(await store.get('\u{1f600}')).toEqual(Uint8Array.of(0, 255));
    expect(await store.get('')).toEqual(new Uint8Array());
    expect([...(await store.keys())].sort()).toEqual(['', '\u{1f600}']);
  });

  it('that give something else than they say: the operation fails', async () => {
    const bytes = { encode: () => Uint8Array.of(1), decode: () => 1 } as unknown as StoreCodec<number>;
    const text = { format: 'bytes', encode: () => 'text', decode: () => 1 } as unknown as StoreCodec<number>;

    await expect(createMemoryStore({ valueCodec: bytes }).set(1, 1)).rejects.toEqual(invalid('must give a string'));
    await expect(createMemoryStore({ keyCodec: text }).set(1, 1)).rejects.toEqual(invalid('must give a Uint8Array'));
    await expect(createMemoryStore({ keyCodec: text }).get(1)).rejects.toEqual(invalid('must give a Uint8Array'));
  });

  it('for which several keys are one: it counts once', async () => {
    const lower = { encode: (key: string) => key.toLowerCase(), decode: (text: string) => text };
    const store = createMemoryStore<string, number>({ keyCodec: lower });
    const entries = new Map([
      ['A', 1],
      ['b', 2],
      ['a', 3],
    ]);
    const told: unknown[] = [];

    await store.setAll(entries, (result) => void told.push(result));
    expect(told).toEqual([
      {
        inserted: [
          ['A', 3],
          ['b', 2],
        ],
        updated: [],
      },
    ]);
    expect(await store.getAll(['B', 'b', 'A'])).toEqual(
      new Map([
        ['B', 2],
        ['A', 3],
      ]),
    );
    expect(await store.removeAll(['A', 'a', 'B'])).toEqual(
      new Map([
        ['A', 3],
        ['B', 2],
      ]),
    );
    expect(await store.insertAll(entries)).toEqual(new Map());
    expect(await store.get('a')).toBe(1);
  });

  it('that cannot read what was there: the write has taken place, and its result is a failure', async () => {
    const database = new MemoryDatabase();
    const broken = { encode: String, decode: (): number => JSON.parse('{') };
    const store = createMemoryStore<string, number>({ database, valueCodec: broken });
    const healthy = createMemoryStore<string, number>({ database });

    await store.set('key', 1);
    await expect(store.set('key', 2)).rejects.toThrow(SyntaxError);
    expect(await healthy.get('key')).toBe(2);
  });

  it('that take long to read what was there: others have their turn meanwhile', async () => {
    let reads = 0;
    let turns = 0;
    const slow = {
      encode: String,
      decode: (text: string) => {
        for (const end = performance.now() + 6; performance.now() < end; );
        reads++;
        return Number(text);
      },
    };
    const store = createMemoryStore<number, number>({ valueCodec: slow });
    const batch = (epoch: number) =>
      store.applyBatch(
        Array.from(
          { length: 20 },
          (_, key) => ({ method: 'set', key, value: key, index: key, operationId: `${epoch} ${key}` }) as const,
        ),
        { epoch, term: 1 },
      );
    const turn = () => {
      if (reads > 0 && reads < 20) turns++;
      if (reads < 20) setImmediate(turn);
    };

    await batch(1);
    turn();
    expect((await batch(2)).map((result) => result.status === 'done' && result.result)).toEqual([...Array(20).keys()]);
    expect(turns).toBeGreaterThan(3);
  });

  it('that fail: the failure is recorded, and the repetition fails too, although it might succeed by now', async () => {
    const database = new MemoryDatabase();
    const broken = {
      encode: (): string => {
        throw new Error('not\0today');
      },
      decode: JSON.parse,
    };
    const operation = { method: 'set', key: 'key', value: 1, index: 1, operationId: 'a' } as const;
    const old = createMemoryStore<string, number>({ database, valueCodec: broken });
    const repaired = createMemoryStore<string, number>({ database });

    expect(await old.applyBatch([operation], { epoch: 1, term: 1 })).toEqual([
      { status: 'failed', error: new Error('not\0today'), repeated: false },
    ]);
    expect(await repaired.applyBatch([operation], { epoch: 1, term: 2, attempt: 2 })).toEqual([
      { status: 'failed', error: new Error('not\ufffdtoday'), repeated: true },
    ]);
    expect(await repaired.size()).toBe(0);
  });
});

describe('contexts', () => {
  it('without epoch and operation id, as long as grids have none: the write is plain', async () => {
    const store = createMemoryStore<string, number>();
    const old = { term: 5, index: 5, attempt: 1, signal };

    await store.set('key', 1, undefined, old);
    await store.set('key', 2, undefined, { ...old, term: 1, index: 1 });
    await store.applyBatch([{ method: 'set', key: 'key', value: 3, index: 0, operationId: 'a' }], {
      epoch: 0,
      term: 0,
    });
    expect(await store.remove('key', { ...old, term: 0, index: 0 })).toBe(3);
  });

  it.each([
    ['an epoch only', { operationId: undefined }, 'both epoch and operationId'],
    ['an operation id only', { epoch: undefined }, 'both epoch and operationId'],
    ['a negative epoch', { epoch: -1 }, 'epoch must be a whole number'],
    ['a term that is none', { term: 0.5 }, 'term must be a whole number'],
    ['an index that JavaScript cannot count', { index: 2 ** 53 }, 'index must be a whole number'],
    ['an index as text', { index: '1' }, 'index must be a whole number'],
    ['an empty operation id', { operationId: '' }, 'operationId must be a string'],
    ['a long operation id', { operationId: 'x'.repeat(201) }, 'operationId must be a string'],
    ['an operation id with NUL', { operationId: 'a\0b' }, 'operationId must be a string'],
  ])('with %s are refused, and nothing is written', async (_, part, text) => {
    const store = createMemoryStore<string, number>();
    const context = { epoch: 1, term: 1, index: 1, operationId: 'a', attempt: 1, signal, ...(part as object) };

    await expect(store.set('key', 1, undefined, context)).rejects.toEqual(invalid(text));
    if (text.startsWith('both')) return;
    await expect(store.applyBatch([{ ...context, method: 'clear' }], context)).rejects.toEqual(invalid(text));
    expect(await store.size()).toBe(0);
  });

  it('whose signal is aborted: the write rejects with the reason, and is not sent', async () => {
    const writes: unknown[] = [];
    const store = createMemoryStore<string, number>({ hooks: { before: (write) => void writes.push(write) } });
    const context = { epoch: 1, term: 1, attempt: 1, signal: AbortSignal.abort(new Error('no longer the leader')) };

    await expect(store.set('key', 1, undefined, { ...context, index: 1, operationId: 'a' })).rejects.toThrow(
      'no longer',
    );
    await expect(store.applyBatch([{ method: 'clear', index: 1, operationId: 'a' }], context)).rejects.toThrow(
      'no longer the leader',
    );
    expect(writes).toEqual([]);
  });

  it('grid ids are checked as operation ids are', async () => {
    await expect(createMemoryStore().acquire('')).rejects.toEqual(invalid('gridId must be a string'));
  });
});

describe('batches', () => {
  it('have at most 1,024 operations', async () => {
    const operations = Array.from({ length: 1025 }, (_, index) => {
      return { method: 'clear', index, operationId: `${index}` } as const;
    });

    await expect(createMemoryStore().applyBatch(operations, { epoch: 1, term: 1 })).rejects.toEqual(
      invalid('at most 1024 operations'),
    );
  });

  it('with something that is no operation: that fails, and the others do not', async () => {
    const store = createMemoryStore<string, number>();
    const operations = [{ method: 'grow' }, { method: 'set', key: 'key', value: 1 }].map((action, index) => {
      return { ...action, index, operationId: `${index}` } as never;
    });

    expect(await store.applyBatch(operations, { epoch: 1, term: 1 })).toEqual([
      { status: 'failed', error: invalid('Stores have no method grow'), repeated: false },
      { status: 'done', result: undefined, repeated: false },
    ]);
  });

  it('say of a refusal who was refused, and by what', async () => {
    const store = createMemoryStore<string, number>();
    const clear = (index: number) => ({ method: 'clear', index, operationId: `clear ${index}` }) as const;

    await store.applyBatch([clear(7)], { epoch: 2, term: 3 });

    const [low] = await store.applyBatch([clear(6)], { epoch: 2, term: 3 });
    const [old] = await store.applyBatch([clear(8)], { epoch: 2, term: 2 });

    expect([low, old].map((result) => result?.status === 'refused' && result.error)).toEqual([
      new StaleWriteError('STALE_INDEX', 'Operation clear 6 with index 6 was refused: index 7 has been carried out'),
      new StaleWriteError(
        'STALE_EPOCH',
        'The leader of epoch 2, term 2 was refused: that of epoch 2, term 3 has written',
      ),
    ]);
    expect(String(old?.status === 'refused' && old.error)).toMatch(/^StaleWriteError: /);
  });
});
