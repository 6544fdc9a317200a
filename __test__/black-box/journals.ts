/** The history of a grid from the files that its processes have written, also those that were killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { History, Note, Operation } from './history';

const EXTENSION = '.jsonl';

type Line =
  | (Pick<Operation, 'kind' | 'key' | 'value' | 'to' | 'items'> & { id: number; at: number })
  | { id: number; at: number; kind?: undefined; result?: unknown; code?: string }
  | { id?: undefined; at: number; event: string; args: unknown[] };

/** Where the process of this name writes. */
export function journalPath(folder: string, name: string): string {
  return join(folder, `${name}${EXTENSION}`);
}

/** The operations of each peer are in the order in which it called them. */
export function readJournals(folder: string): History {
  const operations: Operation[] = [];
  const notes: Note[] = [];

  for (const file of readdirSync(folder)) {
    const peer = file.slice(0, -EXTENSION.length);
    const own = new Map<number, Operation>();

    for (const line of linesOf(join(folder, file))) {
      if (line.id === undefined) {
        notes.push({ peer, event: line.event, args: line.args });
      } else if (line.kind !== undefined) {
        const { id, at, ...call } = line;

        own.set(id, { peer, begunAt: at, acknowledged: false, ...call });
      } else {
        const { id, at, result, code } = line;

        own.set(id, { ...(own.get(id) as Operation), endedAt: at, acknowledged: code === undefined, result, code });
      }
    }
    operations.push(...own.values());
  }

  return { operations, notes };
}

/** A process that was killed may have begun a line and not ended it. */
function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
