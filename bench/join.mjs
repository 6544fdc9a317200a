// How long three peers that have never heard of each other take to form a grid.
import { Grid } from './grid.mjs';
import { medians, timed } from './measure.mjs';

const RUNS = 7;

export async function measure() {
  const { ms } = await medians(RUNS, async () => {
    const grid = new Grid();
    const peers = ['peer-1', 'peer-2', 'peer-3'].map((peerId) => grid.add(peerId));
    const ms = await timed(() => Promise.all(peers.map((peer) => peer.join())));
    grid.close();
    return { ms };
  });

  return [{ measure: 'three peers join', value: ms / 1000, unit: 's', atMost: 0.6, old: 9.9, runs: `${RUNS} grids` }];
}
