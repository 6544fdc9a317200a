// Puts the declarations of a bundle into the order of the contents, and says of each how users may name it.
import ts from 'typescript';
import { spaced } from './spacing.mjs';

const HEADER = `/**
 * Maps, records, queues, events and remote maps that the instances of a Node.js service share. Everything that users can
 * name is in this file: a peer; what all collections have; maps; remote maps; records; queues; emitters; codecs; messages;
 * the ordering engine and its log; errors and logging.
 *
 * Begin at {@link Hamok}: a service makes one, carries its messages, has it \`join()\`, and creates collections with it.
 *
 * Made by \`npm run build:types\` from the doc comments in facade/.
 */`;

/** @returns the text of index.d.ts, not formatted; what is not in the contents comes last, and is not exported */
export function arrange(bundle, contents) {
  const source = ts.createSourceFile('bundle.d.ts', bundle, ts.ScriptTarget.Latest, true);
  const declarations = byName(source);
  const parts = [HEADER, source.statements.filter(ts.isImportDeclaration).map(sorted).join('\n')];
  const classTypes = [];

  for (const { title, exports } of contents) {
    parts.push(`// ── ${title} ──`);
    for (const { name, typeOnly } of exports) {
      const node = declarations.get(name);
      const isClassType = typeOnly && ts.isClassDeclaration(node);

      if (isClassType) classTypes.push(name);
      parts.push(`${commentOf(node)}${isClassType ? '' : 'export '}${codeOf(node, declarations)}`);
      declarations.delete(name);
    }
  }
  parts.push(...[...declarations.values()].map((node) => commentOf(node) + codeOf(node, declarations)));
  parts.push(`// Classes of which users have the type only.\nexport type { ${classTypes.toSorted().join(', ')} };`);

  return parts.join('\n\n');
}

/** An interface that says more of a class has the name \`interface NAME\`. */
function byName(source) {
  const declarations = new Map();

  for (const node of source.statements) {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) continue;

    const { text } = node.name ?? node.declarationList.declarations[0].name;
    const isMore = declarations.has(text) && ts.isInterfaceDeclaration(node);

    declarations.set(isMore ? `interface ${text}` : text, node);
  }

  return declarations;
}

function sorted(node) {
  const names = node.importClause.namedBindings.elements.map((element) => element.getText()).toSorted();

  return `import { ${names.join(', ')} } from ${node.moduleSpecifier.getText()};`;
}

/** Of several comments the last one: the others belong to a file. */
function commentOf(node) {
  return node.jsDoc ? `${node.jsDoc.at(-1).getText()}\n` : '';
}

/** The members of an interface that says more of a class become members of the class. */
function codeOf(node, declarations) {
  const more = declarations.get(`interface ${node.name?.text}`);

  if (!more) return spaced(node);
  declarations.delete(`interface ${node.name.text}`);

  return `${spaced(node).slice(0, -1)}\n${spaced(more).replace(/^.*\{/, '')}`;
}
