/** The examples in a project that has the package from npm: the one line that imports it is another there. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { examplesFolder, run } from './run';

const root = join(examplesFolder, '..');
const files = readdirSync(examplesFolder).filter((file) => file.endsWith('.mjs'));

let folder: string;

beforeAll(async () => {
  await compileFacade();
  folder = mkdtempSync(join(tmpdir(), 'hamok-examples-'));
  mkdirSync(join(folder, 'node_modules'));
  // What a user gets with `npm install`.
  symlinkSync(root, join(folder, 'node_modules', 'hamok'), 'junction');
  symlinkSync(join(root, 'node_modules', 'ioredis'), join(folder, 'node_modules', 'ioredis'), 'junction');
  for (const file of files) {
    const source = readFileSync(join(examplesFolder, file), 'utf8');
    writeFileSync(join(folder, file), source.replace("from '../index.js'", "from 'hamok'"));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('they take nothing else from outside their folder', () => {
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8'), file).not.toContain("'../");
});

it.each([
  ['request-response', "Not there: nobody responds to 'sing'"],
  ['graceful-shutdown', '12 jobs, 12 started, 12 done'],
])('%s does there what it does here', async (example, text) => {
  const { code, stdout, stderr } = await run(example, { folder });

  expect(stderr).toBe('');
  expect(stdout).toContain(text);
  expect(code).toBe(0);
});
