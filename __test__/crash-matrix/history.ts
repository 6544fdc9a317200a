/** What the processes of a round have written down: what peers called, and what leaders sent to the store. */
import { readFiles } from '../black-box/journals';

export type Entry = readonly [key: string, value: string];

/** A call of the remote map. What failed, or whose process ended first, may have happened or not. */
export interface Call {
  /** The process that called it. */
  readonly peer: string;
  readonly kind: 'set' | 'setAll' | 'insert' | 'updateIf' | 'removeAll';
  readonly acknowledged: boolean;
  readonly code?: string;
  /** As the caller was told; Maps as lists of entries. */
  readonly result?: unknown;
  readonly key?: string;
  readonly keys?: readonly string[];
  readonly value?: string;
  readonly oldValue?: string;
  readonly entries?: readonly Entry[];
}

/** An operation as the store gets it. */
export interface Operation {
  readonly method: Call['kind'];
  readonly operationId: string;
  readonly index: number;
  readonly key?: string;
  readonly keys?: readonly string[];
  readonly value?: string;
  readonly oldValue?: string;
  readonly entries?: readonly Entry[];
}

/** What the store says of an operation. */
export interface Answer {
  readonly status: 'done' | 'failed' | 'refused';
  readonly repeated?: boolean;
  /** Maps as lists of entries. */
  readonly result?: unknown;
  readonly error?: string;
}

/** A call of the store. Times are in microseconds, on one clock for all processes. */
export interface Batch {
  /** The process of the leader that sent it. */
  readonly peer: string;
  readonly epoch: number;
  readonly term: number;
  readonly operations: readonly Operation[];
  readonly sentAt: number;
  /** Missing if the call failed, or its process ended first. */
  readonly answeredAt?: number;
  /** By the positions of the operations. */
  readonly answers?: readonly Answer[];
}

/** A process that ended itself at a point on the way of a batch. */
export interface Death {
  readonly peer: string;
  readonly at: number;
  readonly point: string;
  /** With `marked`: that of which the mark was committed. */
  readonly operationIds: readonly string[];
}

export interface History {
  readonly calls: readonly Call[];
  readonly batches: readonly Batch[];
  readonly deaths: readonly Death[];
  /** The epochs that grids were given. */
  readonly epochs: readonly { readonly gridId: string; readonly epoch: number }[];
}

type Line =
  | ({ id: number; at: number } & Pick<Call, 'kind' | 'key' | 'keys' | 'value' | 'oldValue' | 'entries'>)
  | { id: number; at: number; kind?: undefined; result?: unknown; code?: string }
  | { id?: undefined; at: number; event: 'sent'; args: [number, Pick<Batch, 'epoch' | 'term'>, Operation[]] }
  | { id?: undefined; at: number; event: 'answered'; args: [number, Answer[]] }
  | { id?: undefined; at: number; event: 'died'; args: [point: string, operationIds: string[]] }
  | { id?: undefined; at: number; event: 'acquired'; args: [gridId: string, epoch: number] };

/** Reads it from their journals. The calls of each peer are in the order in which it called them. */
export function readHistory(folder: string): History {
  const files = readFiles<Line>(folder).map(({ peer, lines }) => readJournal(peer, lines));

  return {
    calls: files.flatMap(({ calls }) => calls),
    batches: files.flatMap(({ batches }) => batches),
    deaths: files.flatMap(({ deaths }) => deaths),
    epochs: files.flatMap(({ epochs }) => epochs),
  };
}

function readJournal(peer: string, lines: readonly Line[]): History {
  const calls = new Map<number, Call>();
  const batches = new Map<number, Batch>();
  const deaths: Death[] = [];
  const epochs: History['epochs'][number][] = [];

  for (const line of lines) {
    if (line.id !== undefined) {
      if (line.kind !== undefined) {
        const { id, at, ...call } = line;

        calls.set(id, { peer, acknowledged: false, ...call });
      } else {
        const { id, result, code } = line;

        calls.set(id, { ...(calls.get(id) as Call), acknowledged: code === undefined, result, code });
      }
    } else if (line.event === 'sent') {
      const [number, { epoch, term }, operations] = line.args;

      batches.set(number, { peer, epoch, term, operations, sentAt: line.at });
    } else if (line.event === 'answered') {
      const [number, answers] = line.args;

      batches.set(number, { ...(batches.get(number) as Batch), answeredAt: line.at, answers });
    } else if (line.event === 'died') {
      const [point, operationIds] = line.args;

      deaths.push({ peer, at: line.at, point, operationIds });
    } else if (line.event === 'acquired') {
      const [gridId, epoch] = line.args;

      epochs.push({ gridId, epoch });
    }
  }

  return { calls: [...calls.values()], batches: [...batches.values()], deaths, epochs };
}
