/** docs/migration.md and the changelog, held against the package; see page.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deepPaths } from '../package/support/deep-paths';
import { compileFacade } from '../support/peer-process';
import { Page, ProgramFolder, unknownNames } from './page';

const page = new Page('docs/migration.md');

describe('the programs', () => {
  let folder: ProgramFolder;

  beforeAll(async () => {
    await compileFacade();
    folder = new ProgramFolder();
  });

  afterAll(() => folder.remove());

  it('are these', () => {
    expect(page.programs('run').map(({ title }) => title)).toEqual(['The log holds batches']);
  });

  it.each(page.programs('run'))('$title: prints what the page says and ends by itself', async (program) => {
    expect(await folder.run(program)).toEqual({ code: 0, stdout: program.output, stderr: '' });
  });
});

describe('the text', () => {
  it('names nothing that the package does not have', () => {
    expect(unknownNames(page)).toEqual([]);
  });

  it('names every path that is kept', () => {
    const [, list] = /^These paths are kept:(.*?)\n\n/ms.exec(page.text) ?? [];
    const quoted = [...list!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const last = (path: string) => path.split('/').at(-1)!;

    // The stores are new.
    const kept = deepPaths.filter(({ path }) => !path.startsWith('lib/stores/'));

    expect(quoted.map((name) => last(name.replace(/\/$/, '')))).toEqual(
      expect.arrayContaining(kept.map(({ path }) => last(path))),
    );
  });

  it.each(['docs/migration.md', 'CHANGELOG.md'])('%s has links that lead somewhere', (file) => {
    expect(new Page(file).brokenLinks).toEqual([]);
  });
});
