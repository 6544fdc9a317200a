// A new version of a service takes the place of the old one, one process after the other. The state stays with those that
// run, and writes go on all the time.
//
//   node examples/rolling-deployment.mjs
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Hamok } from '../index.js';
import { connectToParent, createProcessGrid, tellParent } from './ipc-transport.mjs';
import { until } from './until.mjs';

const [role, instanceName] = process.argv.slice(2);

if (role === 'instance') await runInstance(instanceName);
else await deploy();

/** One process of the service. It takes orders until it is told to finish. */
async function runInstance(name) {
  const hamok = new Hamok({ peerId: name });
  const orders = hamok.createMap({ mapId: 'orders' });
  let finishing = false;

  process.on('message', async ({ kind }) => {
    if (kind === 'finish') finishing = true;
    if (kind === 'list') tellParent({ kind: 'list', keys: await listOrders() });
    if (kind === 'leave') await leave();
  });

  connectToParent(hamok);
  await hamok.join();
  // From here on it has what the others have.
  await orders.ready;
  tellParent({ kind: 'ready', size: orders.size });

  for (let number = 1; !finishing; number++) {
    const key = `${name}/${number}`;
    await orders.set(key, { at: Date.now() });
    // From here on the grid has the order, whatever happens to this process.
    tellParent({ kind: 'acknowledged', key });
    await pause(2);
  }
  tellParent({ kind: 'finished' });

  async function listOrders() {
    // A read is local. This makes sure of everything that was acknowledged, to anybody.
    await hamok.waitUntilCommitHead();
    return [...orders.keys()];
  }

  /** Hands on what this peer does, and tells the others: nobody has to wait until it is missed. */
  async function leave() {
    await hamok.leave();
    hamok.close();
    process.disconnect();
  }
}

async function deploy() {
  const start = createProcessGrid();
  const acknowledged = [];

  async function startInstance(name) {
    const child = start(fileURLToPath(import.meta.url), 'instance', name);

    child.on('message', ({ kind, key }) => kind === 'acknowledged' && acknowledged.push(key));
    child.once('exit', (code) => assert.equal(code, 0, `${name} ended with ${code}`));
    const { size } = await answer(child, 'ready');

    return { name, child, size };
  }

  async function finish({ child }) {
    child.send({ kind: 'finish' });
    await answer(child, 'finished');
  }

  async function stop({ child }) {
    child.send({ kind: 'leave' });
    await once(child, 'exit');
  }

  /** Writes go on: some more are acknowledged. */
  function moreOrders() {
    const wanted = acknowledged.length + 50;
    return until('more orders are acknowledged', () => acknowledged.length >= wanted);
  }

  const old = await Promise.all(['old-1', 'old-2', 'old-3'].map(startInstance));
  await moreOrders();
  console.log(`${old.length} old processes take orders`);

  const current = [];
  for (const { name, child } of old) {
    const before = acknowledged.length;
    // First one more, then one less: there are never fewer than before.
    const replacement = await startInstance(name.replace('old', 'new'));
    await finish({ child });
    await stop({ child });
    await moreOrders();
    current.push(replacement);
    console.log(
      `${replacement.name} came with ${replacement.size} orders, ${name} left, ${acknowledged.length - before} orders meanwhile`,
    );
  }

  // All of them end: no more writes before the first one leaves, because the last one cannot write alone.
  await Promise.all(current.map(finish));
  const [first] = current;
  first.child.send({ kind: 'list' });
  const { keys } = await answer(first.child, 'list');
  await Promise.all(current.map(stop));

  const kept = new Set(keys);
  const lost = acknowledged.filter((key) => !kept.has(key));
  const byOld = acknowledged.filter((key) => key.startsWith('old'));
  console.log(
    `${acknowledged.length} orders acknowledged, ${byOld.length} of them by old processes; ${lost.length} lost`,
  );
  assert.deepEqual(lost, []);
}

/** What a child tells next of this kind. */
async function answer(child, kind) {
  for await (const [message] of on(child, 'message')) if (message.kind === kind) return message;
}
