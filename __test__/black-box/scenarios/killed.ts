/** Peers are killed, and new ones come under new ids. A majority is there all the time. */
import type { Grid } from '../grid';
import type { Random } from '../random';
import type { Scenario } from '../scenario';

async function replaceKilled(grid: Grid, random: Random, which: 'leader' | 'follower'): Promise<void> {
  for (let round = random.int(1, 2); round > 0; round--) {
    const leader = await grid.settled();
    const followers = grid.live.filter((peer) => peer !== leader);
    const victim = which === 'leader' ? leader : random.pick(followers);

    await victim.kill();
    // Before the grid has missed the old one, or when it goes on without it.
    if (random.chance(0.5)) await grid.progress();
    await grid.join(await grid.startPeers(1));
    await grid.progress();
  }
}

export const followerKilled: Scenario = {
  name: 'follower-killed',
  peers: [3, 5],
  run: (grid, random) => replaceKilled(grid, random, 'follower'),
};

export const leaderKilled: Scenario = {
  name: 'leader-killed',
  peers: [3, 5],
  run: (grid, random) => replaceKilled(grid, random, 'leader'),
};
