// What a service does when it is told to end: it takes no more work, finishes what runs, leaves its grid, and ends by
// itself. Here three processes work on one queue, and one of them gets a SIGTERM in the middle of a job.
//
//   node examples/graceful-shutdown.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Hamok } from '../index.js';
import { connectToParent, createProcessGrid, tellParent } from './ipc-transport.mjs';
import { until } from './until.mjs';

const JOBS = 12;
/** For everything from the signal to the end. Less than what the platform waits before it kills the process. */
const DEADLINE_MS = 8000;

const [role, instanceName] = process.argv.slice(2);

if (role === 'worker') await runWorker(instanceName);
else await watchWorkers();

async function runWorker(name) {
  const say = (text) => console.log(`  ${name} ${text}`);
  const hamok = new Hamok({ peerId: name });
  const jobs = hamok.createQueue({ queueId: 'jobs' });
  const stop = new AbortController();
  let working = Promise.resolve();
  let running = 'nothing';

  connectToParent(hamok);
  process.once('SIGTERM', shutDown);
  hamok.on('remote-peer-left', (peerId) => hamok.run && say(`hears that ${peerId} has left`));
  process.on('message', ({ kind, list }) => kind === 'push' && jobs.push(...list));

  // The signal may come while it looks for the others: `leave` ends that too.
  await hamok.join().catch((error) => stop.signal.aborted || Promise.reject(error));
  working = work().catch((error) => say(`gives up: ${error.message}`));
  tellParent({ kind: 'ready' });

  async function work() {
    while (!stop.signal.aborted) {
      const job = await jobs.pop();
      // Also if the signal has come since: the job has left the queue, and nobody else has it.
      if (job !== undefined) await run(job);
      else if (jobs.empty) await once(jobs, 'not-empty', { signal: stop.signal }).catch(() => {});
    }
  }

  async function run(job) {
    running = job;
    tellParent({ kind: 'started', job });
    await pause(200); // the work itself
    running = 'nothing';
    tellParent({ kind: 'done', job });
  }

  async function shutDown() {
    const deadline = pause(DEADLINE_MS, undefined, { ref: false });

    say(`gets the signal while ${running} runs`);
    stop.abort();
    await Promise.race([working, deadline]);
    say('has nothing to do any more');
    // Hands on what this peer does in the grid. It takes `electionTimeoutInMs` at most.
    await Promise.race([hamok.leave(), deadline]);
    // For good, also if there was no time to leave. It does not wait for anybody.
    hamok.close();
    // The transport is the last to go: it has carried the farewell. Nothing keeps the process alive now.
    process.disconnect();
  }
}

async function watchWorkers() {
  const start = createProcessGrid();
  const names = ['ada', 'ben', 'cleo'];
  const started = [];
  const done = [];

  const workers = names.map((name) => {
    const child = start(fileURLToPath(import.meta.url), 'worker', name);
    const worker = { name, child, isReady: false, exit: once(child, 'exit') };

    child.on('message', ({ kind, job }) => {
      if (kind === 'ready') worker.isReady = true;
      if (kind === 'started') started.push({ job, name });
      if (kind === 'done') done.push({ job, name });
    });

    return worker;
  });
  const [ada, ben, cleo] = workers;

  async function terminate({ name, child, exit }) {
    child.kill('SIGTERM');
    const [code, signal] = await exit;
    console.log(`${name} ended with ${signal ?? `code ${code}`}`);
  }

  await until('all are ready', () => workers.every(({ isReady }) => isReady));
  ada.child.send({ kind: 'push', list: Array.from({ length: JOBS }, (_, index) => `job-${index + 1}`) });

  await until('ben works', () => started.some(({ name }) => name === 'ben'));
  await terminate(ben);

  await until('all jobs are done', () => done.length >= JOBS);
  await Promise.all([ada, cleo].map(terminate));

  // Each job was done by the one that took it, and nobody had to do it again.
  assert.deepEqual(done.map(({ job }) => job).sort(), started.map(({ job }) => job).sort());
  console.log(`${new Set(done.map(({ job }) => job)).size} jobs, ${started.length} started, ${done.length} done`);
}
