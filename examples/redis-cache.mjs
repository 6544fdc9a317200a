// A cache in Redis that all instances of a service share, with copies in the memory of each. What one instance changes,
// the others drop from their memory.
//
//   REDIS_URL=redis://localhost:6379 node examples/redis-cache.mjs
import { setTimeout as pause } from 'node:timers/promises';
import { Hamok } from '../index.js';
import { createExpiringRemoteMap } from './expiring-remote-map.mjs';
import { createLocalTransport } from './local-transport.mjs';
import { connect as connectRedis } from './remote-map-redis.mjs';
import { until } from './until.mjs';

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

// The database, which is slow.
const rows = new Map([['u1', { name: 'Ida' }]]);
let queries = 0;
async function query(id) {
  queries++;
  await pause(10);
  return rows.get(id);
}

/** What each instance of the service does; in life it is a process of its own. */
function createUsers(hamok, redis, name, expiryInMs) {
  const mapId = `hamok-example-${name}-${process.pid}`;
  const remoteMap = createExpiringRemoteMap(redis, `${mapId}:`, expiryInMs);
  const cache = hamok.createRemoteMap({ mapId, remoteMap });
  const copies = new Map();

  // A change is an `insert` when Redis had dropped the entry before. There may be copies all the same.
  for (const event of ['insert', 'update', 'remove']) {
    cache.on(event, (id) => {
      if (copies.get(id)?.value) console.log(`  ${hamok.localPeerId} drops its copy of ${id}`);
      copies.delete(id);
    });
  }
  for (const event of ['clear', 'events-lost']) cache.on(event, () => copies.clear());

  async function get(id) {
    const copy = copies.get(id);
    if (copy?.until > Date.now()) return copy.value;

    // Taken away by any event that comes while this reads: then what was read is old, and is not kept.
    const mark = {};
    copies.set(id, mark);
    const value = (await cache.get(id)) ?? (await load(id));
    // There is no event when Redis drops an entry, so a copy has an end of its own.
    if (copies.get(id) === mark) copies.set(id, { value, until: Date.now() + expiryInMs });

    return value;
  }

  async function load(id) {
    const value = await query(id);
    // `insert`, not `set`: what `update` has put there meanwhile is newer, and stays.
    return value === undefined ? undefined : ((await cache.insert(id, value)) ?? value);
  }

  async function update(id, value) {
    rows.set(id, value);
    // `set`, not `remove`: who has just read the old row would put it into the cache again.
    await cache.set(id, value);
  }

  return { cache, get, update };
}

const connections = await Promise.all([1, 2, 3].map(() => connectRedis(url))).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
const connect = createLocalTransport();
const peers = ['ada', 'ben', 'cleo'].map((peerId) => connect(new Hamok({ peerId })));
const createAll = (name, expiryInMs) =>
  peers.map((hamok, index) => createUsers(hamok, connections[index], name, expiryInMs));
const instances = createAll('cache', 60_000);
const [, ben] = instances;
await Promise.all(peers.map((hamok) => hamok.join()));

async function readAll(what, of = instances) {
  const before = queries;
  const found = [];
  for (const users of of) found.push((await users.get('u1'))?.name);
  console.log(`${what}: they read ${found.join(', ')} (database queries: ${queries - before})`);
}

/** All have heard of every change when everything that was ordered is carried out, and known to each of them. */
function hearOfChanges() {
  return Promise.all(instances.map(({ cache }) => cache.sync()));
}

await readAll('The cache is empty');
// The peer that fills the cache knows that first. Who hears of it later drops a copy that it has made already.
await hearOfChanges();
await readAll('It is filled');

await ben.update('u1', { name: 'Eva' });
await hearOfChanges();
await readAll('ben has changed it');

// A change past the cache shows when Redis has dropped the entry, and the copies in memory are too old. Nobody wants to
// wait for a minute here, so this is another cache.
const brief = createAll('brief-cache', 200);
await readAll('In a cache for 200 ms', brief);
rows.set('u1', { name: 'Max' });
for (const { get } of brief) await until('the entry has expired', async () => (await get('u1')).name === 'Max');
await readAll('It has expired', brief);

await Promise.all([instances, brief].map(([{ cache }]) => cache.clear()));
await Promise.all(peers.map((hamok) => hamok.leave()));
for (const hamok of peers) hamok.close();
await Promise.all(connections.map((redis) => redis.quit()));
