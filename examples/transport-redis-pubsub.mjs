// Peers in separate processes that talk over one Redis channel, which every peer hears. In two or more terminals:
//
//   REDIS_URL=redis://localhost:6379 node examples/transport-redis-pubsub.mjs NAME [SECONDS]
//
// Each peer greets the others once a second, and prints what it hears. It leaves on Ctrl-C, or so long after it joined.
import Redis from 'ioredis';
import { Hamok, HamokMessage } from '../index.js';

const CHANNEL = 'hamok-example';

const [peerId = `peer-${process.pid}`, seconds] = process.argv.slice(2);
const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const say = (text) => console.log(`${peerId.padEnd(8)} ${text}`);

// A connection that subscribes can do nothing else.
const publisher = new Redis(url);
const subscriber = new Redis(url);
for (const redis of [publisher, subscriber]) redis.on('error', (error) => say(`Redis: ${error.message}`));

// The transport. A peer ignores its own messages and those for others, so all may share the channel. What cannot be
// published gets lost, and is sent again.
const hamok = new Hamok({ peerId });
hamok.on('message', (message) => publisher.publish(CHANNEL, Buffer.from(message.toBinary())).catch(() => {}));
subscriber.on('messageBuffer', (_channel, bytes) => hamok.accept(HamokMessage.fromBinary(bytes)));
await subscriber.subscribe(CHANNEL);

hamok.on('leader-changed', (leader) => say(leader ? `${leader} leads` : 'nobody leads'));
hamok.on('remote-peer-joined', (peer) => say(`${peer} joined`));
hamok.on('remote-peer-left', (peer) => say(`${peer} left`));

const heard = new Set();
const greetings = hamok.createEmitter({ emitterId: 'greetings' });
greetings
  .subscribe('hello', (name, count) => {
    heard.add(name);
    say(`${name} says hello (${count})`);
  })
  .catch((error) => say(error.message));

let greeting;
let end;
let count = 0;
const greet = () => greetings.publish('hello', peerId, ++count).catch((error) => say(error.message));

hamok.once('joined', () => {
  greet();
  greeting = setInterval(greet, 1000);
  if (seconds) end = setTimeout(leave, Number(seconds) * 1000);
});
process.once('SIGINT', leave);

say('looks for others');
// For ever: the first peer is alone until the second one starts.
hamok.join({ maxRetry: -1 }).catch((error) => say(error.message));

async function leave() {
  clearInterval(greeting);
  clearTimeout(end);
  say(`heard of ${[...heard].sort().join(', ') || 'nobody'}`);
  await hamok.leave();
  hamok.close();
  // Sent in order, so the farewell goes first.
  await Promise.all([publisher.quit(), subscriber.quit()]);
}
