/** Event loops are blocked, as by a long computation: the engine runs on, but nothing goes in or out. */
import type { Scenario } from '../scenario';

export const eventLoopBlocked: Scenario = {
  name: 'event-loop-blocked',
  peers: [3, 5],
  // Who was missed for long comes back without a vote at first. If another of three is blocked before it has one, for longer
  // than a silent majority is waited for, the one that is left goes on: it has all that was acknowledged.
  mayReform: true,
  async run(grid, random) {
    for (let round = random.int(1, 3); round > 0; round--) {
      const leader = await grid.settled();
      const victims = [random.chance(0.6) ? leader : random.pick(grid.live)];

      // Sometimes a second one, and then there may be no majority for a while.
      if (random.chance(0.3)) victims.push(random.pick(grid.live.filter((peer) => peer !== victims[0])));
      await Promise.all(victims.map((victim) => victim.block(random.int(500, 5000))));
    }
  },
};
