/** Projects as users have them: folders outside of the repository, into which npm has installed the package. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));

/** Where npm gets what it installs from the registry for the first time. */
const INSTALL_LIMIT_MS = 150_000;

/** What was packed, and the folder in which everything happens. */
export interface Packed {
  readonly folder: string;
  readonly tarball: string;
}

/** What a project has besides the package. */
export interface ProjectContent {
  /** Versions by name, as in a package.json. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Folders of fixtures/ whose content it gets. It always gets `grid.cjs`. */
  readonly fixtures?: readonly string[];
  readonly omitOptional?: boolean;
}

/**
 * Packs a folder as `npm publish` would. Its scripts do not run, as they build for release: lib/ and the native library
 * are taken as they are.
 * @returns the tarball
 */
export async function pack(folder: string, destination: string): Promise<string> {
  const before = readdirSync(destination);

  await npm(folder, 'pack', '--ignore-scripts', '--pack-destination', destination);

  const [file] = readdirSync(destination).filter((name) => name.endsWith('.tgz') && !before.includes(name));

  if (!file) throw new Error(`npm pack made no tarball of ${folder}`);

  return join(destination, file);
}

/** Makes a project and installs what it needs. @returns its folder */
export async function createProject(packed: Packed, name: string, content: ProjectContent = {}): Promise<string> {
  const folder = join(packed.folder, name);
  const dependencies = { hamok: `file:${packed.tarball}`, ...content.dependencies };

  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  for (const fixture of content.fixtures ?? []) cpSync(join(fixtures, fixture), folder, { recursive: true });
  cpSync(join(fixtures, 'grid.cjs'), join(folder, 'grid.cjs'));
  await npm(folder, 'install', ...(content.omitOptional ? ['--omit=optional'] : []));

  return folder;
}

/** The version of a development dependency of this repository, as its package.json has it. */
export function ownVersion(name: string): string {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

  return devDependencies[name];
}

async function npm(folder: string, ...args: string[]): Promise<void> {
  // Inside of `npm test` this names the npm that is running.
  const cli = process.env.npm_execpath;
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const [command, first] = cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []];
  const { code, output } = await run(command, [...first, ...args, ...options], {
    cwd: folder,
    limitMs: INSTALL_LIMIT_MS,
    shell: command === 'npm' && process.platform === 'win32',
  });

  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}:\n${output}`);
}
