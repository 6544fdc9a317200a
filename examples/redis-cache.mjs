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

const EXPIRY_MS = 2000;

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const mapId = `hamok-example-cache-${process.pid}`;

// The database, which is slow.
const rows = new Map([['u1', { name: 'Ida' }]]);
let queries = 0;
async function query(id) {
  queries++;
  await pause(10);
  return rows.get(id);
}

/** What each instance of the service does; in life it is a process of its own. */
function createUsers(hamok, redis) {
  const remoteMap = createExpiringRemoteMap(redis, `${mapId}:`, EXPIRY_MS);
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
    if (copies.get(id) === mark) copies.set(id, { value, until: Date.now() + EXPIRY_MS });

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

  return { hamok, cache, get, update };
}

const connections = await Promise.all([1, 2, 3].map(() => connectRedis(url))).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
const connect = createLocalTransport();
const names = ['ada', 'ben', 'cleo'];
const instances = names.map((peerId, index) => createUsers(connect(new Hamok({ peerId })), connections[index]));
const [ada, ben] = instances;
await Promise.all(instances.map(({ hamok }) => hamok.join()));

async function readAll(what) {
  const before = queries;
  const found = [];
  for (const users of instances) found.push((await users.get('u1'))?.name);
  console.log(`${what}: they read ${found.join(', ')} (database queries: ${queries - before})`);
}

await readAll('The cache is empty');
await readAll('It is filled');

await ben.update('u1', { name: 'Eva' });
// All have heard of it when everything that was ordered is carried out, and known here.
await Promise.all(instances.map(({ cache }) => cache.sync()));
await readAll('ben has changed it');

// A change past the cache shows when Redis has dropped the entry, and the copies in memory are too old.
rows.set('u1', { name: 'Max' });
for (const { get } of instances) await until('the entry has expired', async () => (await get('u1')).name === 'Max');
await readAll('It has expired');

await ada.cache.clear();
await Promise.all(instances.map(({ hamok }) => hamok.leave()));
for (const { hamok } of instances) hamok.close();
await Promise.all(connections.map((redis) => redis.quit()));
