/** The history of a grid from the files that its processes have written, also those that were killed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { History, Note, Operation } from './history';

const EXTENSION = '.jsonl';

/** The file of one process: its name, and what it has written. */
export interface JournalFile<Line> {
  readonly peer: string;
  readonly lines: readonly Line[];
}

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

  for (const { peer, lines } of readFiles<Line>(folder)) {
    const own = new Map<number, Operation>();

    for (const line of lines) {
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
export function readFiles<Line>(folder: string): JournalFile<Line>[] {
  return readdirSync(folder).map((file) => {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1);

    return { peer: file.slice(0, -EXTENSION.length), lines: lines.map((line) => JSON.parse(line)) };
  });
}
