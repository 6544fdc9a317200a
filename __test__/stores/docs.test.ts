/** docs/stores.md, held against the package; see ../docs/page.ts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Page, ProgramFolder, read, root, unknownNames } from '../docs/page';
import { compileFacade } from '../support/peer-process';

const page = new Page('docs/stores.md');

describe('the programs', () => {
  let folder: ProgramFolder;

  beforeAll(async () => {
    await compileFacade();
    folder = new ProgramFolder();
  });

  afterAll(() => folder.remove());

  it.each(page.programs('run'))('$title: prints what the page says and ends by itself', async (program) => {
    expect(await folder.run(program)).toEqual({ code: 0, stdout: program.output, stderr: '' });
  });
});

describe('the pieces of TypeScript', () => {
  it('compile against the sources', () => {
    const folder = mkdtempSync(join(root, 'node_modules', '.hamok-docs-'));

    try {
      const header = "import { Hamok } from 'hamok';\n\ndeclare const hamok: Hamok;\n";
      const files = page.code('ts').map((piece, number) => {
        const file = join(folder, `piece-${number}.ts`);

        writeFileSync(file, `${header}\n${piece}\nexport {};\n`);

        return file;
      });

      expect(files.length).toBeGreaterThan(0);
      expect(errorsIn(files)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the text', () => {
  it('names nothing that the package does not have', () => {
    const ofClients = ['Redis', 'Cluster', 'Pool', 'Client'];

    expect(unknownNames(page).filter((name) => !ofClients.includes(name))).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    expect(page.brokenLinks).toEqual([]);
  });

  it('names every path of the package that has a store', () => {
    const paths = Object.keys(JSON.parse(read('package.json')).exports).filter((path) => path.startsWith('./stores/'));

    expect(page.names('import', '# Stores').sort()).toEqual(
      expect.arrayContaining(paths.map((path) => path.replace('.', 'hamok'))),
    );
  });
});

/** What the compiler says of these files, when the package is its sources. */
function errorsIn(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const paths = { ...options.paths, 'hamok/stores/*': ['./facade/stores/*'] };
  const unused = { noUnusedLocals: false };
  const program = ts.createProgram(files, { ...options, ...unused, paths });

  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
