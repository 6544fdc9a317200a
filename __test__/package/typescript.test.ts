/**
 * A user's program in TypeScript, and an import of everything of every path, compiled against the types in the package
 * with `strict` and without `skipLibCheck`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { deepPaths } from './support/deep-paths';
import { createProject, ownVersion } from './support/projects';
import { report, runNode } from './support/run';

const packed = inject('packed');
const OPTIONS = '--strict --skipLibCheck false --target ES2022 --lib ES2022 --types node'.split(' ');

/** The oldest compiler for which the types are, that of this repository, and the newest. */
const compilers: Readonly<Record<string, string>> = {
  oldest: 'npm:typescript@~5.0.4',
  own: `npm:typescript@${ownVersion('typescript')}`,
  newest: 'npm:typescript@^7',
};

interface Resolution {
  readonly options: readonly string[];
  /** Endings of the program's file. */
  readonly files: readonly string[];
  /** Whether Node.js runs what comes out: a bundler would have to come first otherwise. */
  readonly runs: boolean;
  readonly compilers: readonly string[];
}

const resolutions: Readonly<Record<string, Resolution>> = {
  node: {
    options: ['--module', 'CommonJS', '--moduleResolution', 'Node'],
    files: ['ts'],
    runs: true,
    // No longer in the newest.
    compilers: ['oldest', 'own'],
  },
  node16: {
    options: ['--module', 'Node16', '--moduleResolution', 'Node16'],
    files: ['cts', 'mts'],
    runs: true,
    compilers: ['oldest', 'own', 'newest'],
  },
  bundler: {
    options: ['--module', 'ESNext', '--moduleResolution', 'Bundler'],
    files: ['ts'],
    runs: false,
    compilers: ['oldest', 'own', 'newest'],
  },
};

let project: string;

beforeAll(async () => {
  const dependencies = { ...compilers, '@types/node': ownVersion('@types/node') };

  project = await createProject(packed, 'typescript', { dependencies, fixtures: ['typescript'] });
  for (const ending of ['ts', 'cts', 'mts']) writeSources(ending);
});

describe.each(Object.entries(resolutions))('moduleResolution %s', (name, { options, files, runs, compilers }) => {
  it.each(compilers)('compiles with the %s TypeScript', async (compiler) => {
    const sources = files.flatMap((ending) => sourcesOf(ending));
    const out = `${name}-${compiler}`;
    const tsc = `node_modules/${compiler}/bin/tsc`;
    const { code, output } = await runNode(project, [tsc, ...OPTIONS, ...options, '--outDir', out, ...sources]);

    expect(output).toBe('');
    expect(code).toBe(0);
    if (!runs) return;
    for (const ending of files) {
      const lines = [null, null, 1, ['lobby of ADA'], 1, 'ben', 'here', 'CLOSED'];

      expect(await report(project, [`${out}/user.${ending.replace('ts', 'js')}`])).toEqual(lines);
    }
  });
});

/** The sources with this ending. In an ES module a path names a file. */
function sourcesOf(ending: string): string[] {
  return ['user', ...deepPaths.map((_, index) => `deep-${index}`)].map((name) => `${name}.${ending}`);
}

function writeSources(ending: string): void {
  const file = (path: string) => (path === 'lib' ? 'lib/index.js' : `${path}.js`);
  const specifier = (path: string) => `'hamok/${ending === 'mts' ? file(path) : path}'`;
  const write = (name: string, text: string) => writeFileSync(join(project, `${name}.${ending}`), text);
  const user = readFileSync(join(project, 'user.ts'), 'utf8');

  write(
    'user',
    user.replace(/'hamok\/(.+)'/g, (_, path) => specifier(path)),
  );
  for (const [index, { path, values, types }] of deepPaths.entries()) {
    const names = [...values, ...types.map((type) => `type ${type}`)];

    write(`deep-${index}`, `export { ${names.join(', ')} } from ${specifier(path)};\n`);
  }
}
