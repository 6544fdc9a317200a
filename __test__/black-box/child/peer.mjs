/**
 * A peer in a process of its own: what grid.ts starts. Orders come and reports go over IPC, the peer's messages over TCP,
 * so what breaks the one leaves the other alone.
 *
 * Arguments: the name of this start, the hub's port, the file for the journal, the options of the `Hamok` as JSON.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { Journal, now } from './journal.mjs';
import { connectToHub } from './transport.mjs';
import { Workload } from './workload.mjs';

const { Hamok, HamokMessage } = createRequire(import.meta.url)('../../../index.js');
const [name, hubPort, journalPath, config] = process.argv.slice(2);

const EVENTS = [
  'leader-changed',
  'remote-peer-joined',
  'remote-peer-left',
  'rejoining',
  'joined',
  'error',
  'quorum-lost',
  'quorum-restored',
  'reformed',
  'grid-merged',
];

const journal = new Journal(journalPath);
const hamok = new Hamok(JSON.parse(config));
const workload = new Workload(hamok, name, journal);
const socket = await connectToHub(Number(hubPort), hamok, HamokMessage);

for (const event of EVENTS) {
  hamok.on(event, (...args) => {
    const told = args.map((arg) => (arg instanceof Error ? String(arg) : arg));

    journal.note(event, ...told);
    tell({ event, args: told, at: now() });
  });
}

/** What the parent may order. What they return is the answer. */
const orders = {
  /** Resolves with when it was called and when the peer had joined. */
  async join() {
    const from = now();

    await hamok.join({ maxRetry: -1 });

    return { from, to: now() };
  },
  /** `pauses`: how long it pauses between operations, against what the workload has. */
  work: ({ pauses }) => workload.start(pauses),
  rest: () => workload.rest(),
  state: () => {
    const { map, queue } = workload.content;

    return {
      leaderId: hamok.raft.leaderId,
      leads: hamok.leader,
      term: hamok.raft.props.currentTerm,
      remotePeerIds: [...hamok.remotePeerIds],
      digest: createHash('sha1')
        .update(JSON.stringify([map, queue]))
        .digest('hex'),
      size: `${map.length} entries, ${queue.length} items`,
      acknowledged: journal.acknowledged,
    };
  },
  content: () => ({ ...workload.content, at: now() }),
  /** Blocks the event loop. The answer comes after it. */
  block({ ms }) {
    const until = performance.now() + ms;

    while (performance.now() < until);
  },
  /** Sets a key until one set is acknowledged; a service would try again, too. Resolves with when it was. */
  async set({ key, value }) {
    for (;;) {
      const done = await workload.set(key, value).then(
        () => true,
        () => false,
      );

      if (done) return now();
    }
  },
  /** One set after the other, for so long. Resolves with the beginnings and ends of all. */
  async sets({ ms }) {
    const times = [];
    const end = performance.now() + ms;

    while (performance.now() < end) {
      const from = now();
      const code = await workload.set('measured', times.length).then(
        () => undefined,
        (error) => error.code,
      );

      times.push({ from, to: now(), code });
    }

    return times;
  },
  /** Leaves as a service does that is stopped. Then nothing keeps this process alive. */
  async leave() {
    await hamok.leave();
    hamok.close();
    await workload.rest();
    socket.end();
  },
};

process.on('message', async ({ id, order, params }) => {
  try {
    tell({ id, value: await orders[order](params) });
  } catch (error) {
    tell({ id, error: `${error.code}: ${error.message}` });
  }
  if (order === 'leave') process.disconnect();
});
// Without a parent there is no test any more. Who has left ends by itself.
process.on('disconnect', () => {
  if (!hamok.closed) process.exit();
});
tell({ started: true });

function tell(message) {
  if (process.connected) process.send(message);
}
