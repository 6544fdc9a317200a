/** The network falls into two parts. The larger one goes on; the other one waits, and comes back. */
import type { Grid } from '../grid';
import type { Random } from '../random';
import type { Scenario } from '../scenario';
import { pauseMs } from '../until';

async function partition(grid: Grid, random: Random, leaderIn: 'minority' | 'majority'): Promise<void> {
  const leader = await grid.settled();
  const followers = random.shuffled(grid.live.filter((peer) => peer !== leader));
  const size = random.int(1, Math.floor((grid.live.length - 1) / 2));
  const minority = leaderIn === 'minority' ? [leader, ...followers.slice(0, size - 1)] : followers.slice(0, size);
  const majority = grid.live.filter((peer) => !minority.includes(peer));

  grid.hub.partition(
    minority.map(({ peerId }) => peerId),
    majority.map(({ peerId }) => peerId),
  );
  await Promise.all([grid.progress(majority), pauseMs(random.int(500, 6000))]);
}

export const leaderInMinority: Scenario = {
  name: 'leader-in-minority',
  peers: [3, 5],
  run: (grid, random) => partition(grid, random, 'minority'),
};

export const leaderInMajority: Scenario = {
  name: 'leader-in-majority',
  peers: [3, 5],
  run: (grid, random) => partition(grid, random, 'majority'),
};
