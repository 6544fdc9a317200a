// npm run demo [-- arguments]: the example, from a fresh clone on.
import { argv } from 'node:process';
import { prepare } from './prepare.mjs';
import { main, runNode } from './run.mjs';

main(async () => {
  await prepare();
  const { code } = await runNode('examples/demo.mjs', argv.slice(2));
  return code;
});
