/** What a scenario is: faults from outside on a grid of processes that work. */
import type { Grid, GridConfig } from './grid';
import type { Random } from './random';

export interface Scenario {
  /** Says what happens; what is promised of it is in history.ts. */
  readonly name: string;
  /** The fewest and the most processes that it begins with. */
  readonly peers: readonly [fewest: number, most: number];
  /** Whether the grid may go on by a reform. What was acknowledged is not lost all the same. Default: no. */
  readonly mayReform?: boolean;
  /** Options of all peers, over those that the run chooses. */
  readonly config?: GridConfig;
  /**
   * Breaks things. The grid has joined and works. Whatever is still broken at the end is healed then, and the grid must
   * go on by itself.
   */
  run(grid: Grid, random: Random): Promise<void>;
}
