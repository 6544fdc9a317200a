/** A process stands still, by SIGSTOP, and goes on as if nothing had been: its clock jumps, and all that was sent comes. */
import type { Scenario } from '../scenario';

export const processFrozen: Scenario = {
  name: 'process-frozen',
  peers: [3, 5],
  async run(grid, random) {
    const leader = await grid.settled();
    const victim = random.chance(0.6) ? leader : random.pick(grid.live);
    const others = grid.live.filter((peer) => peer !== victim);
    const frozen = victim.freeze(random.int(500, 10_000));

    await grid.progress(others);
    await frozen;
  },
};
