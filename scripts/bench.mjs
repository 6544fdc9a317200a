// npm run bench [-- arguments]: measures a release build, because nothing else says anything about speed.
import { argv } from 'node:process';
import { prepare } from './prepare.mjs';
import { main, runNode } from './run.mjs';

main(async () => {
  await prepare({ release: true });
  const { code } = await runNode('bench/run.mjs', argv.slice(2));
  return code;
});
