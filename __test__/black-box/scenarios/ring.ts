/** Each peer reaches only its two neighbours: some hear a leader that others do not. */
import type { Scenario } from '../scenario';
import { pauseMs } from '../until';

export const ring: Scenario = {
  name: 'ring',
  peers: [4, 5],
  async run(grid, random) {
    grid.hub.ring(random.shuffled(grid.live.map(({ peerId }) => peerId)));
    await pauseMs(random.int(500, 6000));
  },
};
