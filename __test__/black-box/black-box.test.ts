/**
 * Whole grids of processes, with faults from outside: each scenario once, two at a time. What each process was told is in
 * its journal; at the end all peers must agree, and the journals must add up to what they have.
 *
 * For more than once: node scripts/black-box.mjs
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { createPool } from './pool';
import { describeFailure, runScenario } from './run';
import { scenarios } from './scenarios';

/** For all of them: a test's own time begins while it waits for its turn. */
const LIMIT_MS = 300_000;

const firstSeed = Number(process.env.HAMOK_SEED ?? Date.now() % 0x100000000);
const inTurn = createPool(2);

beforeAll(compileFacade);

describe.concurrent('nothing acknowledged is lost, and nothing happens twice:', () => {
  it.each(scenarios.map((scenario, number) => ({ scenario, name: scenario.name, seed: firstSeed + number })))(
    '$name',
    async ({ scenario, seed }) => {
      const run = await inTurn(() => runScenario(scenario, seed));

      console.info(`${run.scenario}, seed ${seed}: ${run.summary}`);
      if (run.violations.length > 0) expect.fail(describeFailure(run));
    },
    LIMIT_MS,
  );
});
