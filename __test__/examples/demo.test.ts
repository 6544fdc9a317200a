/** The demo. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { type RedisServer, startRedisServer } from '../support/redis-server';
import { matches, run } from './run';

let redis: RedisServer;

beforeAll(async () => {
  await compileFacade();
  redis = await startRedisServer();
});

afterAll(() => redis.stop());

describe('the demo', () => {
  it.each([
    ['in memory', () => []],
    ['on Redis', () => ['--redis', redis.url]],
  ])('shows each kind of collection, with a store %s, and ends by itself', async (_, args) => {
    const { code, stdout, stderr } = await run('demo', { args: args() });

    expect(stderr).toBe('');
    expect(stdout).toMatch(/formed a grid in \d+ ms, and (ada|ben|cleo) leads it/);
    // Three peers, one opinion.
    const claims = matches(stdout, /get\('lobby'\) → (.+)/g).flat();
    expect(claims).toHaveLength(3);
    expect(new Set(claims).size).toBe(1);
    expect(stdout.match(/event insert: lobby/g)).toHaveLength(3);
    expect(stdout.match(/event update: lobby/g)).toHaveLength(3);
    expect(stdout.match(/event remove: lobby/g)).toHaveLength(3);

    // Both fields of one, on all peers.
    const parties = matches(stdout, /instance → (.+)/g).flat();
    expect(parties).toHaveLength(3);
    expect(new Set(parties).size).toBe(1);
    expect([
      { host: 'ben', guests: 2 },
      { host: 'cleo', guests: 3 },
    ]).toContainEqual(JSON.parse(parties[0]!));
    expect(
      matches(stdout, /pop\(\) → "(\w+)"/g)
        .flat()
        .sort(),
    ).toEqual(['cook', 'serve', 'sing']);
    expect(
      matches(stdout, /(\w+) +hears that dora rings/g)
        .flat()
        .sort(),
    ).toEqual(['ben', 'cleo']);
    expect(stdout).toMatch(/was received by \["(ben","cleo|cleo","ben)"\]/);

    expect(stdout.match(/updateIf.* → true/g)).toHaveLength(1);
    expect(stdout.match(/updateIf.* → false/g)).toHaveLength(2);
    const [, leader] = /and (\w+) leads it/.exec(stdout) ?? [];
    expect(matches(stdout, /^ +(\w+) +writes to the store/gm).flat()).toEqual([leader, leader]);
    expect(stdout.match(/\d+\.\d\d ms/g)).toHaveLength(4);
    expect(stdout).toMatch(/(\w+) left, (?!\1)\w+ leads now/);
    expect(stdout).toContain('nothing keeps the process alive');
    expect(code).toBe(0);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('demo', { args: ['--help'] });

    expect(stdout).toContain('--redis redis://');
    expect(code).toBe(0);
  });

  it('says that there is no Redis', async () => {
    const { code, stderr } = await run('demo', { args: ['--redis', 'redis://127.0.0.1:1'] });

    expect(stderr).toContain('no Redis at redis://127.0.0.1:1');
    expect(code).toBe(1);
  });
});
