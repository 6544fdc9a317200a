// The types of the paths within the package that users import. A class that is declared twice would be two types, so
// each of these files takes its names from index.d.ts; no other file of lib/ has types.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';

const paths = new Set([
  'Hamok',
  'HamokGrid',
  'HamokSnapshot',
  'collections/BaseMap',
  'collections/HamokConnection',
  'collections/HamokEmitter',
  'collections/HamokMap',
  'collections/HamokQueue',
  'collections/HamokRecord',
  'collections/HamokRemoteMap',
  'collections/RemoteMap',
  'common/HamokCodec',
  'common/logger',
  'messages/HamokMessage',
  'raft/LogEntry',
  'raft/MemoryStoredRaftLogs',
  'raft/RaftLogs',
  'raft/RaftState',
]);

/** @param root the folder of the package, in which tsc has just written lib/ */
export function writeDeepTypes(root) {
  const lib = join(root, 'lib');
  const publicNames = exportsOf(readFileSync(join(root, 'index.d.ts'), 'utf8'));
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));

  for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
    const path = file.slice(0, -'.d.ts'.length);
    const origin = relative(dirname(file), '../index');

    if (path === 'index') writeFileSync(join(lib, file), `export * from '${origin}';\n`);
    // What a store exports is its own: it is no part of the root.
    else if (dirname(path) === 'stores') continue;
    else if (!paths.has(path)) rmSync(join(lib, file));
    else {
      const names = exportsOf(readFileSync(join(lib, file), 'utf8')).filter((name) => publicNames.includes(name));

      writeFileSync(join(lib, file), `export { ${names.join(', ')} } from '${origin}';\n`);
    }
  }
}

/** The names that a declaration file exports, in one of the two forms that tsc and index.d.ts have. */
function exportsOf(text) {
  const declared = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:class|const|enum|function|interface|type) (\w+)/gm,
  );
  const listed = text.matchAll(/^export (?:type )?\{([^}]*)\}/gm);

  return [
    ...[...declared].map(([, name]) => name),
    ...[...listed].flatMap(([, names]) => names.match(/\w+(?=\s*(?:,|$))/g) ?? []),
  ];
}
