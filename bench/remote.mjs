// What a remote map costs over a store of the user's: the same for every store.
import { Grid } from './grid.mjs';
import { latency, medians, pipelined } from './measure.mjs';

const RUNS = 3;
const WARM_UP = 200;
const SETS = 500;
const PIPELINED = 10_000;
const IN_FLIGHT = 1_000;

/**
 * `createStore` makes the store object of one peer. `required` are the figures that the customer asked for, where he
 * did for this store; `old` those of the old package.
 */
export async function measureRemoteMap(name, createStore, { required = {}, old = {} }) {
  const { grid, peers } = await Grid.joined();
  const stores = await Promise.all(peers.map(createStore));
  const [onLeader, onFollower] = peers.map((peer, index) =>
    peer.createRemoteMap({ mapId: 'remote', remoteMap: stores[index] }),
  );
  const setOn = (map) => (index) => map.set(`key-${index}`, `value-${index}`);
  const setInStore = (index) => stores[0].set(`key-${index}`, `value-${index}`, () => {});
  const of = async (set) => {
    await latency(WARM_UP, set);
    return medians(RUNS, () => latency(SETS, set));
  };

  const alone = await of(setInStore);
  const leader = await of(setOn(onLeader));
  const follower = await of(setOn(onFollower));
  const run = () => pipelined(PIPELINED, IN_FLIGHT, setOn(onFollower));
  await run();
  const { perSecond } = await medians(RUNS, run);
  grid.close();

  const sets = `${RUNS} x ${SETS} sets`;
  return [
    { measure: `${name}: the store's own set, p50`, value: alone.p50 * 1000, unit: 'us', runs: sets },
    {
      measure: `${name}: set on the leader, p50`,
      value: leader.p50,
      unit: 'ms',
      atMost: required.p50,
      old: old.p50,
      runs: sets,
    },
    { measure: `${name}: set on a follower, p50`, value: follower.p50, unit: 'ms', atMost: required.p50, runs: sets },
    {
      measure: `${name}: sets pipelined on a follower`,
      value: perSecond,
      unit: '/s',
      atLeast: required.perSecond,
      old: old.perSecond,
      runs: `${RUNS} x ${PIPELINED} sets, ${IN_FLIGHT} in flight`,
    },
  ];
}
