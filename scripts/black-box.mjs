// node scripts/black-box.mjs [--runs N] [--seed N] [--scenario NAME]: random scenarios of __test__/black-box/, as long as
// you like. It stops at the first violation, and prints the command that repeats it.
import { argv } from 'node:process';
import { buildFacade } from './prepare.mjs';
import { main } from './run.mjs';
import './typescript.mjs';

main(async () => {
  await buildFacade();
  const command = await import('../__test__/black-box/command.ts');
  return command.main(argv.slice(2));
});
