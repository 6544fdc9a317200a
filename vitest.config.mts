import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const facade = fileURLToPath(new URL('facade', import.meta.url));

export default defineConfig({
  resolve: {
    // Tests import `hamok` as users do, and get the sources.
    alias: [
      { find: /^hamok(\/lib)?$/, replacement: `${facade}/index.ts` },
      { find: /^hamok\/lib\/(.+)$/, replacement: `${facade}/$1.ts` },
    ],
  },
  test: {
    include: ['__test__/**/*.test.ts'],
    // A process per file: a peer that a test forgot cannot keep another file's process alive.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
