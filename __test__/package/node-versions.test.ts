/** The versions of Node.js that the package is for, besides the one that runs the tests. Their programs come from npm. */
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { currentPlatform } from '../../facade/binding/platform';
import { createProject } from './support/projects';
import { report, run } from './support/run';

const { arch, platform } = process;
const [running] = process.versions.node.split('.');
const others = ['20', '22', '24'].filter((version) => version !== running);
/** There are none for Alpine. */
const hasPrograms = currentPlatform().libc !== 'musl';

let folder: string;

beforeAll(async () => {
  if (!hasPrograms) return;

  // What the npm package `node` would install with a script.
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const dependencies = Object.fromEntries(others.map((version) => [`node-${version}`, `npm:${name}@^${version}`]));

  folder = await createProject(inject('packed'), 'node-versions', { dependencies, fixtures: ['node'] });
});

describe.skipIf(!hasPrograms).each(others)('on Node.js %s', (version) => {
  const node = () => join(folder, 'node_modules', `node-${version}`, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  const all = { a: 0, b: 1, c: 2 };
  const worker = { exitCode: 0, equal: true };

  it('is what runs', async () => {
    const { stdout } = await run(node(), ['--version'], { cwd: folder });

    expect(stdout).toMatch(new RegExp(`^v${version}\\.`));
  });

  it.each([
    ['a CommonJS program', ['require.cjs', 'leave'], expect.objectContaining({ contents: [all, all, all] })],
    [
      'a CommonJS program that only closes',
      ['require.cjs', 'close'],
      expect.objectContaining({ contents: [all, all, all] }),
    ],
    ['an ES module', ['import.mjs', 'leave'], expect.objectContaining({ contents: [all, all, all] })],
    ['worker threads, one of them terminated', ['workers.cjs'], [worker, worker]],
  ])('%s works and ends by itself', async (_, program, result) => {
    expect(await report(folder, program, node())).toEqual(result);
  });
});
