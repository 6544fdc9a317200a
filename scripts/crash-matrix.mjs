// node scripts/crash-matrix.mjs [--cycles N] [--seed N] [--store redis|postgres]: the cycles of __test__/crash-matrix/, as
// many as you like. It stops at the first violation, and prints the command that repeats it.
import { argv } from 'node:process';
import { buildFacade } from './prepare.mjs';
import { main } from './run.mjs';
import './typescript.mjs';

main(async () => {
  await buildFacade();
  const command = await import('../__test__/crash-matrix/command.ts');
  return command.main(argv.slice(2));
});
