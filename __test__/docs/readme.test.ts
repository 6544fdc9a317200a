/**
 * The README, held against the package: its programs run and print what it says, its tables name what there is, its links
 * lead somewhere.
 *
 * A fence below `<!-- run -->` is a program, one below `<!-- run: redis -->` a program that needs a Redis. The next fence
 * below `<!-- output -->` is what it prints.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hamok } from 'hamok';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { startRedisServer } from '../support/redis-server';

/** Several times what a program takes: a machine may be busy, but a program ends by itself. */
const PROGRAM_TIMEOUT_MS = 25_000;

const root = join(__dirname, '..', '..');
const readme = read('README.md');

interface Program {
  readonly source: string;
  readonly output: string;
}

describe('the programs', () => {
  let folder: string;

  beforeAll(async () => {
    await compileFacade();
    folder = mkdtempSync(join(tmpdir(), 'hamok-readme-'));
    mkdirSync(join(folder, 'node_modules'));
    // What a reader gets with `npm install`.
    symlinkSync(root, join(folder, 'node_modules', 'hamok'), 'junction');
    symlinkSync(join(root, 'node_modules', 'ioredis'), join(folder, 'node_modules', 'ioredis'), 'junction');
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('the quick start prints what the README says and ends by itself', async () => {
    const [program, ...others] = programs('run');

    expect(others).toEqual([]);
    expect(await run(folder, 'quick-start', program!)).toEqual({ code: 0, stdout: program!.output, stderr: '' });
  });

  it('the remote map on Redis prints what the README says and ends by itself', async () => {
    const [program, ...others] = programs('run: redis');
    const redis = await startRedisServer();

    expect(others).toEqual([]);
    try {
      const result = await run(folder, 'remote-map', program!, { REDIS_URL: redis.url });

      expect(result).toEqual({ code: 0, stdout: program!.output, stderr: '' });
    } finally {
      await redis.stop();
    }
  });
});

describe('the tables', () => {
  it('of errors: every code, and no other', () => {
    const codes = [...read('facade/common/errors.ts').matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);

    expect(names('code', '## Errors')).toEqual(codes.sort());
  });

  it('of events: every event, and no other', () => {
    const mapEvents = members('facade/collections/HamokMap.ts', 'HamokMapEventMap');
    const remoteMapEvents = members('facade/collections/HamokRemoteMap.ts', 'HamokRemoteMapEventMap');

    expect(names('event', 'Events of a `Hamok`')).toEqual(members('facade/HamokEventMap.ts', 'HamokEventMap'));
    expect(names('event', 'Events of maps')).toEqual(remoteMapEvents);
    expect(mapEvents.filter((event) => !remoteMapEvents.includes(event))).toEqual([]);
  });

  it('of options: every option, and no other', () => {
    const raftOptions = members('facade/HamokConfig.ts', 'RaftConfig');
    const options = [...raftOptions, ...members('facade/HamokConfig.ts', 'HamokConfig')].sort();
    const common = members('facade/collections/CollectionConfig.ts', 'CollectionConfig');
    const mapOptions = [...common, ...members('facade/collections/HamokMap.ts', 'HamokMapBuilderConfig')].sort();
    const remoteMapOptions = members('facade/collections/HamokRemoteMap.ts', 'HamokRemoteMapBuilderConfig');
    const shared = mapOptions.filter((option) => option !== 'baseMap' && !common.includes(option));
    const joinOptions = members('facade/node/JoinProcess.ts', 'HamokJoinProcessParams');

    expect(names('option', '`new Hamok(options)`')).toEqual(options);
    expect(names('option', '`hamok.join(options)`')).toEqual(joinOptions);
    expect(names('option', '`hamok.createMap(options)`')).toEqual(mapOptions);
    expect([...names('option', '`hamok.createRemoteMap(options)`'), ...shared].sort()).toEqual(remoteMapOptions);
  });

  it('of options: the defaults of the engine', () => {
    const { peerId: _, ...defaults } = new Hamok().raft.config;

    for (const [option, value] of Object.entries(defaults))
      expect(readme).toContain(`| \`${option}\` | \`${value}\` |`);
  });
});

describe('the links', () => {
  const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading!));

  it('within the page lead to its headings', () => {
    const missing = targets.filter((target) => target.startsWith('#') && !anchors.includes(target.slice(1)));

    expect(missing).toEqual([]);
  });

  it('to files lead to files', () => {
    const files = targets.filter((target) => !/^(#|https?:)/.test(target));

    expect(files).toContain('ARCHITECTURE.md');
    expect(files).toContain('CHANGELOG.md');
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('to npm scripts lead to scripts', () => {
    const { scripts, version } = JSON.parse(read('package.json'));
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!);

    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    expect(readme).toContain(`npm install hamok@${version}`);
  });
});

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The programs with this mark, in order. */
function programs(mark: string): Program[] {
  const pattern = new RegExp(
    `^<!-- ${mark} -->\\n\`\`\`js\\n(.*?)^\`\`\`$.*?^<!-- output -->\\n\`\`\`text\\n(.*?)^\`\`\`$`,
    'gms',
  );

  return [...readme.matchAll(pattern)].map(([, source, output]) => ({ source: source!, output: output! }));
}

/** Runs a program to its end, as a reader would. */
function run(folder: string, name: string, { source }: Program, env: Record<string, string> = {}) {
  const file = join(folder, `${name}.mjs`);
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: PROGRAM_TIMEOUT_MS };

  writeFileSync(file, source);

  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [file], options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}

/**
 * The names in the first column of a table, sorted.
 * @param column the heading of that column
 * @param start what stands before the table
 */
function names(column: string, start: string): string[] {
  const at = readme.indexOf(start);
  const [, rows] = new RegExp(`^\\| ${column} \\|.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, 'm').exec(readme.slice(at)) ?? [];

  expect(at, start).toBeGreaterThan(0);

  return [...(rows ?? '').matchAll(/^\| (.*?) \|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    .sort();
}

/** The members of an object type in a source file, sorted. */
function members(file: string, type: string): string[] {
  const [, body] =
    new RegExp(`^export type ${type}\\b[^{;]*(?:<.*?>)?[^{;]*\\{\\n(.*?)^\\};`, 'ms').exec(read(file)) ?? [];

  return [...(body ?? '').matchAll(/^ {2}'?([\w-]+)'?\??:/gm)].map(([, name]) => name!).sort();
}

/** The anchor that a heading gets. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
