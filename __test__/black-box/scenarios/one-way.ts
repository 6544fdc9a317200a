/** Messages go one way and not the other. All others hear each other, and go on, whatever the leader takes itself for. */
import type { Grid } from '../grid';
import type { PeerProcess } from '../peer-process';
import type { Random } from '../random';
import type { Scenario } from '../scenario';
import { pauseMs } from '../until';

async function cut(grid: Grid, random: Random, victim: PeerProcess, way: 'deaf' | 'mute'): Promise<void> {
  const others = grid.live.filter((peer) => peer !== victim);
  const otherIds = others.map(({ peerId }) => peerId);

  if (way === 'deaf') grid.hub.cutOneWay(otherIds, [victim.peerId]);
  else grid.hub.cutOneWay([victim.peerId], otherIds);
  await Promise.all([grid.progress(others), pauseMs(random.int(500, 6000))]);
}

export const leaderIsDeaf: Scenario = {
  name: 'leader-is-deaf',
  peers: [3, 5],
  run: async (grid, random) => cut(grid, random, await grid.settled(), 'deaf'),
};

export const leaderIsMute: Scenario = {
  name: 'leader-is-mute',
  peers: [3, 5],
  run: async (grid, random) => cut(grid, random, await grid.settled(), 'mute'),
};

export const followerIsDeafOrMute: Scenario = {
  name: 'follower-is-deaf-or-mute',
  peers: [3, 5],
  async run(grid, random) {
    const leader = await grid.settled();
    const followers = grid.live.filter((peer) => peer !== leader);

    await cut(grid, random, random.pick(followers), random.pick(['deaf', 'mute']));
  },
};

export const twoCutOneWay: Scenario = {
  name: 'two-cut-one-way',
  peers: [3, 5],
  async run(grid, random) {
    const [from, to] = random.shuffled(grid.live.map(({ peerId }) => peerId)) as [string, string];

    grid.hub.cutOneWay([from], [to]);
    await pauseMs(random.int(500, 6000));
  },
};
