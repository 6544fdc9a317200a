import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { Sequence } from './__test__/support/Sequence';

const facade = fileURLToPath(new URL('facade', import.meta.url));

const AVAILABILITY = ['__test__/black-box/availability.test.ts'];

const resolve = {
  // Tests import `hamok` as users do, and get the sources.
  alias: [
    { find: /^hamok(\/lib)?$/, replacement: `${facade}/index.ts` },
    { find: /^hamok\/lib\/(.+)$/, replacement: `${facade}/$1.ts` },
  ],
};

/** A process per file: a peer that a test forgot cannot keep another file's process alive. */
const processes = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  test: {
    // By default vitest leaves a core to itself, which of two is one too many.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: Sequence },
    projects: [
      {
        resolve,
        test: {
          ...processes,
          name: 'facade',
          include: ['__test__/**/*.test.ts'],
          exclude: ['__test__/package/**', ...AVAILABILITY],
        },
      },
      {
        // Promises times that a busy machine cannot keep: run when the others are done.
        resolve,
        test: { ...processes, name: 'availability', include: AVAILABILITY },
      },
      {
        // Nothing is imported here: users' programs run on the package as npm installs it.
        test: {
          name: 'package',
          include: ['__test__/package/*.test.ts'],
          globalSetup: '__test__/package/support/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
