// Takes out of a declaration file what is not for users: members that are private, protected or marked @internal, and
// that a class implements an interface which users cannot name.
import ts from 'typescript';
import { applyEdits } from './edits.mjs';

/**
 * A constructor that is marked @internal stays, in such a way that nobody can call it: a class without any could be
 * constructed like that which it extends.
 */
export function publicOnly(text, contents) {
  const names = new Set(contents.flatMap((section) => section.exports.map(({ name }) => name)));
  const source = ts.createSourceFile('.d.ts', text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const replace = (node, by) => edits.push({ from: node.getFullStart(), to: node.end, by });
  const visit = (node) => {
    if (ts.isConstructorDeclaration(node) && isInternal(node)) replace(node, uncallable(node));
    else if (ts.isClassElement(node) && isHidden(node)) replace(node, '');
    else if (ts.isHeritageClause(node)) replace(node, heritage(node, names));
    else ts.forEachChild(node, visit);
  };

  visit(source);

  return applyEdits(text, edits);
}

function isHidden(member) {
  const { Private, Protected } = ts.ModifierFlags;

  return (
    ts.getCombinedModifierFlags(member) & (Private | Protected) ||
    (member.name && ts.isPrivateIdentifier(member.name)) ||
    isInternal(member)
  );
}

function isInternal(member) {
  return ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
}

/** Of its comment, the tags go. */
function uncallable(member) {
  const isAbstract = ts.getCombinedModifierFlags(member.parent) & ts.ModifierFlags.Abstract;
  const comment = ts.getTextOfJSDocComment(member.jsDoc.at(-1).comment);

  return `\n${comment ? `/** ${comment} */\n` : ''}${isAbstract ? 'protected' : 'private'} constructor();`;
}

function heritage(clause, names) {
  if (clause.token === ts.SyntaxKind.ExtendsKeyword) return clause.getFullText();

  const types = clause.types.filter(({ expression }) => names.has(expression.getText()));

  return types.length > 0 ? ` implements ${types.map((type) => type.getText()).join(', ')}` : '';
}
