/** An executor of remote operations over a store of the test's, and what it has replied. */

import { EntryCodec } from '../../../facade/collections/entries/EntryCodec';
import { equalJson } from '../../../facade/collections/entries/equality';
import type { RemoteMap } from '../../../facade/collections/RemoteMap';
import { RemoteMapExecutor } from '../../../facade/collections/remote-map/RemoteMapExecutor';
import { StoreWatch } from '../../../facade/collections/remote-map/StoreWatch';
import type { HamokCodec } from '../../../facade/common/HamokCodec';
import type { RemoteEvent, RemoteResult } from '../../../facade/node/ReplyOutbox';
import { pause } from './pausing';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** A store in memory, of which a test replaces what it needs. */
export function createStore<V>(content: Record<string, V> = {}, parts: Partial<RemoteMap<string, V>> = {}) {
  const entries = new Map(Object.entries(content));
  const calls: string[] = [];
  const store: RemoteMap<string, V> = {
    size: async () => entries.size,
    clear: async () => entries.clear(),
    keys: async () => entries.keys(),
    get: async (key) => {
      calls.push(`get ${key}`);
      return entries.get(key);
    },
    getAll: async (keys) =>
      new Map([...keys].filter((key) => entries.has(key)).map((key) => [key, entries.get(key) as V])),
    set: async (key, value, callback) => {
      calls.push(`set ${key}`);
      const old = entries.get(key);
      entries.set(key, value);
      callback?.(old);
    },
    setAll: async (all, callback) => {
      const [inserted, updated]: [[string, V][], [string, V, V][]] = [[], []];
      for (const [key, value] of all) {
        if (entries.has(key)) updated.push([key, entries.get(key) as V, value]);
        else inserted.push([key, value]);
        entries.set(key, value);
      }
      callback?.({ inserted, updated });
    },
    remove: async (key) => {
      const value = entries.get(key);
      entries.delete(key);
      return value;
    },
    removeAll: async (keys) => {
      const found = await store.getAll(keys);
      for (const key of found.keys()) entries.delete(key);
      return found;
    },
    async *iterator() {
      yield* entries;
    },
    ...parts,
  };

  return { store, entries, calls };
}

export interface Setup {
  abandonAfterMs?: number;
  emitEvents?: boolean;
  valueCodec?: HamokCodec<never, Uint8Array>;
  /** A function of the user's, in place of the default. */
  equalValues?: (a: unknown, b: unknown) => boolean;
}

/** An executor and what it replied, in short. */
export function createExecutor(
  // biome-ignore lint/suspicious/noExplicitAny: values of every type
  store: RemoteMap<any, any>,
  { abandonAfterMs = 5000, emitEvents = true, valueCodec, equalValues }: Setup = {},
) {
  const replies: unknown[][] = [];
  /** The terms of what was reported to stand still. */
  const standing: number[] = [];
  const reports: Error[] = [];
  /** The positions of what the store has done for good. */
  const done: number[] = [];
  const value = (bytes: Uint8Array | undefined) => bytes && JSON.parse(Buffer.from(bytes).toString());
  const event = ({ kind, key, oldValue, value: newValue }: RemoteEvent) =>
    [['insert', 'update', 'remove', 'clear'][kind - 1], value(key), value(oldValue), value(newValue)].filter(
      (part) => part !== undefined,
    );
  const told: unknown[] = [];
  const watch = new StoreWatch({
    slow: () => told.push('slow'),
    down: (error) => told.push(`down: ${error.message}`),
    up: () => told.push('up'),
  });
  const fenced = store.acquire !== undefined;
  const executor = new RemoteMapExecutor(
    'map',
    {
      store,
      // biome-ignore lint/suspicious/noExplicitAny: values of every type
      codec: new EntryCodec<any, any>(undefined, valueCodec),
      equalValues: equalValues ?? equalJson,
      ownEquality: equalValues !== undefined,
      emitEvents,
      fenced,
      batches: fenced && store.applyBatch !== undefined,
    },
    {
      watch,
      abandonAfterMs,
      done: ({ position }) => done.push(position),
      report: (error) => reports.push(error),
      replies: {
        succeeded: ({ position }, { entries, events }: RemoteResult) => {
          const found = entries.map((entry) => (entry.value ? [entry.index, value(entry.value)] : [entry.index]));
          replies.push([position, found, events.map(event)]);
        },
        failed: ({ position }, code, text) => replies.push([position, code, text]),
        acquired: ({ claim }, epoch) => replies.push([claim, epoch]),
        refused: ({ term, epoch }) => replies.push(['refused', term, epoch]),
        standsStill: ({ term }) => standing.push(term),
      },
    },
  );
  let position = 0;
  const order = (method: number, keys: unknown[], values: unknown[] = [], { attempt = 1, term = 1, epoch = 1 } = {}) =>
    executor.execute({
      handle: 1,
      term,
      epoch,
      position: position++,
      index: position * 10,
      operationId: `operation ${position}`,
      attempt,
      callerToken: 0,
      method,
      keys: keys.map(json),
      values: values.map(json),
    });
  /** Executes one operation and gives its reply without the position. */
  const run = async (...args: Parameters<typeof order>) => {
    const count = replies.length;

    order(...args);
    while (replies.length === count) await pause(1);

    return replies.at(-1)!.slice(1);
  };

  /** Asks for an epoch. */
  const claim = (text: string, term = 1) => executor.execute({ handle: 1, term, claim: text });

  return { executor, replies, standing, done, reports, told, watch, order, claim, run };
}
