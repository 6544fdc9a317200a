// How long one caller waits for one set, awaiting each before the next.
import { Grid } from './grid.mjs';
import { latency, medians } from './measure.mjs';

const RUNS = 5;
const WARM_UP = 300;
const SETS = 500;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const [onLeader, onFollower] = peers.map((peer) => peer.createMap({ mapId: 'latency' }));
  const of = async (map) => {
    const set = (index) => map.set(`key-${index}`, `value-${index}`);
    await latency(WARM_UP, set);
    return medians(RUNS, () => latency(SETS, set));
  };
  const leader = await of(onLeader);
  const follower = await of(onFollower);
  grid.close();

  const runs = `${RUNS} x ${SETS} sets`;
  return [
    { measure: 'set on the leader, p50', value: leader.p50, unit: 'ms', atMost: 2, old: 101, runs },
    { measure: 'set on the leader, p99', value: leader.p99, unit: 'ms', runs },
    { measure: 'set on a follower, p50', value: follower.p50, unit: 'ms', atMost: 4, old: 202, runs },
    { measure: 'set on a follower, p99', value: follower.p99, unit: 'ms', runs },
  ];
}
