/**
 * A peer in a process of its own, driven by its parent over IPC: what peer-process.ts starts.
 *
 * With the arguments `lifetime <way>` it is a process without a parent to talk to: see `lifetimes`.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Hamok, HamokMessage } = require('../../index.js');
const [task, ...args] = process.argv.slice(2);

/** Ways to end the peers of a process; what is left must not keep it alive. */
const lifetimes = {
  async close(peers) {
    for (const peer of peers) peer.close();
  },
  async leave(peers) {
    await Promise.all(peers.map((peer) => peer.leave()));
  },
  async 'leave one after the other'(peers) {
    for (const peer of peers) await peer.leave();
  },
  async 'never join'(peers) {
    for (const peer of peers) await peer.leave();
  },
  async 'close one'([peer]) {
    peer.close();
  },
};

if (task === 'lifetime') await lifetime(args[0]);
else if (task === 'redis') serve(args[0], Number(args[1]));

async function lifetime(way) {
  const peers = ['a', 'b'].map((peerId) => new Hamok({ peerId }));

  for (const peer of peers) {
    peer.on('message', (message) => {
      setImmediate(() => {
        for (const other of peers) other.accept(message);
      });
    });
  }
  if (way !== 'never join') {
    const [first, second] = peers.map((peer) => peer.createMap({ mapId: 'map' }));

    await Promise.all(peers.map((peer) => peer.join()));
    await first.set('key', 1);
    await second.set('key', 2);
  }
  peers[1].on('heartbeat', () => process.stdout.write('heartbeat\n'));
  process.stdout.write('ending\n');
  await lifetimes[way](peers);
  process.stdout.write('ended\n');
}

/** Serves a remote map over Redis to the parent. */
function serve(peerId, redisPort) {
  const Redis = require('ioredis');
  const redis = new Redis({ port: redisPort });
  const hamok = new Hamok({ peerId, electionTimeoutInMs: 1500, followerMaxIdleInMs: 500, heartbeatInMs: 50 });
  const map = hamok.createRemoteMap({ mapId: 'shared', remoteMap: redisMap(redis, 'shared') });
  const tell = (message) => process.connected && process.send(message);

  hamok.on('message', (message) => tell({ kind: 'message', to: message.destinationId, bytes: message.toBinary() }));
  hamok.on('leader-changed', (leaderId) => tell({ kind: 'leader', leaderId }));
  hamok.on('error', (error) => tell({ kind: 'error', text: String(error) }));
  process.on('message', async (message) => {
    if (message.kind === 'message') hamok.accept(HamokMessage.fromBinary(message.bytes));
    if (message.kind === 'join') tell({ kind: 'joined', error: await hamok.join().catch(String) });
    if (message.kind === 'stream') await stream(map, peerId, message, tell);
    if (message.kind === 'close') {
      hamok.close();
      redis.disconnect();
      process.disconnect();
    }
  });
  process.on('disconnect', () => process.exit());
}

/** Sets numbers 1 to `count`, number n at key n modulo `keys`, with `width` under way at a time; tells how each ended. */
async function stream(map, peerId, { count, keys, width }, tell) {
  let next = 1;
  const worker = async () => {
    while (next <= count) {
      const number = next++;
      const key = `${peerId}-${number % keys}`;

      await map.set(key, number).then(
        () => tell({ kind: 'acknowledged', key, number }),
        (error) => tell({ kind: 'failed', key, number, isError: error instanceof Error, text: String(error) }),
      );
    }
  };

  await Promise.all(Array.from({ length: width }, worker));
  tell({ kind: 'finished' });
}

/** As in the manual, plus a list of all sets in the order in which they were made. */
function redisMap(redis, mapId) {
  const parse = (text) => (text ? JSON.parse(text) : undefined);

  return {
    async set(key, value, callback) {
      const oldValue = await redis.hget(mapId, key);
      await redis.multi().hset(mapId, key, JSON.stringify(value)).rpush(`${mapId}:sets`, `${key}=${value}`).exec();
      callback?.(parse(oldValue));
    },
    async setAll(entries, callback) {
      for (const [key, value] of entries) await this.set(key, value);
      callback?.({ inserted: [...entries], updated: [] });
    },
    async get(key) {
      return parse(await redis.hget(mapId, key));
    },
    async getAll(keys) {
      const found = new Map();
      for (const key of keys) found.set(key, await this.get(key));
      return found;
    },
    async keys() {
      return (await redis.hkeys(mapId)).values();
    },
    async remove(key) {
      const value = await redis.hget(mapId, key);
      await redis.hdel(mapId, key);
      return parse(value);
    },
    async removeAll(keys) {
      const removed = new Map();
      for (const key of keys) removed.set(key, await this.remove(key));
      return removed;
    },
    async clear() {
      await redis.del(mapId);
    },
    async size() {
      return redis.hlen(mapId);
    },
    async *iterator() {
      for (const key of await redis.hkeys(mapId)) yield [key, await this.get(key)];
    },
  };
}
