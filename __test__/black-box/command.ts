/** What scripts/black-box.mjs runs. */
import { parseArgs } from 'node:util';
import { randomOf } from './random';
import { describeFailure, findScenario, runScenario } from './run';
import type { Scenario } from './scenario';
import { scenarios } from './scenarios';

const USAGE = `usage: node scripts/black-box.mjs [--runs N] [--seed N] [--scenario NAME]…
Runs random scenarios, or those that are named, in turn: each with the seed after the one before, up to the first violation.
scenarios: ${scenarios.map(({ name }) => name).join(', ')}`;

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '1' },
      seed: { type: 'string', default: `${Date.now() % 0x100000000}` },
      scenario: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
  });

  if (values.help) {
    console.log(USAGE);
    return 0;
  }

  const named = values.scenario?.map(findScenario);

  for (let number = 0; number < Number(values.runs); number++) {
    const seed = (Number(values.seed) + number) >>> 0;
    const scenario = named ? named[number % named.length] : randomOf(seed ^ 0xffffffff).pick(scenarios);
    const run = await runScenario(scenario as Scenario, seed);

    console.log(`${number + 1}: ${run.scenario}, seed ${seed}: ${run.summary}`);
    if (run.violations.length > 0) {
      console.error(`\n${describeFailure(run)}`);
      return 1;
    }
  }

  return 0;
}
