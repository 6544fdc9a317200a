// How long writes wait when the leader is gone without a word: no farewell of it reaches anyone.
import { Grid } from './grid.mjs';
import { medians, timed } from './measure.mjs';

const RUNS = 5;

export async function measure() {
  const { ms } = await medians(RUNS, async () => {
    const { grid, peers } = await Grid.joined();
    const maps = peers.map((peer) => peer.createMap({ mapId: 'failover' }));
    await maps[1].set('before', true);

    const ms = await timed(async () => {
      grid.cut(peers[0]);
      peers[0].close();
      while (!(await acknowledged(maps[1]))) {}
    });
    grid.close();
    return { ms };
  });

  return [
    {
      measure: 'leader crashes: next write acknowledged',
      value: ms / 1000,
      unit: 's',
      atMost: 2,
      old: 11.6,
      runs: `${RUNS} grids`,
    },
  ];
}

/** A service would try again when its write is rejected. */
async function acknowledged(map) {
  try {
    await map.set('after', true);
    return true;
  } catch {
    return false;
  }
}
