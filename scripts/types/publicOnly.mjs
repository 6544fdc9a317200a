// Takes out of a declaration file what is not for users: members that are private, protected or marked @internal.
import ts from 'typescript';

/**
 * A constructor that is marked @internal stays, without its parameters and such that nobody can call it: without any, the
 * class could be constructed like a class of its base.
 */
export function publicOnly(text) {
  const source = ts.createSourceFile('.d.ts', text, ts.ScriptTarget.Latest, true);
  const cuts = [];
  const visit = (node) => {
    const { parent } = node;

    if (ts.isClassLike(parent ?? source) && ts.isClassElement(node)) {
      if (ts.isConstructorDeclaration(node) && isInternal(node)) cuts.push(uncallable(node, source));
      else if (isHidden(node)) cuts.push({ from: node.getFullStart(), to: node.end, by: '' });
    } else if (ts.isTypeElement(node) && isInternal(node)) {
      cuts.push({ from: node.getFullStart(), to: node.end, by: '' });
    }
    ts.forEachChild(node, visit);
  };

  visit(source);

  return cuts.reduceRight((rest, { from, to, by }) => rest.slice(0, from) + by + rest.slice(to), text);
}

function isHidden(member) {
  const { Private, Protected } = ts.ModifierFlags;

  return (
    (ts.getCombinedModifierFlags(member) & (Private | Protected)) !== 0 ||
    (member.name && ts.isPrivateIdentifier(member.name)) ||
    isInternal(member)
  );
}

function isInternal(node) {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function uncallable(member, source) {
  const isAbstract = ts.getCombinedModifierFlags(member.parent) & ts.ModifierFlags.Abstract;
  const text = member.jsDoc?.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' ') ?? '';
  const comment = text && `/** ${text} */\n`;

  return {
    from: member.getStart(source, true),
    to: member.end,
    by: `${comment}${isAbstract ? 'protected' : 'private'} constructor();`,
  };
}
