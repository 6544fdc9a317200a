/** The Redis store on a real Redis: what an exact store promises, and what is particular to Redis. */

import type { RemoteMap } from 'hamok/lib/collections/RemoteMap';
import { createRedisStore, type ExactStore, type StoreOperation } from 'hamok/lib/stores/redis';
import { storeChecks } from 'hamok/lib/stores/testing';
import { Cluster, type Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRedisRemoteMap } from '../../examples/remote-map-redis.mjs';
import { freePort } from '../support/postgres-server';
import { type RedisServer, startRedisServer } from '../support/redis-server';
import { openRedis } from './support/StoreServer';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = openRedis(server.port);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const context = { epoch: 1, term: 1 };
const set = (value: unknown, index: number): StoreOperation<string, unknown> => {
  return { method: 'set', key: 'key', value, index, operationId: `set ${index}` };
};

describe('an exact store', () => {
  const checks = storeChecks<string, unknown>({
    open: (name) => createRedisStore({ client: redis, name }),
    failing: { method: 'set', key: 'key', value: undefined },
  });

  for (const { name, run } of checks) it(name, run);
});

describe('an exact store with keys and values of bytes', () => {
  const bytes = (number: number) => Uint8Array.of(0xff, 0x00, number >> 16, number >> 8, number);
  const checks = storeChecks<number, Uint8Array>({
    open: (name) =>
      createRedisStore({
        client: redis,
        name,
        keyCodec: {
          format: 'bytes',
          encode: bytes,
          decode: (encoded) => ((encoded[2] as number) << 16) | ((encoded[3] as number) << 8) | (encoded[4] as number),
        },
        valueCodec: { format: 'bytes', encode: (value) => value, decode: (encoded) => new Uint8Array(encoded) },
      }),
    key: (number) => number,
    value: bytes,
  });

  for (const { name, run } of checks) it(name, run);
});

describe('the example of a store without fences', () => {
  const checks = storeChecks<string, unknown>({
    open: (name): RemoteMap<string, unknown> => createRedisRemoteMap(redis, name) as RemoteMap<string, unknown>,
    fences: false,
  });

  for (const { name, run } of checks) it(name, run);
});

describe('a cluster', () => {
  let node: RedisServer;
  let cluster: Cluster;

  beforeAll(async () => {
    // Its second port would be 10,000 above the first, where there may be none.
    const options = { enabled: 'yes', 'announce-ip': '127.0.0.1', port: `${await freePort()}` };

    node = await startRedisServer(...Object.entries(options).flatMap(([name, value]) => [`--cluster-${name}`, value]));

    const client = openRedis(node.port);

    // A cluster of one still refuses a script whose keys are in several slots.
    await client.cluster('ADDSLOTSRANGE', 0, 16383);
    await vi.waitUntil(async () => (await client.cluster('INFO')).includes('cluster_state:ok'), { timeout: 20_000 });
    client.disconnect();
    cluster = new Cluster([{ host: '127.0.0.1', port: node.port }], { keyPrefix: 'application:' });
  });

  afterAll(async () => {
    cluster.disconnect();
    await node.stop();
  });

  const checks = storeChecks<string, unknown>({ open: (name) => createRedisStore({ client: cluster, name }) });

  // With a prefix for all keys, too, everything of a map is in one slot.
  for (const { name, run } of checks.filter(({ name }) => /^(set|batch|acquire|iteration|fence)/.test(name)))
    it(name, run);
});

describe('in Redis', () => {
  const open = <V = unknown>(name: string, options: { hash?: string } = {}): ExactStore<string, V> =>
    createRedisStore({ client: redis, name, ...options });

  it('all keys of a map begin with its name, and clear leaves the fence', async () => {
    const store = open('rooms');

    await store.acquire('grid');
    await store.applyBatch([set(1, 1)], context);
    expect((await redis.keys('{rooms}*')).sort()).toEqual([
      '{rooms}',
      '{rooms}:fence',
      '{rooms}:grids',
      '{rooms}:order',
      '{rooms}:records',
    ]);
    expect(await redis.hgetall('{rooms}')).toEqual({ '"key"': '1' });
    await store.clear();
    expect(await redis.exists('{rooms}')).toBe(0);
    expect(await redis.exists('{rooms}:fence')).toBe(1);
  });

  it('takes over a hash that was written without it', async () => {
    const text = { encode: (key: string) => key, decode: (key: string) => key };
    const store = createRedisStore<string, number>({ client: redis, name: 'taken', hash: 'old', keyCodec: text });

    await redis.hset('old', { a: '1', b: '2' });
    expect(await store.getAll(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
    await store.set('a', 3);
    expect(await redis.hget('old', 'a')).toBe('3');
  });

  it('keeps 1,024 records and forgets the oldest', async () => {
    const store = open('records');

    for (let first = 0; first < 2000; first += 100) {
      await store.applyBatch(
        Array.from({ length: 100 }, (_, at) => set(first + at, first + at)),
        context,
      );
    }
    expect(await redis.hlen('{records}:records')).toBe(1024);
    expect(await redis.llen('{records}:order')).toBe(1024);
    expect((await redis.lrange('{records}:order', 0, 0))[0]).toBe('set 976');
    expect((await redis.lrange('{records}:order', -1, -1))[0]).toBe('set 1999');
    await expect(
      store.set('key', 0, undefined, { ...context, ...set(0, 975), attempt: 2, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ name: 'StaleWriteError', code: 'STALE_INDEX' });
  });

  it('an entry that HSCAN gives twice, as it may while a hash shrinks, comes once', async () => {
    const pages: Record<string, [next: string, entries: string[]]> = {
      0: ['7', ['"a"', '1', '"b"', '2']],
      7: ['5', []],
      5: ['0', ['"b"', '3', '"c"', '4', '"a"', '5']],
    };
    const store = createRedisStore<string, number>({
      client: {
        callBuffer: async (command, [key, cursor]) => {
          const [next, entries] = pages[`${cursor}`]!;

          expect([command, key]).toEqual(['hscan', '{scanned}']);

          return [Buffer.from(next), entries.map((text) => Buffer.from(text))];
        },
      },
      name: 'scanned',
    });
    const seen: [string, number][] = [];

    for await (const entry of store.iterator()) seen.push(entry);
    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 4],
    ]);
  });

  it('sends the script again when Redis has lost it', async () => {
    const store = open('script');

    await store.set('key', 1);
    await redis.script('FLUSH');
    expect(await store.applyBatch([set(2, 1)], context)).toEqual([{ status: 'done', result: 1, repeated: false }]);
    await redis.script('FLUSH');
    expect(await store.acquire('grid')).toBe(2);
  });

  it('a hash that is none: the operations fail, are recorded, and nothing else is lost', async () => {
    const store = open('wrong', { hash: '{wrong}:type' });

    await redis.set('{wrong}:type', 'text');
    await expect(store.set('key', 1)).rejects.toThrow('WRONGTYPE');
    await expect(store.get('key')).rejects.toMatchObject({ code: 'UNREADABLE_VALUE' });

    const results = await store.applyBatch(
      [set(1, 1), { method: 'clear', index: 2, operationId: '2' }, set(2, 3)],
      context,
    );

    expect(results).toMatchObject([
      { status: 'failed', repeated: false },
      { status: 'done', repeated: false },
      { status: 'done', result: undefined },
    ]);
    expect(await store.get('key')).toBe(2);
    expect(await store.applyBatch([set(1, 1)], { epoch: 1, term: 2 })).toMatchObject([
      { status: 'failed', repeated: true, error: { message: expect.stringContaining('WRONGTYPE') } },
    ]);
  });

  it('no memory: the batch rejects and has changed nothing; later it is carried out', async () => {
    const store = open('memory');
    const operations = [set(1, 1), set(2, 2)];

    await store.applyBatch([set(0, 0)], context);
    await redis.config('SET', 'maxmemory', '1');
    await expect(store.applyBatch(operations, { epoch: 1, term: 5 })).rejects.toThrow('OOM');
    await redis.config('SET', 'maxmemory', '0');
    expect(await redis.hget('{memory}:fence', 'term')).toBe('1');
    expect(await store.applyBatch(operations, context)).toEqual([
      { status: 'done', result: 0, repeated: false },
      { status: 'done', result: 1, repeated: false },
    ]);
  });

  it.each([
    ['no name', { name: '' }, 'name must be a string'],
    ['braces in the name', { name: 'a{b}' }, 'name must have no { and no }'],
    ['no client', { client: {} }, 'client must have a function callBuffer'],
    ['half a codec', { valueCodec: { encode: () => '' } }, 'valueCodec must have a function decode'],
  ])('%s is refused', (_, options, text) => {
    expect(() => createRedisStore({ client: redis, name: 'x', ...(options as object) })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(text) }),
    );
  });
});
