/** What exact stores promise while servers die, answers get lost, requests arrive late and writers are frozen. */
import type { ExactStore, StoreOperation } from 'hamok/lib/stores/redis';
import { createRedisStore } from 'hamok/lib/stores/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { type FrozenWriter, startFrozenWriter } from './support/frozen-writer';
import { type OpenedStore, openRedis, openStore, type StoreServer, startStoreServer } from './support/StoreServer';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy';

const LIMIT = { timeout: 20_000, interval: 5 };

/** An operation that succeeds once: it counts up, from exactly the number before. */
function step(number: number): StoreOperation<string, unknown> {
  const operationId = `step-${number}`;

  return { method: 'updateIf', key: 'counter', value: number + 1, oldValue: number, index: number, operationId };
}

const write = (value: unknown, index: number): StoreOperation<string, unknown> => {
  return { method: 'set', key: 'key', value, index, operationId: `set-${value}` };
};

describe.each(['redis', 'postgres'] as const)('%s', (kind) => {
  let server: StoreServer;
  let names = 0;
  const opened: OpenedStore<unknown>[] = [];
  const proxies: TcpProxy[] = [];

  beforeAll(async () => {
    server = await startStoreServer(kind);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  afterAll(() => server.stop());

  const newName = () => `map-${++names}`;
  const open = (name: string, port = server.port): ExactStore<string, unknown> => {
    opened.push(openStore(kind, port, name));

    return opened.at(-1)!.store;
  };
  const startProxy = async () => {
    proxies.push(await startTcpProxy(server.port));

    return proxies.at(-1)!;
  };

  it('is killed in the middle of batches, again and again: every operation takes effect once', async () => {
    const store = open(newName());
    const size = 16;
    let done = 0;
    let failures = 0;
    let term = 1;
    let stopped = false;

    await store.set('counter', 0);

    const writer = (async () => {
      while (!stopped) {
        const batch = Array.from({ length: size }, (_, at) => step(done + at));

        for (let attempt = 1; ; attempt++) {
          try {
            const results = await store.applyBatch(batch, { epoch: 1, term, attempt });

            expect(results.map((result) => (result.status === 'done' ? result.result : result))).toEqual(
              batch.map(() => true),
            );
            break;
          } catch (error) {
            if (error instanceof Error && error.name === 'AssertionError') throw error;
            failures++;
            // As the next leader would.
            term++;
          }
        }
        done += size;
      }
    })();
    const progress = async () => {
      const before = done;

      await Promise.race([writer, vi.waitUntil(() => done > before + 10 * size, LIMIT)]);
    };

    for (let round = 0; round < 3; round++) {
      await progress();

      const before = failures;

      await server.kill();
      await vi.waitUntil(() => failures > before, LIMIT);
      await server.restart();
      await progress();
    }
    stopped = true;
    await writer;
    expect(await store.get('counter')).toBe(done);
  });

  it('an answer gets lost, of each kind of write: the repetition gets it, and has no effect', async () => {
    const name = newName();
    const proxy = await startProxy();
    const [store, direct] = [open(name, proxy.port), open(name)];
    const batch: StoreOperation<string, unknown>[] = [
      { method: 'set', key: 'a', value: 1, index: 1, operationId: '1' },
      { method: 'set', key: 'a', value: 2, index: 2, operationId: '2' },
      {
        method: 'setAll',
        entries: new Map([
          ['a', 3],
          ['b', 4],
        ]),
        index: 3,
        operationId: '3',
      },
      { method: 'insert', key: 'c', value: 5, index: 4, operationId: '4' },
      {
        method: 'insertAll',
        entries: new Map([
          ['c', 6],
          ['d', 7],
        ]),
        index: 5,
        operationId: '5',
      },
      { method: 'updateIf', key: 'd', value: 8, oldValue: 7, index: 6, operationId: '6' },
      { method: 'updateIf', key: 'd', value: 9, oldValue: 7, index: 7, operationId: '7' },
      { method: 'set', key: 'e', value: undefined, index: 8, operationId: '8' },
      { method: 'remove', key: 'a', index: 9, operationId: '9' },
      { method: 'removeAll', keys: ['b', 'x'], index: 10, operationId: '10' },
    ];
    const answers = [
      undefined,
      1,
      { inserted: [['b', 4]], updated: [['a', 2, 3]] },
      undefined,
      new Map([['c', 5]]),
      true,
      false,
      expect.any(Error),
      3,
      new Map([['b', 4]]),
    ];

    // Connected before, so that it is the answer to the batch that gets lost.
    await store.size();
    proxy.loseNextAnswer();
    await expect(store.applyBatch(batch, { epoch: 1, term: 1 })).rejects.toThrow();
    expect(proxy.lost).toBe(1);
    expect(await entriesOf(direct)).toEqual({ c: 5, d: 8 });

    // Somebody else has changed it since.
    await direct.applyBatch([{ method: 'clear', index: 11, operationId: '11' }], { epoch: 1, term: 1 });

    const results = await store.applyBatch(batch, { epoch: 1, term: 2, attempt: 2 });

    expect(results.map((result) => (result.status === 'done' ? result.result : result.error))).toEqual(answers);
    expect(results.every((result) => result.status !== 'refused' && result.repeated)).toBe(true);
    expect(await entriesOf(direct)).toEqual({});
  });

  it('the answer to a single write gets lost, again and again: it takes effect once', async () => {
    const proxy = await startProxy();
    const store = open(newName(), proxy.port);

    await store.set('counter', 0);
    for (let number = 0; number < 10; number++) {
      const context = { epoch: 1, term: 1, index: number, operationId: `${number}`, attempt: 1 };
      const update = () => store.updateIf('counter', number + 1, number, { ...context, signal: AbortSignal.abort() });

      // A signal that was aborted before: nothing is sent.
      await expect(update()).rejects.toThrow('aborted');

      const { signal } = new AbortController();

      proxy.loseNextAnswer();
      for (;;) {
        const end = await store.updateIf('counter', number + 1, number, { ...context, signal }).catch(() => 'lost');

        if (end === 'lost') continue;
        expect(end).toBe(true);
        break;
      }
    }
    expect(proxy.lost).toBe(10);
    expect(await store.get('counter')).toBe(10);
  });

  it('a request of a deposed leader arrives late: it is refused', async () => {
    const name = newName();
    const proxy = await startProxy();
    const [old, successor] = [open(name, proxy.port), open(name)];

    await old.applyBatch([write('first', 1)], { epoch: 1, term: 1 });
    proxy.hold();

    const late = old.applyBatch([write('late', 2), write('later', 3)], { epoch: 1, term: 1 });

    await vi.waitUntil(() => proxy.held > 0, LIMIT);
    expect(await successor.applyBatch([write('new', 2)], { epoch: 1, term: 2 })).toEqual([
      { status: 'done', result: 'first', repeated: false },
    ]);
    proxy.release();
    expect((await late).map((result) => result.status === 'refused' && result.error.code)).toEqual([
      'STALE_EPOCH',
      'STALE_EPOCH',
    ]);
    expect(await successor.get('key')).toBe('new');
  });

  it('a request that was given up arrives late, the leader is the same: it is refused', async () => {
    const name = newName();
    const proxy = await startProxy();
    const [store, other] = [open(name, proxy.port), open(name)];

    await store.applyBatch([write('first', 1)], { epoch: 1, term: 1 });
    proxy.hold();

    const late = store.applyBatch([write('given up', 2)], { epoch: 1, term: 1 });

    await vi.waitUntil(() => proxy.held > 0, LIMIT);
    await other.applyBatch([write('next', 3)], { epoch: 1, term: 1 });
    proxy.release();
    expect((await late).map((result) => result.status === 'refused' && result.error.code)).toEqual(['STALE_INDEX']);
    expect(await other.get('key')).toBe('next');
  });

  it('a request arrives after its sender is gone, and after the successor has repeated it: it has no effect', async () => {
    const name = newName();
    const proxy = await startProxy();
    const [gone, successor] = [open(name, proxy.port), open(name)];

    await gone.applyBatch([write('first', 1)], { epoch: 1, term: 1 });
    proxy.hold();

    const lost = gone.applyBatch([write('second', 2)], { epoch: 1, term: 1 });

    await vi.waitUntil(() => proxy.held > 0, LIMIT);
    proxy.cutClients();
    await expect(lost).rejects.toThrow();
    await successor.applyBatch([write('second', 2), write('third', 3)], { epoch: 1, term: 2, attempt: 2 });
    proxy.release();
    await vi.waitUntil(() => proxy.unheard > 0, LIMIT);
    expect(await successor.get('key')).toBe('third');
  });

  describe('a writer in a process of its own', () => {
    let writer: FrozenWriter | undefined;

    beforeAll(compileFacade);
    afterEach(() => writer?.kill());

    it('is frozen and goes on after another has written: it is refused', async () => {
      const name = newName();
      const successor = open(name);

      writer = await startFrozenWriter(server, name);
      expect(await writer.write([write('first', 1)], { epoch: 1, term: 1 })).toEqual([null]);

      writer.freeze();
      const late = writer.write([write('late', 2), write('later', 3)], { epoch: 1, term: 1 });

      await successor.applyBatch([write('new', 2)], { epoch: 1, term: 2 });
      writer.thaw();
      expect(await late).toEqual(['STALE_EPOCH', 'STALE_EPOCH']);
      expect(await successor.get('key')).toBe('new');
    });

    it('is frozen and goes on after a grid of a later epoch has written: it is refused', async () => {
      const name = newName();
      const successor = open(name);
      const epoch = await successor.acquire('the old grid');

      writer = await startFrozenWriter(server, name);
      await writer.write([write('first', 100)], { epoch, term: 50 });

      writer.freeze();
      const late = writer.write([write('late', 101)], { epoch, term: 51 });

      await successor.applyBatch([write('new', 0)], { epoch: await successor.acquire('the new grid'), term: 1 });
      writer.thaw();
      expect(await late).toEqual(['STALE_EPOCH']);
      expect(await successor.get('key')).toBe('new');
    });
  });
});

describe('redis with a client that sends again by itself', () => {
  it('the answer gets lost: the client gets it all the same, and the write takes effect once', async () => {
    const server = await startStoreServer('redis');
    const proxy = await startTcpProxy(server.port);
    const client = openRedis(proxy.port);
    const store = createRedisStore<string, unknown>({ client, name: 'map' });

    await store.set('counter', 0);
    proxy.loseNextAnswer();
    expect(await store.applyBatch([step(0)], { epoch: 1, term: 1 })).toEqual([
      { status: 'done', result: true, repeated: true },
    ]);
    expect(proxy.lost).toBe(1);
    expect(await store.get('counter')).toBe(1);

    client.disconnect();
    await proxy.close();
    await server.stop();
  });
});

async function entriesOf(store: ExactStore<string, unknown>): Promise<Record<string, unknown>> {
  const entries: [string, unknown][] = [];

  for await (const entry of store.iterator()) entries.push(entry);

  return Object.fromEntries(entries);
}
