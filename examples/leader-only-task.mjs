// A task that runs once per interval, on the leader. When the leader leaves, the next one goes on with it.
//
//   node examples/leader-only-task.mjs
//
// Who leads is a view, not a lock: a leader that was cut off takes itself for the leader for a while, and so may two peers
// at once. So leading only decides who tries. The grid decides who may: each run is claimed first, with `updateIf`.
import { Hamok } from '../index.js';
import { createLocalTransport } from './local-transport.mjs';
import { until } from './until.mjs';

const INTERVAL_MS = 250;

// In a service each of these would be a process of its own.
const connect = createLocalTransport();
const peers = ['ada', 'ben', 'cleo'].map((peerId) => connect(new Hamok({ peerId })));

// The outside world, where the reports go.
const reports = [];

/** What every peer does, whether it leads or not: it may lead one day. */
function runTasks(hamok) {
  // For each task the last interval that was claimed. Peers number the intervals alike if their clocks are about right.
  const claims = hamok.createRecord({ recordId: 'claims' });

  /** Whether this peer, and nobody else, may run a task in this interval. */
  async function claim(task, interval) {
    const last = claims.get(task);
    // A clock that is behind must not run an old interval again.
    if (last !== undefined && last >= interval) return false;
    // False when another peer was faster. As the old value `undefined` stands for a field that does not exist yet.
    return claims.updateIf(task, interval, last);
  }

  async function sendReport() {
    const interval = Math.floor(Date.now() / INTERVAL_MS);
    // Claimed before it runs, so it runs at most once: if this peer dies now, the interval has no report. To have at least
    // one, run a task that may be repeated first, and note the interval when it is done.
    if (await claim('report', interval)) {
      reports.push({ interval, sender: hamok.localPeerId });
      console.log(`  report ${reports.length} is sent by ${hamok.localPeerId}`);
    }
  }

  hamok.on('heartbeat', () => {
    // Heartbeats come more often than intervals, and do not wait for the claim before: `updateIf` sorts that out too.
    if (!hamok.leader) return;
    // A claim fails when the lead is lost meanwhile. The next leader tries again.
    sendReport().catch((error) => console.log(`  ${hamok.localPeerId} could not claim: ${error.message}`));
  });

  return { hamok, claim };
}

const services = peers.map(runTasks);
await Promise.all(peers.map((peer) => peer.join()));

const first = peers.find((peer) => peer.leader);
console.log(`${first.localPeerId} leads`);
await until('3 reports were sent', () => reports.length >= 3);

// What if several take themselves for the leader? Here all of them do, for another task.
const claims = await Promise.all(services.map(({ claim }) => claim('cleanup', 1)));
console.log(`${peers.length} peers claim one run at once, ${claims.filter((claimed) => claimed).length} may`);

await first.leave();
console.log(`${first.localPeerId} leaves`);

const rest = peers.filter((peer) => peer !== first);
const sentBefore = reports.length;
await until('3 more reports were sent', () => reports.length >= sentBefore + 3);
console.log(`${rest.find((peer) => peer.leader).localPeerId} leads now`);

await Promise.all(rest.map((peer) => peer.leave()));
for (const peer of peers) peer.close();

const intervals = new Set(reports.map(({ interval }) => interval));
console.log(`${reports.length} reports in ${intervals.size} intervals`);
