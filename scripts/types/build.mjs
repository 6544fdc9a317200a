// Makes index.d.ts, the whole of what users can name, out of the doc comments and types in facade/.
//
//   npm run build:types                     writes it
//   node scripts/types/build.mjs --check    fails when the one in the tree is another; `npm test -- lint` does this
//
// tsc declares each file of facade/, publicOnly() leaves out what is not for users, rollup makes one file of what
// facade/index.ts exports, arrange() puts that in order, Biome formats it. Whatever the contract lacks is an error:
// a member without a doc comment, a type that users meet and cannot name.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import ts from 'typescript';
import { Failure, main, root } from '../run.mjs';
import { arrange } from './arrange.mjs';
import { findGaps } from './gaps.mjs';
import { publicOnly } from './publicOnly.mjs';

const TARGET = join(root, 'index.d.ts');
const ENTRY = join(root, 'facade/index.d.ts');

main(async () => {
  const text = format(arrange(await bundle(declarations()), readFileSync(join(root, 'facade/index.ts'), 'utf8')));
  const gaps = findGaps(text);

  if (gaps.length > 0) throw new Failure(`The types of the package have gaps:\n  ${gaps.join('\n  ')}`);
  if (!argv.includes('--check')) writeFileSync(TARGET, text);
  else if (readFileSync(TARGET, 'utf8') !== text) throw new Failure('index.d.ts is not what facade/ says');
});

/** The declarations of facade/ by their paths, without a check: that is for `tsc -p tsconfig.json`. */
function declarations() {
  const config = join(root, 'tsconfig.build.json');
  const { config: json } = ts.readConfigFile(config, ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(json, ts.sys, root);
  const program = ts.createProgram(fileNames, {
    ...options,
    emitDeclarationOnly: true,
    noCheck: true,
    outDir: join(root, 'facade'),
  });
  const texts = new Map();

  program.emit(undefined, (file, text) => texts.set(file, publicOnly(text)));

  return texts;
}

/** One text of all that the entry exports. */
async function bundle(texts) {
  const memory = {
    name: 'memory',
    resolveId: (id, importer) => (id.startsWith('.') ? `${join(dirname(importer), id)}.d.ts` : undefined),
    load: (id) => texts.get(id),
  };
  const build = await rollup({ input: ENTRY, external: /^[^./]/, plugins: [memory, dts()] });
  const { output } = await build.generate({ format: 'es' });

  return output[0].code;
}

function format(text) {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');

  return execFileSync(process.execPath, [biome, 'format', '--stdin-file-path=index.d.ts'], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
}
