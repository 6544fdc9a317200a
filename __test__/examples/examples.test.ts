/** The examples, run as a reader of the documentation runs them: as processes of their own, on a real Redis. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedisServer } from '../support/redis-server';

/** Several times what an example takes: a machine may be busy, but an example ends by itself. */
const EXAMPLE_TIMEOUT_MS = 25_000;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedisServer();
});

afterAll(() => redis.stop());

/** Runs an example to its end. */
async function run(example: string, ...args: string[]) {
  const file = join(__dirname, '..', '..', 'examples', `${example}.mjs`);
  const env = { ...process.env, REDIS_URL: redis.url };
  const child = execFile(process.execPath, [file, ...args], { env, timeout: EXAMPLE_TIMEOUT_MS });
  let stdout = '';
  let stderr = '';

  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.on('data', (text) => {
    stderr += text;
  });

  const [code] = await once(child, 'close');

  return { code, stdout, stderr };
}

describe('the demo', () => {
  it.each([
    ['in memory', () => []],
    ['on Redis', () => ['--redis', redis.url]],
  ])('shows maps with a store %s and ends by itself', async (_, args) => {
    const { code, stdout, stderr } = await run('demo', ...args());

    expect(stderr).toBe('');
    expect(stdout).toMatch(/formed a grid in \d+ ms, and (ada|ben|cleo) leads it/);
    // Three peers, one opinion.
    const claims = [...stdout.matchAll(/get\('lobby'\) → (.+)/g)].map(([, host]) => host);
    expect(claims).toHaveLength(3);
    expect(new Set(claims).size).toBe(1);
    expect(stdout.match(/event insert: lobby/g)).toHaveLength(3);
    expect(stdout.match(/event update: lobby/g)).toHaveLength(3);
    expect(stdout.match(/event remove: lobby/g)).toHaveLength(3);
    expect(stdout.match(/updateIf.* → true/g)).toHaveLength(1);
    expect(stdout.match(/updateIf.* → false/g)).toHaveLength(2);
    const [, leader] = /and (\w+) leads it/.exec(stdout) ?? [];
    const writers = [...stdout.matchAll(/^ +(\w+) +writes to the store/gm)].map(([, peer]) => peer);
    expect(writers).toEqual([leader, leader]);
    expect(stdout.match(/\d+\.\d\d ms/g)).toHaveLength(4);
    expect(stdout).toMatch(/(\w+) left, (?!\1)\w+ leads now/);
    expect(stdout).toContain('nothing keeps the process alive');
    expect(code).toBe(0);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('demo', '--help');

    expect(stdout).toContain('--redis redis://');
    expect(code).toBe(0);
  });

  it('says that there is no Redis', async () => {
    const { code, stderr } = await run('demo', '--redis', 'redis://127.0.0.1:1');

    expect(stderr).toContain('no Redis at redis://127.0.0.1:1');
    expect(code).toBe(1);
  });
});

describe('remote-map-redis', () => {
  it('sells each ticket once and ends by itself', async () => {
    const { code, stdout, stderr } = await run('remote-map-redis');

    expect(stderr).toBe('');
    expect(stdout.match(/ticket-\d goes to buyer-\d+/g)).toHaveLength(5);
    expect(stdout).toContain('5 sold, 5 different ones');
    expect(stdout.match(/in Redis: .*/)?.[0]).not.toContain('null');
    expect(code).toBe(0);
  });
});

describe('transport-redis-pubsub', () => {
  it('joins separate processes over one channel', async () => {
    const names = ['ada', 'ben', 'cleo'];
    const peers = await Promise.all(names.map((name) => run('transport-redis-pubsub', name, '4')));

    for (const [index, { code, stdout, stderr }] of peers.entries()) {
      expect(stderr, names[index]).toBe('');
      expect(stdout, names[index]).toMatch(/(ada|ben|cleo) leads/);
      expect(stdout, names[index]).toContain('heard of ada, ben, cleo');
      expect(code, names[index]).toBe(0);
    }
  });
});
