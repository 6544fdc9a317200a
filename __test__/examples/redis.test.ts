/** The examples that need a Redis. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { type RedisServer, startRedisServer } from '../support/redis-server';
import { matches, run } from './run';

const NAMES = ['ada', 'ben', 'cleo'];

let redis: RedisServer;

beforeAll(async () => {
  await compileFacade();
  redis = await startRedisServer();
});

afterAll(() => redis.stop());

const withRedis = () => ({ env: { REDIS_URL: redis.url } });

describe('remote-map-redis', () => {
  it('sells each ticket once and ends by itself', async () => {
    const { code, stdout, stderr } = await run('remote-map-redis', withRedis());

    expect(stderr).toBe('');
    expect(stdout.match(/ticket-\d goes to buyer-\d+/g)).toHaveLength(5);
    expect(stdout).toContain('5 sold, 5 different ones');
    expect(stdout.match(/in Redis: .*/)?.[0]).not.toContain('null');
    expect(code).toBe(0);
  });
});

describe('redis-cache', () => {
  it('reads through, drops what has changed, and sees what has expired', async () => {
    const { code, stdout, stderr } = await run('redis-cache', withRedis());

    expect(stderr).toBe('');
    // One query for all of them; none after a change, which is in the cache already.
    expect(stdout).toContain('The cache is empty: they read Ida, Ida, Ida (database queries: 1)');
    expect(stdout).toContain('It is filled: they read Ida, Ida, Ida (database queries: 0)');
    const [[, invalidations]] = matches(stdout, /(It is filled.*\n)([\s\S]*)ben has changed it/g) as [string[]];
    expect(
      matches(invalidations!, /(\w+) drops its copy of u1/g)
        .flat()
        .sort(),
    ).toEqual(NAMES);
    expect(stdout).toContain('ben has changed it: they read Eva, Eva, Eva (database queries: 0)');
    expect(stdout).toContain('In a cache for 200 ms: they read Eva, Eva, Eva');
    expect(stdout).toContain('It has expired: they read Max, Max, Max');
    expect(code).toBe(0);
  });

  it('says that there is no Redis', async () => {
    const { code, stderr } = await run('redis-cache', { env: { REDIS_URL: 'redis://127.0.0.1:1' } });

    expect(stderr).toBe('no Redis at redis://127.0.0.1:1: start redis-server, or name another one in REDIS_URL\n');
    expect(code).toBe(1);
  });
});

describe('transport-redis-pubsub', () => {
  it('joins separate processes over one channel', async () => {
    const peers = await Promise.all(
      NAMES.map((name) => run('transport-redis-pubsub', { args: [name, '5'], ...withRedis() })),
    );

    for (const [index, { code, stdout, stderr }] of peers.entries()) {
      expect(stderr, NAMES[index]).toBe('');
      expect(stdout, NAMES[index]).toMatch(/(ada|ben|cleo) leads/);
      expect(stdout, NAMES[index]).toContain('heard of ada, ben, cleo');
      expect(code, NAMES[index]).toBe(0);
    }
  });
});
