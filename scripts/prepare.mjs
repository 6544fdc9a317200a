// Brings a checkout, even a fresh clone, to the point where it runs: dependencies, lib/ and the native library. Each
// step first looks whether there is anything to do, so it may be called every time.
//
//   node scripts/prepare.mjs [facade | native] [--release]
//
// Everything is reported on stderr: `npm pack --json`, which comes here too, owns stdout.
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Failure, main, root, run, runCargo, runNode } from './run.mjs';
import { writeDeepTypes } from './types/deep-paths.mjs';

const LIBRARY_EXTENSIONS = ['.so', '.dylib', '.dll'];

/** Of everything that is compiled to be tested: what has other features than the rest would be compiled once more. */
export const TEST_FEATURES = ['--features', 'test-util'];

export async function prepare({ release = false, only } = {}) {
  if (only !== 'native') {
    await installDependencies();
    await buildFacade();
  }
  if (only !== 'facade') await buildNative({ release });
}

export async function installDependencies() {
  if (changedAt('node_modules/.package-lock.json') >= changedAt('package-lock.json')) return;
  report('installing dependencies');
  // Inside of `npm test` this names the npm that is running.
  const npm = process.env.npm_execpath;
  const { code } = npm?.endsWith('npm-cli.js')
    ? await run(process.execPath, [npm, 'ci'], { stdout: 'stderr' })
    : await run('npm', ['ci'], { stdout: 'stderr', shell: process.platform === 'win32' });
  if (code !== 0) throw new Failure('npm ci failed: the dependencies of hamok could not be installed');
}

export async function buildFacade() {
  const inputs = ['facade', 'index.d.ts', 'scripts/types', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  if (changedAt('lib/index.js') > Math.max(...inputs.map(newestIn))) return;
  report('compiling facade/ to lib/');
  const start = new Date();
  const tsc = 'node_modules/typescript/bin/tsc';
  const { code } = await runNode(tsc, ['-p', 'tsconfig.build.json'], { stdout: 'stderr' });
  if (code !== 0) throw new Failure('facade/ does not compile');
  removeOlderThan(start, join(root, 'lib'));
  writeDeepTypes(root);
  // What was saved while tsc ran must count as newer.
  utimesSync(join(root, 'lib/index.js'), start, start);
}

export async function buildNative({ release = false } = {}) {
  report(`building the native library${release ? ' for release' : ''}`);
  const options = release ? ['--profile', 'release'] : ['--profile', 'addon', ...TEST_FEATURES];
  install(await compileNative(options), join(root, libraryFileName()));
}

/**
 * Gives the file of the library. The simulation is compiled with a hamok of its own, whose features differ, and cargo keeps
 * both libraries under one name: what it finds there later, and takes for fresh, may be the other one. So the time of the
 * right one is noted beside it.
 */
async function compileNative(options) {
  // Alone: together with other packages of the workspace it would have features that only they need.
  const args = ['build', '-p', 'hamok', '--lib', ...options, '--message-format', 'json-render-diagnostics'];
  const { code, text } = await runCargo(args, { stdout: 'keep' });
  if (code !== 0) throw new Failure('the native library does not build');

  const { file, fresh } = libraryIn(text);
  const compiled = join(dirname(file), 'deps', basename(file));
  const note = `${file}.time`;
  const time = String(changedAtMs(compiled));

  if (!fresh) writeFileSync(note, time);
  else if (existsSync(compiled) && !(existsSync(note) && readFileSync(note, 'utf8') === time)) {
    // Without it, cargo makes it anew.
    rmSync(compiled);
    return compileNative(options);
  }
  return file;
}

/** The native library of this machine, under the name that facade/binding/platform.ts looks for. */
export function libraryFileName() {
  const { arch, platform } = process;
  const linuxAbi = () => (process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl');
  const abi = platform === 'linux' ? linuxAbi() : platform === 'win32' ? '-msvc' : '';
  return `hamok.${platform}-${arch}${abi}.node`;
}

/** Cargo says where its library is, whatever the target folder is and however the platform names libraries. */
function libraryIn(cargoMessages) {
  const artifact = cargoMessages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .find(({ reason, target }) => reason === 'compiler-artifact' && target.kind.includes('cdylib'));
  const file = artifact?.filenames.find((name) => LIBRARY_EXTENSIONS.includes(extname(name)));
  if (!file) throw new Failure('cargo made no dynamic library: is cdylib missing from crate-type in Cargo.toml?');
  return { file, fresh: artifact.fresh };
}

/** The copy keeps the time of its original: so a debug build replaces a release build, and a current one stays. */
function install(library, target) {
  const wanted = statSync(library);
  const present = statSync(target, { throwIfNoEntry: false });
  if (present?.size === wanted.size && Math.abs(present.mtimeMs - wanted.mtimeMs) < 1) return;
  // Overwritten in place it would crash the processes that have it mapped.
  const copy = `${target}.${process.pid}`;
  copyFileSync(library, copy);
  utimesSync(copy, wanted.atimeMs / 1000, wanted.mtimeMs / 1000);
  renameSync(copy, target);
}

function changedAt(path) {
  return changedAtMs(join(root, path));
}

/** 0: there is no such file. */
function changedAtMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Folders count themselves, because a file that was removed shows only there. */
function newestIn(path) {
  if (!statSync(join(root, path)).isDirectory()) return changedAt(path);
  return Math.max(changedAt(path), ...readdirSync(join(root, path)).map((name) => newestIn(join(path, name))));
}

/** tsc writes all files of a build: an older one belongs to a source that is gone. */
function removeOlderThan(start, folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOlderThan(start, path);
    else if (statSync(path).mtimeMs < start.getTime()) rmSync(path);
  }
}

function report(text) {
  console.error(`── ${text}`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const only = argv.find((argument) => argument === 'facade' || argument === 'native');
  main(() => prepare({ only, release: argv.includes('--release') }));
}
