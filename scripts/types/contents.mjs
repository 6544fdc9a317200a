// What facade/index.ts exports, under which headings and in which order: index.d.ts has the same.
import ts from 'typescript';

/**
 * @returns sections, each with its `title` and `exports`, of which each has a `name` and may be `typeOnly`. A comment of
 *   one line that stands alone is the title of what follows
 */
export function readContents(text) {
  const source = ts.createSourceFile('index.ts', text, ts.ScriptTarget.Latest, true);
  const sections = [];

  for (const statement of source.statements) {
    const title = /\n\/\/ (.+)\n\n$/.exec(text.slice(statement.pos, statement.getStart()))?.[1];

    if (title) sections.push({ title, exports: [] });
    for (const { name, isTypeOnly } of statement.exportClause.elements) {
      sections.at(-1).exports.push({ name: name.text, typeOnly: statement.isTypeOnly || isTypeOnly });
    }
  }

  return sections;
}
