/**
 * Leaders are killed at five points on the way of a batch, alone or with all others, and frozen; store servers are killed.
 * On a real Redis and a real Postgres: no acknowledged operation is lost, none is out of order, none is carried out twice,
 * and no leader that was replaced overwrites anything.
 *
 * For more cycles: node scripts/crash-matrix.mjs
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { describeFailure, ROUND, runRound, STORES } from './round';

const LIMIT_MS = 300_000;

const firstSeed = Number(process.env.HAMOK_SEED ?? Date.now() % 0x100000000);

beforeAll(compileFacade);

describe.concurrent('every operation takes effect once and in its place', () => {
  it.each(STORES.map((kind, number) => ({ kind, seed: firstSeed + number })))(
    `after ${ROUND} crashes on $kind`,
    async ({ kind, seed }) => {
      const round = await runRound(kind, seed);

      console.info(`${kind}, seed ${seed}: ${round.summary}`);
      if (round.violations.length > 0) expect.fail(describeFailure(round));
    },
    LIMIT_MS,
  );
});
