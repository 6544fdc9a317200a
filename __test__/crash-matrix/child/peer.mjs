/**
 * A peer with a remote map on a real store, in a process of its own that ends or stops itself where it is told to. Orders
 * come and reports go over IPC, the peer's messages over TCP.
 *
 * Arguments: those of every program of a peer, then the kind of the store, the port of its server, the name of the map.
 */
import { createRequire } from 'node:module';
import { Journal, now } from '../../black-box/child/journal.mjs';
import { connectToHub } from '../../black-box/child/transport.mjs';
import { openStore } from './open-store.mjs';
import { Trap } from './trap.mjs';
import { watchedStore } from './watched-store.mjs';
import { Workload } from './workload.mjs';

const { Hamok, HamokMessage } = createRequire(import.meta.url)('../../../index.js');
const [name, hubPort, journalPath, config, kind, storePort, mapId] = process.argv.slice(2);

const EVENTS = ['leader-changed', 'rejoining', 'joined', 'error', 'quorum-lost', 'quorum-restored', 'reformed'];

const journal = new Journal(journalPath);
const hamok = new Hamok(JSON.parse(config));
const trap = new Trap(journal, hamok.localPeerId, tell);
const store = watchedStore(openStore(kind, Number(storePort), mapId), journal, trap, report);
const map = hamok.createRemoteMap({ mapId, remoteMap: store });
const workload = new Workload(map, name, journal);

for (const event of EVENTS) {
  hamok.on(event, (...args) => {
    report(
      event,
      args.map((arg) => (arg instanceof Error ? `${arg.code}: ${arg.message}` : arg)),
    );
  });
}

/** Comes when the mark of an operation is applied here: then it is committed. */
function onCommit(_index, { values: [value] }) {
  if (value) trap.marked(JSON.parse(Buffer.from(value).toString()));
}

/** What the parent may order. What they return is the answer. */
const orders = {
  /** Resolves with when it was called and when the peer had joined. */
  async join() {
    const from = now();

    await connectToHub(Number(hubPort), hamok, HamokMessage, (destinationId) => trap.passes(destinationId));
    await hamok.join({ maxRetry: -1 });

    return { from, to: now() };
  },
  work: ({ pauses }) => workload.start(pauses),
  /** Ends its work, and resolves when all that was ordered before has been carried out. */
  async rest() {
    await workload.rest();
    await map.sync();
  },
  /** Sets a trap: see there. Callers of a peer with listeners to `commit` hear later, so there are none without need. */
  arm(snare) {
    hamok.off('commit', onCommit);
    if (snare.point === 'marked') hamok.on('commit', onCommit);
    trap.arm(snare);
  },
  /** Whether it could be taken away. */
  disarm: () => trap.disarm(),
  state: () => ({
    leaderId: hamok.raft.leaderId,
    leads: hamok.leader,
    term: hamok.raft.props.currentTerm,
    remotePeerIds: [...hamok.remotePeerIds],
    acknowledged: journal.acknowledged,
    writes: store.writes,
  }),
};

process.on('message', async ({ id, order, params }) => {
  try {
    tell({ id, value: await orders[order](params) });
  } catch (error) {
    tell({ id, error: `${error.code}: ${error.message}` });
  }
});
// Without a parent there is no test any more.
process.on('disconnect', () => process.exit());
tell({ started: true });

/** Writes down what happened by itself, and tells the parent. */
function report(event, args) {
  journal.note(event, ...args);
  tell({ event, args, at: now() });
}

/** @param {() => void} [told] called when it is on its way */
function tell(message, told) {
  if (process.connected) process.send(message, told);
}
