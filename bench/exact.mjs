// What a grid on an exact store costs, against what one does without a grid, in one run: single sets, and sets with so many
// in flight. Peers, store and the others share the machine, and the peers share a process.
import { Grid } from './grid.mjs';
import { latency, medians, pipelined } from './measure.mjs';

const RUNS = 5;
const SINGLES = 500;
const SETS = 20_000;
const KEYS = 1000;

/** Sets that are under way at once. */
export const IN_FLIGHT = 1000;

export const keyAt = (number) => `key-${number % KEYS}`;
export const valueAt = (number) => `value-${number}`;

/**
 * @param name of the store
 * @param createStore makes the store object of one peer
 * @param plain `set(number)` is one round trip that sets a key
 * @param others ways to have so many sets in flight, by their names: `run(count)` resolves with the figures of that many.
 *   `sets`, `runs`: what a run is, if it is not as those of the grid. `timesAtLeast`: by how much the grid is to be faster
 */
export async function measureExact(name, createStore, plain, others) {
  const { grid, peers } = await Grid.joined();
  const stores = await Promise.all(peers.map(createStore));
  const [onLeader, onFollower] = peers.map((peer, index) =>
    peer.createRemoteMap({ mapId: 'exact', remoteMap: stores[index] }),
  );
  const setOn = (map) => (number) => map.set(keyAt(number), valueAt(number));
  const p50 = async (set) => {
    await latency(SINGLES, set);
    return (await medians(RUNS, () => latency(SINGLES, set))).p50;
  };
  const perSecond = async (run, sets = SETS) => {
    await run(sets);
    return (await medians(RUNS, () => run(sets))).perSecond;
  };

  try {
    const alone = await p50(plain.set);
    const leader = await p50(setOn(onLeader));
    const follower = await p50(setOn(onFollower));
    const singles = `${RUNS} x ${SINGLES} sets`;
    const many = `${RUNS} x ${SETS} sets, ${IN_FLIGHT} in flight`;
    const rows = [
      { measure: `${name}: ${plain.name}, p50`, value: alone * 1000, unit: 'us', runs: singles },
      { measure: `${name}: set on the leader, p50`, value: leader, unit: 'ms', runs: singles },
      { measure: '  more than the plain one', value: leader - alone, unit: 'ms', atMost: 1.5, runs: singles },
      { measure: `${name}: set on a follower, p50`, value: follower, unit: 'ms', runs: singles },
    ];
    const leaders = await perSecond((count) => pipelined(count, IN_FLIGHT, setOn(onLeader)));
    const followers = await perSecond((count) => pipelined(count, IN_FLIGHT, setOn(onFollower)));

    rows.push(
      { measure: `${name}: sets on the leader`, value: leaders, unit: '/s', atLeast: 15_000, runs: many },
      { measure: `${name}: sets on a follower`, value: followers, unit: '/s', atLeast: 15_000, runs: many },
    );
    for (const {
      what,
      sets = SETS,
      run,
      runs = `${RUNS} x ${sets} sets, ${IN_FLIGHT} in flight`,
      timesAtLeast,
    } of others) {
      const theirs = await perSecond(run, sets);

      rows.push({ measure: `${name}: ${what}`, value: theirs, unit: '/s', runs });
      rows.push(proportion(leaders / theirs, timesAtLeast));
    }

    return rows;
  } finally {
    grid.close();
  }
}

/** How the sets on the leader do against others. */
function proportion(times, atLeast) {
  const measure = '  the grid does, of that';

  return times < 1 ? { measure, value: times * 100, unit: '%' } : { measure, value: times, unit: 'times', atLeast };
}
