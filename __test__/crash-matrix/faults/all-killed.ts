/** The leader dies at a point and all others with it, and fresh processes begin a new grid on the same store. */
import type { Fault } from '../fault';
import { POINTS, type Point } from '../matrix-grid';

function allKilled(point: Point): Fault {
  return {
    name: `all die: ${point}`,
    async run(matrix) {
      const { peers, live } = matrix.grid;
      const leader = await matrix.leaderDiesAt(point);
      const others = live.filter((peer) => peer !== leader);

      await Promise.all(others.map((peer) => peer.kill()));
      await matrix.replace(peers.filter((peer) => peer === leader || others.includes(peer)));
    },
  };
}

export const allKilledAt: readonly Fault[] = POINTS.map(allKilled);
