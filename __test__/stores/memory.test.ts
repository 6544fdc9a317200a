/** The store in memory, held against what an exact store promises. */
import { createMemoryStore, MemoryDatabase } from 'hamok/lib/stores/memory';
import { storeChecks } from 'hamok/lib/stores/testing';
import { describe, expect, it } from 'vitest';

describe('the memory store', () => {
  const database = new MemoryDatabase();
  const checks = storeChecks<string, unknown>({
    open: (name) => createMemoryStore({ database, name }),
    failing: { method: 'set', key: 'key', value: undefined },
  });

  for (const { name, run } of checks) it(name, run);
});

describe('sharing and hooks', () => {
  it('stores share what their database has, by name', async () => {
    const database = new MemoryDatabase();
    const [first, second] = [createMemoryStore({ database, name: 'a' }), createMemoryStore({ database, name: 'a' })];

    await first.set('key', 1);
    expect(await second.get('key')).toBe(1);
    expect(await createMemoryStore({ database, name: 'b' }).size()).toBe(0);
    expect(await createMemoryStore({ name: 'a' }).size()).toBe(0);
  });

  it('keeps copies: who changes a value afterwards changes nothing', async () => {
    const store = createMemoryStore<string, number[]>();
    const value = [1];

    await store.set('key', value);
    value.push(2);
    expect(await store.get('key')).toEqual([1]);
    (await store.get('key'))?.push(3);
    expect(await store.get('key')).toEqual([1]);
  });

  it('before: what throws there has changed nothing', async () => {
    const store = createMemoryStore<string, number>({
      hooks: {
        before: ({ operations, writer }) => {
          throw new Error(`lost: ${operations} ${JSON.stringify(writer)}`);
        },
      },
    });

    await expect(store.set('key', 1)).rejects.toThrow('lost: 1 undefined');
    expect(await store.size()).toBe(0);
  });

  it('after: what throws there has changed everything, and the repetition says so', async () => {
    let lose = true;
    const store = createMemoryStore<string, number>({
      hooks: {
        async after({ writer }) {
          if (!lose) return;
          lose = false;
          throw new Error(`the answer to the leader of term ${writer?.term} got lost`);
        },
      },
    });
    const operation = { method: 'updateIf', key: 'key', value: 2, oldValue: 1, index: 1, operationId: 'a' } as const;

    await expect(store.set('key', 1)).rejects.toThrow('of term undefined got lost');
    lose = true;
    await expect(store.applyBatch([operation], { epoch: 1, term: 7 })).rejects.toThrow('of term 7 got lost');
    expect(await store.get('key')).toBe(2);
    expect(await store.applyBatch([operation], { epoch: 1, term: 7 })).toEqual([
      { status: 'done', result: true, repeated: true },
    ]);
  });
});
