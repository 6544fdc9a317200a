import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RemoteMap } from 'hamok/lib/collections/RemoteMap';
import Redis from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGrid, type Ending, ending, until } from '../support/grid';
import { compileFacade, type PeerProcess, startPeerProcesses } from '../support/peer-process';
import { type RedisServer, startRedisServer } from '../support/redis-server';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  // What was written must survive a kill.
  server = await startRedisServer('--appendonly', 'yes', '--appendfsync', 'always');
  redis = new Redis({ port: server.port });
  redis.on('error', () => {});
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** The remote map of the manual. */
function createRemoteMap(client: Redis, mapId: string): RemoteMap<string, number> {
  return {
    async set(key, value, callback) {
      const oldValue = await client.hget(mapId, key);
      await client.hset(mapId, key, JSON.stringify(value));
      callback?.(oldValue ? JSON.parse(oldValue) : undefined);
    },
    async setAll(entries, callback) {
      const inserted: [string, number][] = [];
      const updated: [string, number, number][] = [];

      for (const [key, value] of entries) {
        const oldValue = await client.hget(mapId, key);
        if (oldValue) updated.push([key, JSON.parse(oldValue), value]);
        else inserted.push([key, value]);
        await client.hset(mapId, key, JSON.stringify(value));
      }
      callback?.({ inserted, updated });
    },
    async *iterator() {
      for (const key of await client.hkeys(mapId)) {
        const value = await client.hget(mapId, key);
        yield [key, value ? JSON.parse(value) : undefined] as [string, number];
      }
    },
    async get(key) {
      const value = await client.hget(mapId, key);
      return value ? JSON.parse(value) : undefined;
    },
    async keys() {
      return (await client.hkeys(mapId)).values();
    },
    async getAll(keys) {
      const wanted = [...keys];
      const values = await Promise.all(wanted.map((key) => client.hget(mapId, key)));
      const found = wanted.map((key, index) => [key, values[index] ? JSON.parse(values[index]) : undefined]);
      return new Map(found.filter(([, value]) => value !== undefined) as [string, number][]);
    },
    async remove(key) {
      const value = await client.hget(mapId, key);
      await client.hdel(mapId, key);
      return value ? JSON.parse(value) : undefined;
    },
    async removeAll(keys) {
      const wanted = [...keys];
      const found = await this.getAll(wanted.values());
      await client.hdel(mapId, ...wanted);
      return found;
    },
    async clear() {
      await client.del(mapId);
    },
    async size() {
      return client.hlen(mapId);
    },
  };
}

describe('three peers over one Redis', () => {
  const clients: Redis[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await nextTurn();
  });

  async function redisGrid(mapId: string) {
    const grid = createGrid(3);
    const maps = grid.peers.map((peer) => {
      // Commands fail rather than wait while Redis is away.
      const client = new Redis({
        port: server.port,
        maxRetriesPerRequest: 1,
        retryStrategy: () => 50,
        enableOfflineQueue: false,
      });
      client.on('error', () => {});
      clients.push(client);
      return peer.createRemoteMap<string, number>({ mapId, remoteMap: createRemoteMap(client, mapId) });
    });

    await grid.join();
    await until(() => clients.every(({ status }) => status === 'ready'), 'Redis is connected');

    return { grid, maps, of: (peer: (typeof grid.peers)[number]) => maps[grid.peers.indexOf(peer)]! };
  }

  it('the object of the manual does every operation', async () => {
    const { grid, of, maps } = await redisGrid('all');
    const map = of(grid.followers[0]!);

    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
    expect(await map.insert('a', 3)).toBe(2);
    expect(
      await map.setAll(
        new Map([
          ['a', 4],
          ['b', 5],
        ]),
      ),
    ).toEqual(new Map([['a', 2]]));
    expect(
      await map.insertAll([
        ['b', 6],
        ['c', 7],
      ]),
    ).toEqual(new Map([['b', 5]]));
    expect(await map.updateIf('c', 8, 7)).toBe(true);
    expect(await map.updateIf('c', 9, 7)).toBe(false);
    expect(await redis.hgetall('all')).toEqual({ a: '4', b: '5', c: '8' });
    for (const other of maps) {
      expect(await other.size()).toBe(3);
      expect(await other.get('c')).toBe(8);
      expect(await other.getAll(['a', 'x'])).toEqual(new Map([['a', 4]]));
      expect([...(await other.keys())].sort()).toEqual(['a', 'b', 'c']);
    }
    expect(await map.delete('a')).toBe(true);
    expect(await map.remove('a')).toBe(false);
    expect(await map.deleteAll(['b', 'x'])).toEqual(new Set(['b']));
    expect(await map.removeAll(['c', 'x'])).toEqual(new Map([['c', 8]]));
    await map.set('d', 1);
    await map.clear();
    expect(await redis.hlen('all')).toBe(0);
  });

  it('Redis is killed and started again in the middle of a stream: nothing acknowledged is missing', async () => {
    const { grid, maps } = await redisGrid('killed');
    const sets: { key: string; number: number; end: Promise<Ending<unknown>> }[] = [];
    let acknowledged = 0;
    let failed = 0;
    let stopped = false;
    const writers = maps.map(async (map, writer) => {
      for (let number = 1; !stopped; number++) {
        const key = `${writer}-${number}`;
        const end = ending(map.set(key, number), `set ${key}`);
        sets.push({ key, number, end });
        end.then(({ error }) => (error ? failed++ : acknowledged++));
        if (number % 4 === 0) await end;
      }
    });

    await until(() => acknowledged > 100, 'sets are acknowledged');
    await server.kill();
    await until(() => failed > 20, 'sets fail while Redis is away');
    await server.restart();
    const before = acknowledged;
    await until(() => acknowledged > before + 100, 'the map goes on by itself');
    stopped = true;
    await Promise.all(writers);

    const stored = await redis.hgetall('killed');
    for (const { key, number, end } of sets) {
      const { error } = await end;
      if (error) expect(error).toBeInstanceOf(Error);
      else expect(stored[key], `${key} was acknowledged`).toBe(String(number));
    }
    expect(grid.peers.every((peer) => !grid.recordOf(peer).includes('rejoining'))).toBe(true);
  });

  it('Redis hangs for a while: the stream waits, and nothing acknowledged is missing', async () => {
    const { grid, of } = await redisGrid('hangs');
    const map = of(grid.followers[0]!);
    await map.set('before', 1);

    server.pause();
    const waiting = Array.from({ length: 20 }, (_, number) => ending(map.set(`key-${number}`, number), 'the set'));
    let beats = 0;
    grid.leader.on('heartbeat', () => beats++);
    await until(() => beats > 10, 'a second has passed');
    server.resume();

    for (const { error } of await Promise.all(waiting)) expect(error).toBe(undefined);
    expect(await redis.hlen('hangs')).toBe(21);
  });
});

describe('three peers in three processes over one Redis', () => {
  let peers: PeerProcess[] = [];

  beforeAll(compileFacade);
  afterEach(async () => {
    await Promise.all(peers.map((peer) => peer.kill()));
  });

  it('the leader is killed in the middle of a stream: nothing acknowledged is missing, survivors finish in order', async () => {
    await redis.flushall();
    peers = startPeerProcesses(['a', 'b', 'c'], server.port);
    for (const peer of peers) peer.tell({ kind: 'join' });
    await until(
      () => peers.every(({ joined }) => joined),
      () => `all join: ${peers.flatMap(({ errors }) => errors)}`,
    );
    await until(() => peers.every(({ leaderId }) => leaderId !== undefined), 'all know the leader');
    const leader = peers.find(({ peerId, leaderId }) => peerId === leaderId)!;
    const survivors = peers.filter((peer) => peer !== leader);

    const count = 400;
    for (const peer of peers) peer.tell({ kind: 'stream', count, keys: 10, width: 8 });
    await until(() => peers.every(({ acknowledged }) => acknowledged.length >= 50), 'all streams are under way');
    await leader.kill();
    expect(
      peers.some(({ finished }) => finished),
      'the stream was in its middle',
    ).toBe(false);
    await until(() => survivors.every(({ finished }) => finished), 'the survivors finish');

    const stored = await redis.hgetall('shared');
    const order = (await redis.lrange('shared:sets', 0, -1)).map((line) => line.split('='));
    for (const { peerId, acknowledged } of peers) {
      const own = order.filter(([key]) => key!.startsWith(`${peerId}-`)).map(([, number]) => Number(number));
      const first = own.filter((number, index) => own.indexOf(number) === index);
      for (const { key, number } of acknowledged) {
        expect(own, `${key} = ${number} was acknowledged`).toContain(number);
        expect(Number(stored[key]), `${key} has not gone back`).toBeGreaterThanOrEqual(number);
      }
      expect(first, `the order of ${peerId}`).toEqual([...first].sort((a, b) => a - b));
      expect(own.length - first.length, 'sets that ran twice').toBeLessThanOrEqual(64);
    }
    for (const { peerId, acknowledged, failed } of survivors) {
      expect(failed, `failures of ${peerId}`).toEqual([]);
      expect(acknowledged).toHaveLength(count);
    }
  });
});
