// A RemoteMap over a JavaScript Map that all peers of one process share. It stands in for a store when there is none,
// and shows the least that a store must do.

/**
 * @template K, V
 * @param {Map<K, V>} entries
 */
export function createMemoryRemoteMap(entries) {
  return {
    async size() {
      return entries.size;
    },

    async clear() {
      entries.clear();
    },

    async keys() {
      return entries.keys();
    },

    /** @param {K} key */
    async get(key) {
      return entries.get(key);
    },

    /** @param {Iterable<K>} keys */
    async getAll(keys) {
      return pick(keys);
    },

    /**
     * @param {K} key
     * @param {V} value
     * @param {(oldValue: V | undefined) => void} [callback]
     */
    async set(key, value, callback) {
      const oldValue = entries.get(key);
      entries.set(key, value);
      callback?.(oldValue);
    },

    /**
     * @param {ReadonlyMap<K, V>} changed
     * @param {(result: { inserted: [K, V][], updated: [K, V, V][] }) => void} [callback]
     */
    async setAll(changed, callback) {
      /** @type {[K, V][]} */
      const inserted = [];
      /** @type {[K, V, V][]} */
      const updated = [];
      for (const [key, value] of changed) {
        if (entries.has(key)) updated.push([key, /** @type {V} */ (entries.get(key)), value]);
        else inserted.push([key, value]);
        entries.set(key, value);
      }
      callback?.({ inserted, updated });
    },

    /** @param {K} key */
    async remove(key) {
      const value = entries.get(key);
      entries.delete(key);
      return value;
    },

    /** @param {Iterable<K>} keys */
    async removeAll(keys) {
      const removed = pick(keys);
      for (const key of removed.keys()) entries.delete(key);
      return removed;
    },

    async *iterator() {
      yield* entries;
    },
  };

  /** @param {Iterable<K>} keys */
  function pick(keys) {
    /** @type {Map<K, V>} */
    const found = new Map();
    for (const key of keys) if (entries.has(key)) found.set(key, /** @type {V} */ (entries.get(key)));
    return found;
  }
}
