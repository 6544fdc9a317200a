/** What scripts/crash-matrix.mjs runs. */
import { parseArgs } from 'node:util';
import { describeFailure, ROUND, runRound, STORES, type StoreKind } from './round';

const USAGE = `usage: node scripts/crash-matrix.mjs [--cycles N] [--seed N] [--store ${STORES.join('|')}]
Kills and freezes leaders, peers and store servers so many times, in rounds of up to ${ROUND} cycles: each with the seed after
the one before, on one store after the other, up to the first violation.`;

/** Resolves with the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      cycles: { type: 'string', default: `${ROUND}` },
      seed: { type: 'string', default: `${Date.now() % 0x100000000}` },
      store: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const stores = STORES.filter((kind) => values.store === undefined || values.store === kind);

  if (values.help || stores.length === 0) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }

  const total = Number(values.cycles);

  for (let done = 0, number = 0; done < total; number++) {
    const seed = (Number(values.seed) + number) >>> 0;
    const round = await runRound(stores[number % stores.length] as StoreKind, seed, Math.min(ROUND, total - done));

    done += round.cycles;
    console.log(`${done} of ${total}: ${round.kind}, seed ${seed}: ${round.summary}`);
    if (round.violations.length > 0) {
      console.error(`\n${describeFailure(round)}`);
      return 1;
    }
  }

  return 0;
}
