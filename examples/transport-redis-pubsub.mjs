// Peers in separate processes that talk over one Redis channel, which every peer hears. In two or more terminals:
//
//   REDIS_URL=redis://localhost:6379 node examples/transport-redis-pubsub.mjs NAME [SECONDS]
//
// Each peer greets once a second, and prints what it hears. It leaves on Ctrl-C, or after so many seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import Redis from 'ioredis';
import { Hamok, HamokMessage } from '../index.js';

const CHANNEL = 'hamok-example';

const [peerId = `peer-${process.pid}`, seconds = 'Infinity'] = process.argv.slice(2);
const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const say = (text) => console.log(`${peerId.padEnd(8)} ${text}`);

// A connection that subscribes can do nothing else.
const publisher = new Redis(url);
const subscriber = new Redis(url);
for (const redis of [publisher, subscriber]) redis.on('error', (error) => say(`Redis: ${error.message}`));

// The transport. A peer ignores its own messages and those for others, so all may share the channel.
const hamok = new Hamok({ peerId });
hamok.on('message', (message) => publisher.publish(CHANNEL, Buffer.from(message.toBinary())));
subscriber.on('messageBuffer', (_channel, bytes) => hamok.accept(HamokMessage.fromBinary(bytes)));
await subscriber.subscribe(CHANNEL);

hamok.on('leader-changed', (leader) => say(leader ? `${leader} leads` : 'nobody leads'));
hamok.on('remote-peer-joined', (peer) => say(`${peer} joined`));
hamok.on('remote-peer-left', (peer) => say(`${peer} left`));

const greetings = hamok.createMap({ mapId: 'greetings' });
greetings.on('insert', (name) => say(`${name} says hello (1)`));
greetings.on('update', (name, _, count) => say(`${name} says hello (${count})`));

const ended = new AbortController();
process.once('SIGINT', () => ended.abort());
if (Number.isFinite(Number(seconds))) setTimeout(() => ended.abort(), Number(seconds) * 1000);

say('looks for others');
// For ever: the first peer is alone until the second one starts.
const joined = hamok.join({ maxRetry: -1 }).catch(() => {});
await Promise.race([joined, new Promise((resolve) => ended.signal.addEventListener('abort', resolve))]);

for (let count = 1; !ended.signal.aborted; count++) {
  await greetings.set(peerId, count).catch((error) => say(error.message));
  await sleep(1000, undefined, { signal: ended.signal }).catch(() => {});
}

say(`heard of ${[...greetings.keys()].sort().join(', ') || 'nobody'}`);
await hamok.leave();
hamok.close();
// After the farewell, which is on its way through the publisher.
await Promise.all([publisher.quit(), subscriber.quit()]);
