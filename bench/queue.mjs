// Twelve consumers on three peers take from one queue, each one item after the other.
import { Grid } from './grid.mjs';
import { latency, median, timed } from './measure.mjs';

const RUNS = 5;
const ITEMS = 12_000;
const CONSUMERS = 12;
const BATCH = 1_000;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const queues = peers.map((peer) => peer.createQueue({ queueId: 'jobs' }));
  await Promise.all(queues.map((queue) => queue.ready));

  const perSecond = [];
  for (let run = 0; run < RUNS; run++) perSecond.push(await contendedPops(queues));
  const [leader, follower] = queues;
  const push = await latency(1_000, (index) => follower.push(index));
  const pop = await latency(1_000, () => leader.pop());
  grid.close();

  const runs = `${RUNS} x ${ITEMS} items, ${CONSUMERS} consumers, each item exactly once`;
  return [
    { measure: 'pops, contended', value: median(perSecond), unit: '/s', atLeast: 5_000, old: 10, runs },
    { measure: 'push on a follower, p50', value: push.p50, unit: 'ms', runs: '1,000 pushes' },
    { measure: 'pop on the leader, p50', value: pop.p50, unit: 'ms', runs: '1,000 pops' },
  ];
}

async function contendedPops(queues) {
  for (let first = 0; first < ITEMS; first += BATCH) {
    await queues[0].push(...Array.from({ length: BATCH }, (_, index) => first + index));
  }
  const taken = [];
  const consume = async (queue) => {
    for (let item = await queue.pop(); item !== undefined; item = await queue.pop()) taken.push(item);
  };
  const ms = await timed(() =>
    Promise.all(Array.from({ length: CONSUMERS }, (_, index) => consume(queues[index % queues.length]))),
  );
  if (taken.length !== ITEMS || new Set(taken).size !== ITEMS) {
    throw new Error(`${ITEMS} items were pushed, ${taken.length} taken, ${new Set(taken).size} different ones`);
  }
  return ITEMS / (ms / 1000);
}
