// How a declaration reads, besides what Biome does about it.
import ts from 'typescript';
import { applyEdits } from './edits.mjs';

/** With an empty line between members, except between fields; small types without comments in one line. */
export function spaced(node) {
  const start = node.getStart();
  const edits = [];
  const replace = (from, to, by) => edits.push({ from: from - start, to: to - start, by });
  const visit = (child) => {
    const isType = ts.isTypeLiteralNode(child) || ts.isMappedTypeNode(child);

    if (!isType || child.getText().includes('/**')) ts.forEachChild(child, visit);
    else replace(child.getStart(), child.end, child.getText().replace(/\s+/g, ' '));
  };

  ts.forEachChild(node, visit);
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    const apart = node.members.filter((member, index) => !areFields(member, node.members[index - 1] ?? member));

    for (const member of apart) replace(member.getFullStart(), member.getFullStart(), '\n');
  }

  return applyEdits(node.getText(), edits);
}

function areFields(...members) {
  return members.every((member) => ts.isPropertyDeclaration(member) || ts.isPropertySignature(member));
}
