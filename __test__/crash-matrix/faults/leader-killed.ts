/** The leader dies at a point, and a fresh process takes its place. */
import type { Fault } from '../fault';
import { POINTS, type Point } from '../matrix-grid';

function leaderKilled(point: Point): Fault {
  return {
    name: `leader dies: ${point}`,
    async run(matrix) {
      await matrix.replace([await matrix.leaderDiesAt(point)]);
    },
  };
}

export const leaderKilledAt: readonly Fault[] = POINTS.map(leaderKilled);
