/** docs/membership.md, held against the package; see page.ts. */
import { Hamok } from 'hamok';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { members, Page, ProgramFolder, read, unknownNames } from './page';

const page = new Page('docs/membership.md');

describe('the programs', () => {
  let folder: ProgramFolder;

  beforeAll(async () => {
    await compileFacade();
    folder = new ProgramFolder();
  });

  afterAll(() => folder.remove());

  it('are these', () => {
    expect(page.programs('run').map(({ title }) => title)).toEqual(['See it happen']);
  });

  it.each(page.programs('run'))('$title: prints what the page says and ends by itself', async (program) => {
    expect(await folder.run(program)).toEqual({ code: 0, stdout: program.output, stderr: '' });
  });

  it('in TypeScript have no wrong types', async () => {
    const pieces = page.code('ts');

    expect(pieces.length).toBeGreaterThan(0);
    expect(await folder.compile(pieces)).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('the text', () => {
  it('names nothing that the package does not have', () => {
    expect(unknownNames(page)).toEqual([]);
  });

  it('has links that lead somewhere, and is linked', () => {
    expect(page.brokenLinks).toEqual([]);
    for (const file of ['README.md', 'docs/migration.md', 'CHANGELOG.md'])
      expect(read(file)).toMatch(/\]\((docs\/)?membership\.md/);
  });

  it('gives the times of the defaults', () => {
    const { heartbeatInMs, followerMaxIdleInMs, electionTimeoutInMs } = new Hamok().raft.config;

    expect(page.text).toContain(`| \`heartbeatInMs\` | ${heartbeatInMs} ms |`);
    expect(page.text).toContain(`| \`followerMaxIdleInMs\` | ${followerMaxIdleInMs / 1000} s |`);
    expect(page.text).toContain(`| \`electionTimeoutInMs\` | ${electionTimeoutInMs / 1000} s |`);
    expect(page.text).toContain(`three times that, ${(3 * electionTimeoutInMs) / 1000} s`);
  });

  it('names every way of quorumLoss, and no event that there is not', () => {
    const [, type] = /^ {2}quorumLoss\?: (.*);$/m.exec(read('facade/HamokConfig.ts'))!;
    const events = members('facade/HamokEventMap.ts', 'HamokEventMap');
    const named = page.quoted.filter((quoted) => /^(quorum|grid|remote|no|leader|state)-[a-z-]+/.test(quoted));

    for (const way of type!.split(' | ')) expect(page.quoted).toContain(way);
    expect(named.length).toBeGreaterThan(5);
    expect(named.map((name) => name.replace(/\(.*/, '')).filter((name) => !events.includes(name))).toEqual([]);
  });
});
