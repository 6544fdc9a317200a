// Workers on several peers take jobs from one queue: each job goes to one of them. A worker that dies leaves its job
// behind, and the leader gives it to another.
//
//   node examples/job-queue.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Hamok } from '../index.js';
import { createLocalTransport } from './local-transport.mjs';
import { until } from './until.mjs';

const JOBS = 20;
/** The worker that gets this one dies over it, the first time. */
const DEADLY_JOB = 'job-7';
const STOP = 'stop';

// In a service each of these would be a process of its own.
const connect = createLocalTransport();
const peers = ['ada', 'ben', 'cleo'].map((peerId) => connect(new Hamok({ peerId })));

// Who took what: for this program to check itself at the end.
const taken = [];
const timesTaken = (id) => taken.filter((other) => other.id === id).length;

function createWorker(hamok) {
  // A process that is started again has to be another worker, or the job that it left behind looks like one that it runs.
  // So give no `peerId` in a service: without one it is a UUID.
  const worker = hamok.localPeerId;
  // The queue says who is next, by job id. What is in a queue is gone once it is taken, so the jobs are in a map.
  const queue = hamok.createQueue({ queueId: 'jobs' });
  const jobs = hamok.createMap({ mapId: 'jobs by id' });

  async function work() {
    while (true) {
      const id = await queue.pop();
      if (id === STOP) return;
      if (id !== undefined) await run(id);
      // Empty for now. Look again before waiting: something may have come since.
      else if (queue.empty) await once(queue, 'not-empty');
    }
  }

  async function run(id) {
    // `pop` gave the id to this worker alone; but the leader may have put it into the queue twice, see below.
    const claimed = { state: 'running', worker };
    if (!(await jobs.updateIf(id, claimed, { state: 'waiting' }))) return;
    taken.push({ id, worker });
    if (id === DEADLY_JOB && timesTaken(id) === 1) die();
    await pause(2); // the work itself
    // False if the grid gave this worker up meanwhile, and the job to another.
    await jobs.updateIf(id, { state: 'done', worker }, claimed);
  }

  /** Ends this peer in the middle of its work. A crash looks the same to the others, `electionTimeoutInMs` later. */
  function die() {
    console.log(`${worker} dies over ${DEADLY_JOB}`);
    hamok.close();
  }

  /** Puts the jobs of dead workers back. One of them may have done its work and not said so: jobs must be repeatable. */
  async function rescue() {
    if (!hamok.leader) return;
    // This peer may have become the leader just now, and not have heard of everything that the last one acknowledged.
    await hamok.waitUntilCommitHead();
    const queued = new Set(queue);
    // All jobs, not only those of the peer that has just left: a former leader may have died in the middle of this.
    for (const [id, job] of [...jobs]) {
      const isAbandoned = job.state === 'running' && job.worker !== worker && !hamok.remotePeerIds.has(job.worker);
      // Taken from the queue, and not claimed yet: perhaps never, so it goes in once more. Only one claim can succeed.
      const isLost = job.state === 'waiting' && !queued.has(id);

      if (isAbandoned && (await jobs.updateIf(id, { state: 'waiting' }, job))) {
        console.log(`the leader puts ${id} of ${job.worker} back`);
        await queue.push(id);
      } else if (isLost) {
        await queue.push(id);
      }
    }
  }

  // The peer that left may have been the leader, and only its successor can see to its jobs.
  for (const event of ['remote-peer-left', 'leader']) {
    hamok.on(event, () =>
      rescue().catch((error) => console.log(`${worker} could not put jobs back: ${error.message}`)),
    );
  }

  return { hamok, queue, jobs, work };
}

const workers = peers.map(createWorker);
await Promise.all(peers.map((peer) => peer.join()));

const ended = workers.map(({ hamok, work }) =>
  // What a dead worker was about to do rejects; any other error is a defect.
  work().catch((error) => assert.ok(hamok.closed, error)),
);

const ids = Array.from({ length: JOBS }, (_, index) => `job-${index + 1}`);
const [{ jobs, queue }] = workers;
await jobs.setAll(new Map(ids.map((id) => [id, { state: 'waiting' }])));
await queue.push(...ids);
console.log(`${JOBS} jobs for ${workers.length} workers`);

const alive = () => workers.filter(({ hamok }) => !hamok.closed);
const isDone = (id) => alive()[0].jobs.get(id)?.state === 'done';
await until('all jobs are done', () => ids.every(isDone));

// A marker for each worker: who takes one goes home.
await alive()[0].queue.push(...alive().map(() => STOP));
await Promise.all(ended);

await Promise.all(alive().map(({ hamok }) => hamok.leave()));
for (const peer of peers) peer.close();

for (const id of ids) assert.equal(timesTaken(id), id === DEADLY_JOB ? 2 : 1, id);
console.log(`all are done: ${DEADLY_JOB} was taken twice, each other job once`);
for (const { localPeerId } of peers) {
  console.log(`  ${localPeerId} took ${taken.filter(({ worker }) => worker === localPeerId).length}`);
}
