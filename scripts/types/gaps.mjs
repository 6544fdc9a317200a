// What the contract lacks: a doc comment of something public, the name of a type that users meet.
import ts from 'typescript';

/** @returns a line for each gap */
export function findGaps(text) {
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);
  const exported = new Set(exportedLater(source));
  const gaps = [];

  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) continue;

    const name = (statement.name ?? statement.declarationList.declarations[0].name).getText();

    if (!isExported(statement) && !exported.has(name)) {
      gaps.push(`${name} is met by users: export it in facade/index.ts`);
      continue;
    }
    if (!isDocumented(statement)) gaps.push(`${name} has no doc comment`);
    for (const member of undocumented(statement)) gaps.push(`${name}.${memberName(member)} has no doc comment`);
  }

  return gaps;
}

function* exportedLater({ statements }) {
  for (const statement of statements.filter(ts.isExportDeclaration)) {
    for (const { name } of statement.exportClause.elements) yield name.text;
  }
}

/** Members at any depth. In the arguments of events and functions, and in tuples, the names must do. */
function* undocumented(node) {
  if (ts.isFunctionLike(node) && !ts.isGetAccessor(node)) return;
  if (ts.isTupleTypeNode(node)) return;
  for (const child of childrenOf(node)) {
    const isMember = ts.isClassElement(child) || ts.isTypeElement(child) || ts.isEnumMember(child);

    if (isMember && !isDocumented(child) && !isHiddenConstructor(child)) yield child;
    yield* undocumented(child);
  }
}

function childrenOf(node) {
  const children = [];

  ts.forEachChild(node, (child) => void children.push(child));

  return children;
}

function isHiddenConstructor(node) {
  return ts.isConstructorDeclaration(node) && node.modifiers !== undefined;
}

function isExported(statement) {
  return (ts.getCombinedModifierFlags(statement) & ts.ModifierFlags.Export) !== 0;
}

function isDocumented(node) {
  return node.jsDoc?.some((comment) => comment.comment || comment.tags) ?? false;
}

function memberName(member) {
  return member.name?.getText() ?? 'constructor';
}
