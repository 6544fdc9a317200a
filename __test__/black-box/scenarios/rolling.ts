/** A deployment: every peer is replaced by a new one, one after the other, and leaves as a service does that is stopped. */
import type { Grid } from '../grid';
import type { Random } from '../random';
import type { Scenario } from '../scenario';

async function replaceAll(grid: Grid, random: Random, order: 'join-first' | 'leave-first'): Promise<void> {
  for (const old of random.shuffled(grid.live)) {
    const join = async () => grid.join(await grid.startPeers(1));

    if (order === 'join-first') await join();
    await old.leave();
    if (order === 'leave-first') await join();
    // A deployment waits for a sign that the new one is well.
    await grid.settled();
  }
}

export const rollingJoinFirst: Scenario = {
  name: 'rolling-join-first',
  peers: [3, 5],
  run: (grid, random) => replaceAll(grid, random, 'join-first'),
};

export const rollingLeaveFirst: Scenario = {
  name: 'rolling-leave-first',
  peers: [3, 5],
  run: (grid, random) => replaceAll(grid, random, 'leave-first'),
};
