/**
 * All peers but one are killed at once, and as many new ones come. No majority is left that could take them in: the one
 * that survived has to form the grid anew, with what it has.
 */
import type { Scenario } from '../scenario';

export const allButOneKilled: Scenario = {
  name: 'all-but-one-killed',
  peers: [3, 5],
  config: { quorumLoss: 'reform' },
  async run(grid, random) {
    await grid.settled();

    const [survivor, ...victims] = random.shuffled(grid.live);

    if (!survivor) throw new Error('nobody is left');
    await Promise.all(victims.map((victim) => victim.kill()));

    await grid.goesOnWith(survivor);
    await grid.join(await grid.startPeers(victims.length));
    await grid.progress();
  },
};
