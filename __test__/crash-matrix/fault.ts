/** What is done to a grid in one cycle. Afterwards it must go on by itself. */
import type { Random } from '../black-box/random';
import type { MatrixGrid } from './matrix-grid';

export interface Fault {
  readonly name: string;
  run(matrix: MatrixGrid, random: Random): Promise<void>;
}
