/**
 * One round: a grid that works on a store, one fault after the other, and in the end what everybody has written down must
 * add up to what is in the store. A seed chooses the faults, their order, and the batches that they hit.
 */
import { type Random, randomOf } from '../black-box/random';
import { type StoreServer, startStoreServer } from '../stores/support/StoreServer';
import type { Fault } from './fault';
import { faults } from './faults';
import type { History } from './history';
import { MatrixGrid } from './matrix-grid';
import { violations } from './violations';

export type StoreKind = StoreServer['kind'];

export const STORES: readonly StoreKind[] = ['redis', 'postgres'];

/** Cycles of a round: each fault once, or twice. */
export const ROUND = faults.length;

/** The pauses between operations that a round picks from, against those of the workload. */
const PAUSES = { light: 2, heavy: 0.5 };

export interface Round {
  readonly kind: StoreKind;
  readonly seed: number;
  readonly cycles: number;
  /** What it was, in one line. */
  readonly summary: string;
  /** What went wrong; empty if nothing did. */
  readonly violations: readonly string[];
  /** Holds the journals of the processes, if something went wrong. */
  readonly folder: string;
}

export async function runRound(kind: StoreKind, seed: number, cycles: number = ROUND): Promise<Round> {
  const random = randomOf(seed);
  const start = performance.now();
  const server = await startStoreServer(kind);
  const [load, pauses] = random.pick(Object.entries(PAUSES));

  try {
    const matrix = await MatrixGrid.start(server, 'matrix', random, pauses);
    let found: readonly string[];

    try {
      found = await play(matrix, random, chosen(random, cycles));
    } finally {
      await matrix.grid.close();
    }

    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const summary = `${cycles} cycles, ${load} load: ${figures(matrix.history())}, ${seconds} s`;

    if (found.length === 0) matrix.grid.forget();

    return { kind, seed, cycles, summary, violations: found, folder: matrix.grid.folder };
  } finally {
    await server.stop();
  }
}

/** What went wrong, and the command that repeats the choices of the round. */
export function describeFailure({ kind, seed, cycles, folder, violations: lines }: Round): string {
  const command = `node scripts/crash-matrix.mjs --store ${kind} --seed ${seed} --cycles ${cycles}`;

  return `${lines.join('\n')}\n\nJournals: ${folder}\nTo repeat: ${command}`;
}

/** Each fault as often as there is time for. */
function chosen(random: Random, cycles: number): Fault[] {
  const rounds = Array.from({ length: Math.ceil(cycles / ROUND) }, () => random.shuffled(faults));

  return rounds.flat().slice(0, cycles);
}

async function play(matrix: MatrixGrid, random: Random, list: readonly Fault[]): Promise<string[]> {
  let fault: Fault | undefined;

  try {
    await matrix.grid.progress();
    for (fault of list) {
      await fault.run(matrix, random);
      await matrix.grid.progress();
    }
    await matrix.grid.rest();

    return [...matrix.grid.accidents(), ...violations(matrix.history(), await matrix.content())];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);

    return [...matrix.grid.accidents(), `${fault?.name}: ${text}`];
  }
}

function figures({ calls, batches }: History): string {
  const unknown = calls.filter(({ acknowledged }) => !acknowledged).length;
  const answers = batches.flatMap((batch) => batch.answers ?? []);
  const repeated = answers.filter((answer) => answer.repeated).length;
  const refused = answers.filter(({ status }) => status === 'refused').length;
  const largest = Math.max(0, ...batches.map(({ operations }) => operations.length));

  return `${calls.length} calls, ${unknown} unknown; ${batches.length} batches of up to ${largest}, ${repeated} operations known again, ${refused} refused`;
}
