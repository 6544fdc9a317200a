// A remote map on Redis: the entries live in a Redis hash, and the peers agree on the order in which it changes.
//
//   REDIS_URL=redis://localhost:6379 node examples/remote-map-redis.mjs
//
// Three peers sell five tickets to twenty buyers at once, without a lock and without selling one twice.
import { fileURLToPath } from 'node:url';
import Redis from 'ioredis';
import { Hamok } from '../index.js';

/**
 * A RemoteMap whose entries are the fields of one Redis hash, their values as JSON. Nothing here is atomic, and nothing
 * has to be: only the leader changes the hash, one operation at a time.
 *
 * @param {Redis} redis
 * @param {string} mapId
 */
export function createRedisRemoteMap(redis, mapId) {
  const decode = (text) => (text === null ? undefined : JSON.parse(text));

  return {
    size: () => redis.hlen(mapId),

    async clear() {
      await redis.del(mapId);
    },

    async keys() {
      return (await redis.hkeys(mapId)).values();
    },

    async get(key) {
      return decode(await redis.hget(mapId, key));
    },

    getAll: (keys) => read([...keys]),

    async set(key, value, callback) {
      const oldText = await redis.hget(mapId, key);
      await redis.hset(mapId, key, JSON.stringify(value));
      callback?.(decode(oldText));
    },

    async setAll(entries, callback) {
      const old = await read([...entries.keys()]);
      const texts = [...entries].flatMap(([key, value]) => [key, JSON.stringify(value)]);
      if (texts.length > 0) await redis.hset(mapId, ...texts);

      const inserted = [];
      const updated = [];
      for (const [key, value] of entries) {
        if (old.has(key)) updated.push([key, old.get(key), value]);
        else inserted.push([key, value]);
      }
      callback?.({ inserted, updated });
    },

    async remove(key) {
      const text = await redis.hget(mapId, key);
      await redis.hdel(mapId, key);
      return decode(text);
    },

    async removeAll(keys) {
      const removed = await read([...keys]);
      if (removed.size > 0) await redis.hdel(mapId, ...removed.keys());
      return removed;
    },

    async *iterator() {
      for (const [key, text] of Object.entries(await redis.hgetall(mapId))) yield [key, decode(text)];
    },
  };

  /** The entries of those keys that exist. */
  async function read(keys) {
    const texts = keys.length > 0 ? await redis.hmget(mapId, ...keys) : [];
    return new Map(keys.map((key, index) => [key, decode(texts[index])]).filter(([, value]) => value !== undefined));
  }
}

async function main() {
  const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
  // In a service each of these would be a process of its own.
  const peers = ['ada', 'ben', 'cleo'].map((peerId) => new Hamok({ peerId }));
  const connections = await Promise.all(peers.map(() => connect(url)));

  for (const sender of peers) {
    sender.on('message', (message) => {
      for (const receiver of peers) setImmediate(() => receiver.accept(message));
    });
  }

  const mapId = `hamok-example-tickets-${process.pid}`;
  // Any peer may lead one day, so every peer creates the map, each with a connection of its own.
  const tickets = peers.map((peer, index) =>
    peer.createRemoteMap({ mapId, remoteMap: createRedisRemoteMap(connections[index], mapId) }),
  );

  await Promise.all(peers.map((peer) => peer.join()));
  console.log(`${peers.find((peer) => peer.leader).localPeerId} leads: it alone writes to Redis`);

  const [first, , last] = tickets;
  first.on('update', (ticket, _, { buyer }) => console.log(`  ${ticket} goes to ${buyer}`));
  await first.setAll(new Map(Array.from({ length: 5 }, (_, index) => [`ticket-${index + 1}`, { buyer: null }])));
  console.log(`${await last.size()} tickets for 20 buyers`);

  const buyers = Array.from({ length: 20 }, (_, index) => buy(tickets[index % tickets.length], `buyer-${index + 1}`));
  const bought = (await Promise.all(buyers)).filter((ticket) => ticket !== undefined);
  console.log(`${bought.length} sold, ${new Set(bought).size} different ones`);

  console.log(`in Redis: ${JSON.stringify(await connections[0].hgetall(mapId))}`);
  await first.clear();

  await Promise.all(peers.map((peer) => peer.leave()));
  for (const peer of peers) peer.close();
  await Promise.all(connections.map((connection) => connection.quit()));
}

/** Takes the first free ticket. `updateIf` fails when somebody else was faster: then the next one is tried. */
async function buy(tickets, buyer) {
  for await (const [ticket, { buyer: owner }] of tickets.iterator()) {
    if (owner === null && (await tickets.updateIf(ticket, { buyer }, { buyer: null }))) return ticket;
  }
  return undefined;
}

/** Rejects when there is no Redis, where ioredis by itself would try for ever. */
export async function connect(url) {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  // Without a listener ioredis prints each failure; ours comes with the rejection.
  redis.on('error', () => {});
  await redis.connect().catch(() => {
    throw new Error(`no Redis at ${url}: start redis-server, or name another one in REDIS_URL`);
  });
  return redis;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
