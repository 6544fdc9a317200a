// npm run demo [-- --redis URL]: three peers of one service, here in one process, elect a leader, share one collection of
// each kind, and lose their leader.
import { parseArgs } from 'node:util';
import { Hamok, HamokMessage } from '../index.js';
import { createMemoryRemoteMap } from './memory-remote-map.mjs';

const HELP = `npm run demo [-- --redis redis://host:port]

Three peers in one process elect a leader, share one collection of each kind, and lose their leader.
The remote map's store is a Map in memory, or the given Redis.`;

const WRITES = 300;

const options = readOptions();
const store = options.redis ? await redisStore(options.redis) : memoryStore();

// ── Three peers ────────────────────────────────────────────────────────────────────────────────────────────────────
const peers = ['ada', 'ben', 'cleo'].map((peerId) => new Hamok({ peerId }));

// The transport is the application's: whatever a peer emits has to reach the others. A service would publish these bytes.
for (const sender of peers) {
  sender.on('message', (message) => {
    const bytes = message.toBinary();
    for (const receiver of peers) setImmediate(() => receiver.accept(HamokMessage.fromBinary(bytes)));
  });
}

heading('Three peers look for each other');
const start = performance.now();
await Promise.all(peers.map((peer) => peer.join()));
say(`They formed a grid in ${Math.round(performance.now() - start)} ms, and ${leader().localPeerId} leads it.`);

// ── A map ──────────────────────────────────────────────────────────────────────────────────────────────────────────
heading('A shared map: every peer holds every entry');
const rooms = peers.map((peer) => peer.createMap({ mapId: 'rooms' }));
await Promise.all(rooms.map((map) => map.ready));
for (const [index, peer] of peers.entries()) tellEvents(peer, rooms[index]);

say('Each peer claims the lobby at the same time. insert() never replaces, so one of them wins:');
await Promise.all(peers.map(({ localPeerId }, index) => rooms[index].insert('lobby', { host: localPeerId })));
await settled();
say('All of them know who:');
for (const [index, peer] of peers.entries()) line(peer, `get('lobby') → ${show(rooms[index].get('lobby'))}`);

say('One of them hands it on, and drops it:');
await rooms[1].set('lobby', { host: 'dora' });
await rooms[1].delete('lobby');
await settled();

// ── A record, a queue, an emitter ──────────────────────────────────────────────────────────────────────────────────
heading('A record: fields of one object, which can change together');
const parties = peers.map((peer) => peer.createRecord({ recordId: 'party' }));
const planned = { host: 'ada', guests: 0 };
await parties[0].insertInstance(planned);
say('Two take the party over at the same time, with their guests:');
const takeovers = await Promise.all([
  parties[1].updateInstanceIf({ host: 'ben', guests: 2 }, planned),
  parties[2].updateInstanceIf({ host: 'cleo', guests: 3 }, planned),
]);
await settled();
say(`${takeovers.filter((succeeded) => succeeded).length} of them did. All of them know which:`);
for (const [index, peer] of peers.entries()) line(peer, `instance → ${show(parties[index].instance)}`);

heading('A queue: each item goes to one peer');
const chores = peers.map((peer) => peer.createQueue({ queueId: 'chores' }));
await chores[0].push('cook', 'serve', 'sing');
const taken = await Promise.all(chores.map((queue) => queue.pop()));
for (const [index, peer] of peers.entries()) line(peer, `pop() → ${show(taken[index])}`);

heading('An emitter: an event goes to the peers that listen to it, and to nobody else');
const bells = peers.map((peer) => peer.createEmitter({ emitterId: 'bells' }));
const [ringer, ...listeners] = peers.keys();
for (const index of listeners) {
  await bells[index].subscribe('ring', (guest) => line(peers[index], `hears that ${guest} rings`));
}
await settled();
line(peers[ringer], `publish('ring', 'dora') was received by ${show(await bells[ringer].publish('ring', 'dora'))}`);

// ── A remote map ───────────────────────────────────────────────────────────────────────────────────────────────────
heading(`A remote map: the entries live in ${store.name}, and the leader alone changes them`);
const mapId = `hamok-demo-${process.pid}`;
const seats = peers.map((peer) =>
  peer.createRemoteMap({ mapId, remoteMap: tellWrites(peer, store.createRemoteMap(mapId)) }),
);
await Promise.all(seats.map((map) => map.ready));
const follower = peers.findIndex((peer) => !peer.leader);
let quiet = false;

say(`${peers[follower].localPeerId} puts a seat up; updateIf() then sells it to one of three:`);
await seats[follower].set('seat-1', 'free');
const sold = await Promise.all(
  peers.map(({ localPeerId }, index) => seats[index].updateIf('seat-1', localPeerId, 'free')),
);
for (const [index, peer] of peers.entries())
  line(peer, `updateIf('seat-1', '${peer.localPeerId}', 'free') → ${sold[index]}`);
say('What each reads from the store:');
for (const [index, peer] of peers.entries()) line(peer, `get('seat-1') → ${show(await seats[index].get('seat-1'))}`);

// ── Latency ────────────────────────────────────────────────────────────────────────────────────────────────────────
heading(`How long a write takes (median of ${WRITES}, one after the other)`);
quiet = true;
for (const map of rooms) map.removeAllListeners();
const first = peers.indexOf(leader());
await report('map, on the leader', (index) => rooms[first].set(`room-${index}`, index));
await report('map, on a follower', (index) => rooms[follower].set(`room-${index}`, index));
await report('remote map, on the leader', (index) => seats[first].set(`seat-${index}`, 'free'));
await report('remote map, on a follower', (index) => seats[follower].set(`seat-${index}`, 'free'));
await seats[follower].clear();

// ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────
heading('The leader leaves');
const old = leader();
await old.leave();
await Promise.all(peers.filter((peer) => peer !== old).map((peer) => peer.waitUntilLeader()));
say(`${old.localPeerId} left, ${leader().localPeerId} leads now. Writes go on:`);
await rooms[follower].set('lobby', { host: peers[follower].localPeerId });
line(peers[follower], `set('lobby', …) → acknowledged by the new leader`);

await Promise.all(peers.filter((peer) => peer !== old).map((peer) => peer.leave()));
for (const peer of peers) peer.close();
await store.close();
say('All have left; nothing keeps the process alive.');

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────────────
function leader() {
  return peers.find((peer) => peer.leader);
}

/** Until every peer has applied, and told, what is committed now. */
function settled() {
  return Promise.all(peers.map((peer) => peer.waitUntilCommitHead()));
}

function tellEvents(peer, map) {
  map.on('insert', (key, value) => line(peer, `event insert: ${key} = ${show(value)}`));
  map.on('update', (key, before, value) => line(peer, `event update: ${key} = ${show(value)}, was ${show(before)}`));
  map.on('remove', (key, value) => line(peer, `event remove: ${key}, was ${show(value)}`));
}

/** The store object of one peer, which tells when that peer writes. */
function tellWrites(peer, remoteMap) {
  return {
    ...remoteMap,
    set(key, value, callback) {
      if (!quiet) line(peer, `writes to the store: ${key} = ${show(value)}`);
      return remoteMap.set(key, value, callback);
    },
  };
}

async function report(what, write) {
  const times = [];
  for (let index = 0; index < WRITES; index++) {
    const before = performance.now();
    await write(index);
    times.push(performance.now() - before);
  }
  console.log(`    ${what.padEnd(28)}${times.sort((a, b) => a - b)[WRITES / 2].toFixed(2)} ms`);
}

function readOptions() {
  try {
    const { values } = parseArgs({ options: { redis: { type: 'string' }, help: { type: 'boolean' } } });
    if (!values.help) return values;
    console.log(HELP);
    process.exit();
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

function memoryStore() {
  const entries = new Map();
  return { name: 'a store in memory', createRemoteMap: () => createMemoryRemoteMap(entries), close: () => {} };
}

/** Loaded on demand: without Redis the demo needs no client for it. */
async function redisStore(url) {
  const { connect, createRedisRemoteMap } = await import('./remote-map-redis.mjs');
  const redis = await connect(url).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  return {
    name: 'Redis',
    createRemoteMap: (mapId) => createRedisRemoteMap(redis, mapId),
    close: () => redis.quit(),
  };
}

function heading(text) {
  console.log(`\n${text}`);
}

function say(text) {
  console.log(`  ${text}`);
}

function line(peer, text) {
  console.log(`    ${peer.localPeerId.padEnd(6)}${text}`);
}

function show(value) {
  return JSON.stringify(value);
}
