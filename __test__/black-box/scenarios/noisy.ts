/** Messages get lost, arrive twice, and arrive after others that were sent later, some of them very late. */
import type { Scenario } from '../scenario';

export const noisyNetwork: Scenario = {
  name: 'noisy-network',
  peers: [3, 5],
  async run(grid, random) {
    for (let round = random.int(1, 3); round > 0; round--) {
      grid.hub.noise = {
        loss: random.pick([0, 0.02, 0.1, 0.2]),
        duplication: random.pick([0, 0.1, 0.5]),
        jitterMs: random.pick([0, 10, 60]),
        lateness: random.pick([0, 0.02, 0.05]),
        lateMs: 3000,
      };
      await grid.progress();
    }
  },
};
