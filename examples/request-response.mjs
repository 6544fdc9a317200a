// Requests and responses over an emitter. A request is an event that its responders listen to, a response is an event
// that only the asker listens to. None of it is stored: who is not there at that moment has not been asked.
//
//   node examples/request-response.mjs
import { randomUUID } from 'node:crypto';
import { EventEmitter, on, once } from 'node:events';
import { Hamok } from '../index.js';
import { createLocalTransport } from './local-transport.mjs';

/** What each peer needs to ask others, and to respond to them. */
function createRequests(hamok) {
  const ownId = hamok.localPeerId;
  // Who subscribes to what is kept for peers that come back. `autoClean` is for a service whose peers never do.
  const emitter = hamok.createEmitter({ emitterId: 'requests', autoClean: true });
  // What arrives here, by request id.
  const inbox = new EventEmitter().setMaxListeners(Infinity);

  const listening = emitter.subscribe(`response to ${ownId}`, (requestId, responderId, response) => {
    // Nobody listens any more if it comes too late.
    inbox.emit(requestId, { responderId, response });
  });

  /** Resolves when requests that are made from now on reach this peer. */
  function respond(name, handle) {
    return emitter.subscribe(name, async (requestId, askerId, ...args) => {
      let response;
      try {
        response = { result: await handle(...args) };
      } catch (error) {
        response = { error: error.message };
      }
      // Without a word on whether it arrives: the asker has its timeout.
      if (!emitter.closed) emitter.notify(`response to ${askerId}`, requestId, ownId, response);
    });
  }

  /** Asks every peer that responds to `name`. Resolves with their responses by their ids when it has them all. */
  async function ask(name, args, timeoutInMs = 1000) {
    await listening;
    const requestId = randomUUID();
    const responses = new Map();
    const signal = AbortSignal.timeout(timeoutInMs);
    const timeout = once(signal, 'abort').then(() =>
      Promise.reject(new Error(`nobody knows yet who received '${name}'`)),
    );
    // Listens before it asks: a response may be here before it is known who has received the request.
    const arriving = on(inbox, requestId, { signal });
    // A subscriber that is silent is waited for until the grid gives it up, which may take too long.
    const receivers = await Promise.race([emitter.publish(name, requestId, ownId, ...args), timeout]);

    // The timeout need not be waited for.
    if (receivers.length === 0) throw new Error(`nobody responds to '${name}'`);
    try {
      for await (const [{ responderId, response }] of arriving) {
        responses.set(responderId, response);
        if (receivers.every((peerId) => responses.has(peerId))) break;
      }
    } catch {
      const missing = receivers.filter((peerId) => !responses.has(peerId));
      throw new Error(`${missing.join(', ')} received '${name}', and did not respond within ${timeoutInMs} ms`);
    }

    return responses;
  }

  return { respond, ask };
}

// In a service each of these would be a process of its own.
const connect = createLocalTransport();
const peers = ['ada', 'ben', 'cleo'].map((peerId) => connect(new Hamok({ peerId })));
const [ada, ben, cleo] = peers.map(createRequests);
const show = (responses) =>
  [...responses].map(([peerId, response]) => `${peerId} ${JSON.stringify(response)}`).join(', ');

await Promise.all(peers.map((peer) => peer.join()));
await ben.respond('add', (a, b) => a + b);
await ben.respond('root of', (number) => {
  if (number < 0) throw new Error(`${number} has no root`);
  return Math.sqrt(number);
});
await cleo.respond('think about', () => new Promise(() => {}));
await Promise.all([ada, ben, cleo].map(({ respond }, index) => respond('number', () => index + 1)));
// The subscriptions are known to those who made them. This makes sure that all peers know them.
await Promise.all(peers.map((peer) => peer.waitUntilCommitHead()));

console.log(`One responds: ${show(await ada.ask('add', [2, 3]))}`);
console.log(`It fails: ${show(await ada.ask('root of', [-1]))}`);
console.log(`All respond, in any order: ${show(await cleo.ask('number', []))}`);

const sums = await Promise.all(
  Array.from({ length: 100 }, async (_, number) => {
    const responses = await [ada, cleo][number % 2].ask('add', [number, number]);
    return responses.get('ben').result === 2 * number;
  }),
);
console.log(`${sums.length} at once: ${sums.filter((isRight) => isRight).length} got the response to their request`);

await ada.ask('think about', ['life'], 200).catch((error) => console.log(`Too slow: ${error.message}`));
await ada.ask('sing', []).catch((error) => console.log(`Not there: ${error.message}`));

await Promise.all(peers.map((peer) => peer.leave()));
for (const peer of peers) peer.close();
