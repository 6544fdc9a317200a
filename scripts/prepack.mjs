// What npm runs before it packs. A checkout is packed with the native library of this machine, so that the tarball
// works by itself on machines of this kind. A release carries none: `napi prepublish` has then published the platform
// packages and named them in optionalDependencies (see npm/README.md).
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepare } from './prepare.mjs';
import { main, root } from './run.mjs';

main(async () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const released = optionalDependencies !== undefined;
  if (released) {
    for (const file of readdirSync(root).filter((name) => name.endsWith('.node'))) rmSync(join(root, file));
  }
  await prepare(released ? { only: 'facade' } : { release: true });
});
