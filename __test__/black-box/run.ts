/** One run of a scenario: a grid that works, faults, healing, agreement, and what must add up. */
import { Grid, type GridConfig } from './grid';
import { violations } from './history';
import { NO_NOISE, type Noise } from './hub';
import { type Random, randomOf } from './random';
import type { Scenario } from './scenario';
import { scenarios } from './scenarios';

/** The options that a run picks from: the defaults, and short times. */
const CONFIGS: Record<string, GridConfig> = {
  default: {},
  quick: { electionTimeoutInMs: 1000, followerMaxIdleInMs: 400, heartbeatInMs: 40 },
};

/** The networks that a run picks from. What a scenario does to the network replaces this. */
const NETWORKS: Record<string, Noise> = {
  good: NO_NOISE,
  poor: { loss: 0.02, duplication: 0.05, jitterMs: 8, lateness: 0.005, lateMs: 1000 },
};

/** The pauses between operations that a run picks from, against those of the workload. */
const PAUSES = { light: 1, heavy: 0.15 };

export interface Run {
  readonly scenario: string;
  readonly seed: number;
  /** What it was, in one line. */
  readonly summary: string;
  /** What went wrong; empty if nothing did. */
  readonly violations: readonly string[];
  /** Holds the journals of the processes, if something went wrong. */
  readonly folder: string;
}

/** The scenario of this name. */
export function findScenario(name: string): Scenario {
  const scenario = scenarios.find((it) => it.name === name);

  if (!scenario) throw new Error(`no scenario ${name}; there are ${scenarios.map((it) => it.name).join(', ')}`);

  return scenario;
}

/** Runs a scenario with the choices of this seed. */
export async function runScenario(scenario: Scenario, seed: number): Promise<Run> {
  const random = randomOf(seed);
  const count = random.int(...scenario.peers);
  const [times, config] = random.pick(Object.entries(CONFIGS));
  const [network, noise] = random.pick(Object.entries(NETWORKS));
  const [load, pauses] = random.pick(Object.entries(PAUSES));
  const start = performance.now();
  const grid = await Grid.start(count, { ...config, ...scenario.config }, random);

  let found: readonly string[];

  try {
    grid.hub.noise = noise;
    grid.pauses = pauses;
    found = await play(scenario, grid, random);
  } finally {
    await grid.close();
  }

  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const setting = `${count} peers, ${times} times, ${network} network, ${load} load`;
  const summary = `${setting}: ${figures(grid)}, ${seconds} s`;

  if (found.length === 0) grid.forget();

  return { scenario: scenario.name, seed, summary, violations: found, folder: grid.folder };
}

/** What went wrong, and the command that repeats the choices of the run. */
export function describeFailure({ scenario, seed, folder, violations: lines }: Run): string {
  const command = `node scripts/black-box.mjs --scenario ${scenario} --seed ${seed}`;

  return `${lines.join('\n')}\n\nJournals: ${folder}\nTo repeat: ${command}`;
}

async function play(scenario: Scenario, grid: Grid, random: Random): Promise<string[]> {
  try {
    await grid.join();
    await grid.work();
    await grid.progress();

    await scenario.run(grid, random);
    grid.hub.heal();
    await grid.progress();
    await grid.rest();

    const end = await grid.agreement();

    return [...grid.accidents(), ...violations(grid.history(), end, grid.fork, scenario.mayReform)];
  } catch (error) {
    return [...grid.accidents(), error instanceof Error ? error.message : String(error)];
  }
}

function figures(grid: Grid): string {
  const { operations } = grid.history();
  const unknown = operations.filter(({ acknowledged }) => !acknowledged);

  return `${operations.length} operations, ${unknown.length} unknown`;
}
