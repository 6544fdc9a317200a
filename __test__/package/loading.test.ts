/** The package, installed from its tarball and loaded in all the ways that Node.js has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { deepPaths } from './support/deep-paths';
import { root } from './support/projects';
import { report } from './support/run';

const project = inject('plainProject');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What is in the package, without the native libraries. */
const CONTENT = ['CHANGELOG.md', 'LICENSE', 'README.md', 'index.d.ts', 'index.js', 'lib', 'package.json'];

describe('the tarball', () => {
  it('has what users need, and nothing else', () => {
    const files = readdirSync(join(project, 'node_modules', 'hamok'));

    expect(files.filter((name) => !name.endsWith('.node')).sort()).toEqual(CONTENT);
  });

  it('has types for the root and for the paths that users import, and for nothing else', () => {
    const folder = join(project, 'node_modules', 'hamok');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const types = files.filter((name) => name.endsWith('.d.ts')).map((name) => name.replaceAll('\\', '/'));
    const paths = deepPaths.map(({ path }) => (path === 'lib' ? 'lib/index' : path));

    expect(types.sort()).toEqual(['index', ...paths].map((path) => `${path}.d.ts`).sort());
  });
});

describe('a program that ends its peers ends by itself', () => {
  it.each([
    ['CommonJS, leave()', 'require.cjs', 'leave'],
    ['CommonJS, close()', 'require.cjs', 'close'],
    ['ES module, leave()', 'import.mjs', 'leave'],
    ['ES module, close()', 'import.mjs', 'close'],
  ])('%s', async (_, program, end) => {
    const all = { a: 0, b: 1, c: 2 };

    expect(await report(project, [program, end])).toEqual({
      contents: [all, all, all],
      leaders: 1,
      states: ['empty', 'empty', 'empty'],
    });
  });
});

describe('the root', () => {
  it('is the same for require, for the default import and for named imports', async () => {
    expect(await report(project, ['root-import.mjs'])).toEqual({ default: true, missing: [] });
  });

  it('lets its package.json be read', async () => {
    expect(await report(project, ['manifest.mjs'])).toEqual([version, version]);
  });
});

describe('deep imports', () => {
  /** What the table says of each path, with an ending. */
  const expected = (ending: (path: string) => string) =>
    deepPaths.map(({ path, values }) => ({
      path: path + ending(path),
      names: expect.arrayContaining([...values]),
      others: [],
    }));
  const file = (path: string) => (path === 'lib' ? '/index.js' : '.js');

  it.each([
    ['require without an ending', 'deep-require.cjs', () => ''],
    ['require of files', 'deep-require.cjs', file],
    ['import of files', 'deep-import.mjs', file],
  ])('%s', async (_, program, ending) => {
    const paths = deepPaths.map(({ path }) => path + ending(path));

    expect(await report(project, [program, ...paths])).toEqual(expected(ending));
  });
});
