/** A process is killed and at once started again under its old peer id, as the pod of a stateful set. */
import type { Scenario } from '../scenario';

export const restartedUnderSameId: Scenario = {
  name: 'restarted-under-same-id',
  peers: [3, 5],
  async run(grid, random) {
    for (let round = random.int(1, 2); round > 0; round--) {
      const leader = await grid.settled();
      const victim = random.chance(0.5) ? leader : random.pick(grid.live);

      await victim.kill();
      await grid.join([await grid.startPeer(victim.peerId)]);
      await grid.progress();
    }
  },
};
