// A RemoteMap on Redis whose entries expire: each is a Redis key of its own, because a field of a hash lives as long as
// its hash. Redis drops them in silence: there is no event for it.

/**
 * @param {import('ioredis').Redis} redis
 * @param {string} prefix of the names in Redis; without characters that mean something in a glob
 * @param {number} expiryInMs counts anew each time that an entry is set
 */
export function createExpiringRemoteMap(redis, prefix, expiryInMs) {
  const decode = (text) => (text === null ? undefined : JSON.parse(text));

  return {
    size: async () => (await scan()).length,
    keys: async () => (await scan()).values(),
    clear: async () => drop(await scan()),
    get: async (key) => decode(await redis.get(prefix + key)),
    getAll: (keys) => read([...keys]),

    // Only the leader writes, one operation at a time: nothing but expiry comes between this read and this write.
    async set(key, value, callback) {
      const oldText = await redis.get(prefix + key);
      await write(key, value);
      callback?.(decode(oldText));
    },

    async setAll(entries, callback) {
      const old = await read([...entries.keys()]);
      await Promise.all([...entries].map(([key, value]) => write(key, value)));
      callback?.({
        inserted: [...entries].filter(([key]) => !old.has(key)),
        updated: [...entries].filter(([key]) => old.has(key)).map(([key, value]) => [key, old.get(key), value]),
      });
    },

    async remove(key) {
      const text = await redis.get(prefix + key);
      await drop([key]);
      return decode(text);
    },

    async removeAll(keys) {
      const removed = await read([...keys]);
      await drop([...removed.keys()]);
      return removed;
    },

    async *iterator() {
      yield* await read(await scan());
    },
  };

  function write(key, value) {
    return redis.set(prefix + key, JSON.stringify(value), 'PX', expiryInMs);
  }

  async function drop(keys) {
    if (keys.length > 0) await redis.del(keys.map((key) => prefix + key));
  }

  /** The entries of those keys that exist. */
  async function read(keys) {
    const texts = keys.length > 0 ? await redis.mget(keys.map((key) => prefix + key)) : [];
    return new Map(keys.map((key, index) => [key, decode(texts[index])]).filter(([, value]) => value !== undefined));
  }

  /** The keys that exist. Redis walks through all that it has, which takes its time, and may find one twice. */
  async function scan() {
    const found = new Set();
    for await (const names of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
      for (const name of names) found.add(name.slice(prefix.length));
    }
    return [...found];
  }
}
