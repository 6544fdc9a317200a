/** Five peers join at once. They are more than may vote then. */
import type { Scenario } from '../scenario';

export const fiveJoinAtOnce: Scenario = {
  name: 'five-join-at-once',
  peers: [3, 4],
  async run(grid) {
    await grid.join(await grid.startPeers(5));
    await grid.progress();
  },
};
