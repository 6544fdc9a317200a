// Makes index.d.ts, which declares everything that users can name, out of the types and doc comments in facade/.
//
//   npm run build:types                     writes it
//   node scripts/types/build.mjs --check    fails when the one in the tree is another, as `npm test -- lint` does
//
// tsc declares each file of facade/, publicOnly() leaves out what is not for users, rollup makes one file of what
// facade/index.ts exports, arrange() puts that in order, Biome formats it. What users lack then is an error: a doc
// comment of a member, the name of a type.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import ts from 'typescript';
import { Failure, main, root } from '../run.mjs';
import { arrange } from './arrange.mjs';
import { readContents } from './contents.mjs';
import { findGaps } from './gaps.mjs';
import { publicOnly } from './public-only.mjs';

const target = join(root, 'index.d.ts');
const facade = join(root, 'facade');

main(async () => {
  const contents = readContents(readFileSync(join(facade, 'index.ts'), 'utf8'));
  const text = format(arrange(await bundle(declarations(contents)), contents));
  const gaps = findGaps(text);

  if (gaps.length > 0) throw new Failure(`index.d.ts would have gaps:\n  ${gaps.join('\n  ')}`);
  if (!argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) throw new Failure('index.d.ts does not say what facade/ says');
});

/** The declarations of facade/ by their paths. Nothing is checked here: that is what `tsc -p tsconfig.json` does. */
function declarations(contents) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const only = { emitDeclarationOnly: true, noCheck: true, outDir: facade };
  const texts = new Map();

  ts.createProgram(fileNames, { ...options, ...only }).emit(undefined, (file, text) => {
    texts.set(file, publicOnly(text, contents));
  });

  return texts;
}

/** One text of all that facade/index.ts exports. */
async function bundle(texts) {
  const memory = {
    name: 'memory',
    resolveId(id, importer) {
      if (!importer) return id;

      return id.startsWith('.') ? `${join(dirname(importer), id)}.d.ts` : { id, external: true };
    },
    load: (id) => texts.get(id),
  };
  const input = join(facade, 'index.d.ts');
  const build = await rollup({ input, plugins: [memory, dts()] });
  const { output } = await build.generate({ format: 'es' });

  return output[0].code;
}

function format(text) {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'format', '--stdin-file-path=index.d.ts'];

  return execFileSync(process.execPath, args, { cwd: root, input: text, encoding: 'utf8' });
}
