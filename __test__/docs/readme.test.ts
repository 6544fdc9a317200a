/**
 * The README, held against the package: its programs run and print what it says, its tables name what there is, its links
 * lead somewhere. See page.ts.
 */
import { Hamok } from 'hamok';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { startRedisServer } from '../support/redis-server';
import { members, Page, ProgramFolder, read, unknownNames } from './page';

const readme = new Page('README.md');

/** The kinds of collections: what creates one, and where its options and events are. */
const kinds = ['Map', 'Record', 'Queue', 'Emitter', 'RemoteMap'] as const;

const optionsOf = (kind: string) => members(`facade/collections/Hamok${kind}.ts`, `Hamok${kind}BuilderConfig`);
const eventsOf = (kind: string) => members(`facade/collections/Hamok${kind}.ts`, `Hamok${kind}EventMap`);

describe('the programs', () => {
  let folder: ProgramFolder;

  beforeAll(async () => {
    await compileFacade();
    folder = new ProgramFolder();
  });

  afterAll(() => folder.remove());

  it('are these', () => {
    expect(readme.programs('run').map(({ title }) => title)).toEqual(['Quick start', 'The three in one program']);
    expect(readme.programs('run: redis').map(({ title }) => title)).toEqual(['Remote maps']);
  });

  it.each(readme.programs('run'))('$title: prints what the README says and ends by itself', async (program) => {
    expect(await folder.run(program)).toEqual({ code: 0, stdout: program.output, stderr: '' });
  });

  it.each(readme.programs('run: redis'))('$title, on Redis: the same', async (program) => {
    const redis = await startRedisServer();

    try {
      const result = await folder.run(program, { REDIS_URL: redis.url });

      expect(result).toEqual({ code: 0, stdout: program.output, stderr: '' });
    } finally {
      await redis.stop();
    }
  });

  it('in TypeScript have no wrong types', async () => {
    const pieces = readme.code('ts');

    expect(pieces.length).toBeGreaterThan(1);
    expect(await folder.compile(pieces)).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('the tables', () => {
  it('of errors: every code, and no other', () => {
    const codes = [...read('facade/common/errors.ts').matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);

    expect(readme.names('code', '## Errors')).toEqual(codes.sort());
  });

  it.each([
    ['Events of a `Hamok`', members('facade/HamokEventMap.ts', 'HamokEventMap')],
    ['Events of maps and remote maps', eventsOf('RemoteMap')],
    ['Events of records', eventsOf('Record')],
    ['Events of queues', eventsOf('Queue')],
    [
      'Events of `emitter.subscriptions`',
      members('facade/collections/emitter/HamokEmitterSubscriptions.ts', 'HamokEmitterSubscriptionsEventMap'),
    ],
    ['Events of `connection`', members('facade/collections/HamokConnection.ts', 'HamokConnectionEventMap')],
    [
      'Events of `hamok.raft.logs`',
      [
        ...members('facade/raft/RaftLogs.ts', 'RaftLogsEventMap'),
        ...members('facade/raft/MemoryStoredRaftLogs.ts', 'MemoryStoredRaftLogsEventMap'),
      ].sort(),
    ],
  ])('%s: every event, and no other', (start, events) => {
    expect(events).not.toEqual([]);
    expect(readme.names('event', start)).toEqual(events);
  });

  it('of events: those of maps are among those of remote maps', () => {
    expect(eventsOf('RemoteMap')).toEqual(expect.arrayContaining(eventsOf('Map')));
  });

  it('of options: every option of a Hamok and of join, and no other', () => {
    const raftOptions = members('facade/HamokConfig.ts', 'RaftConfig');
    const options = [...raftOptions, ...members('facade/HamokConfig.ts', 'HamokConfig')].sort();

    expect(readme.names('option', '`new Hamok(options)`')).toEqual(options);
    expect(readme.names('option', '`hamok.join(options)`')).toEqual(
      members('facade/node/JoinProcess.ts', 'HamokJoinProcessParams'),
    );
  });

  it('of options: every option of all collections, and no other', () => {
    const common = members('facade/collections/CollectionConfig.ts', 'CollectionConfig');

    expect(common).not.toEqual([]);
    expect(readme.names('option', 'All collections take these options')).toEqual(common);
  });

  it.each(kinds)('of options: every option of create%s, and no other', (kind) => {
    const named = readme.names('option', `\`hamok.create${kind}(options)\``);
    const shared = kind === 'RemoteMap' ? optionsOf('Map').filter((option) => option !== 'baseMap') : [];

    expect(named).not.toEqual([]);
    expect([...named, ...shared].sort()).toEqual(optionsOf(kind));
  });

  it.each([
    ['Records', 'HamokRecord'],
    ['Queues', 'HamokQueue'],
    ['Emitters', 'HamokEmitter'],
  ])('of the methods in %s: every one of them exists', (heading, type) => {
    const source = read(`facade/collections/${type}.ts`);
    const named = readme.names('member', `## ${heading}\n`).map((name) => name.replace(/\(.*/, ''));
    const isMember = (name: string) => new RegExp(`^  (?:get |readonly )?${name}\\b[<(:]`, 'm').test(source);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !isMember(name))).toEqual([]);
  });

  it('of options: the defaults of the engine', () => {
    const { peerId: _, ...defaults } = new Hamok().raft.config;

    for (const [option, value] of Object.entries(defaults))
      expect(readme.text).toContain(`| \`${option}\` | \`${value}\` |`);
  });
});

describe('the text', () => {
  it('names nothing that the package does not have', () => {
    expect(unknownNames(readme)).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    for (const file of ['ARCHITECTURE.md', 'CHANGELOG.md', 'docs/membership.md', 'docs/migration.md'])
      expect(readme.text).toContain(`](${file})`);
    expect(readme.brokenLinks).toEqual([]);
  });

  it('names npm scripts that there are, and this version', () => {
    const { scripts, version } = JSON.parse(read('package.json'));
    const named = [...readme.text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!);

    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    expect(readme.text).toContain(`npm install hamok@${version}`);
  });
});
