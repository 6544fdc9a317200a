/** The shared queue: each item goes to exactly one caller of `pop` in the grid. */
import { hamokError } from '../common/errors';
import type { HamokCodec } from '../common/HamokCodec';
import type { HamokQueueSnapshot } from '../HamokSnapshot';
import type { CollectionPort, Send, SendBatch } from '../node/CollectionPort';
import { ChangeKind } from '../node/protocol';
import type { Change } from '../node/RecordSink';
import { objectWith } from '../node/validation';
import { type BaseMap, MemoryBaseMap } from './BaseMap';
import { Collection } from './Collection';
import type { CollectionConfig } from './CollectionConfig';
import { iterable, rejected } from './EntryCollection';
import { EntryCodec } from './entries/EntryCodec';
import { clear } from './entries/entrySenders';
import { assertImportable, insertWhenReady } from './entries/importing';
import { Mirror } from './entries/Mirror';
import { firstValue, nothing } from './entries/results';
import { bytesToText, textToBytes } from './entries/snapshotText';
import { QueueItems } from './queue/QueueItems';

/**
 * The events of a `HamokQueue` and the arguments of their listeners. On every peer. A push emits `add` for each item,
 * then `not-empty` if there was none before. A pop emits `remove`; the pop of the last item `empty`, then `remove`.
 * `clear` emits `empty` alone, and nothing when there were no items. A peer that was away hears `remove` and `add` for what
 * changed, from head to tail, then `empty` or `not-empty` if the queue became so.
 */
export type HamokQueueEventMap<T> = {
  /** An item was appended. */
  add: [item: T];
  /** An item was taken, by any peer. */
  remove: [item: T];
  /** The last item was taken, or all were dropped by `clear`. */
  empty: [];
  /** There are items, and were none. */
  'not-empty': [];
  /** The queue was closed on this peer; the last event. */
  close: [];
};

/** The options of `hamok.createQueue`. */
export type HamokQueueBuilderConfig<T> = CollectionConfig & {
  /** The same on every peer that shares the queue. */
  queueId: string;
  /** For the items. Default: JSON. */
  codec?: HamokCodec<T, Uint8Array>;
  /**
   * The local storage of the queue, for the user to read: items by their numbers, which ascend from head to tail. What it
   * holds now is dropped. Default: a `MemoryBaseMap`.
   */
  baseMap?: BaseMap<number, T>;
};

/** What is used of a `baseMap`. */
const MAP_FUNCTIONS = ['get', 'set', 'has', 'delete', 'clear'];

/** A change of one item. */
interface ItemChange<T> {
  readonly kind: number;
  readonly number: number;
  /** The item that is there now. */
  readonly item: T;
  /** The item that was there. */
  readonly oldItem: T;
}

const push: SendBatch = (outbox, token, handle, items) => outbox.push(token, handle, items);
const pop: Send = (outbox, { token, handle }) => outbox.pop(token, handle);

const NO_VALUES: readonly Uint8Array[] = [];

/**
 * A queue that peers share: first in, first out, in one order for the whole grid. Reads are local, synchronous, and see
 * what this peer has applied.
 *
 * The promise of a mutation resolves when it has happened and the listeners of this peer have been called for it. It
 * rejects with an `Error` that has a `code`: `INVALID_ARGUMENT` for an undefined item and for what the codec refuses,
 * `TIMEOUT`, `NO_LEADER`, `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`. A `pop` that rejects may have
 * taken an item all the same.
 */
export class HamokQueue<T> extends Collection<HamokQueueEventMap<T>> {
  private readonly codec: EntryCodec<number, T>;
  private readonly items: QueueItems<T>;

  /** Made by `hamok.createQueue`. @throws HamokError `INVALID_CONFIG` @internal */
  constructor(port: CollectionPort, config: HamokQueueBuilderConfig<T>) {
    super(port);
    if (config.codec !== undefined) objectWith('codec', config.codec, ['encode', 'decode']);
    this.codec = new EntryCodec(undefined, config.codec);
    this.items = new QueueItems(objectWith('baseMap', config.baseMap ?? new MemoryBaseMap(), MAP_FUNCTIONS));

    new Mirror<ItemChange<T>>(port, {
      clear: () => this.items.clear(),
      apply: (change) => this.apply(change),
      emit: (changes) => this.emitAll(changes),
    });
  }

  /** Number of items. */
  get size(): number {
    return this.items.size;
  }

  /** Whether there are no items. */
  get empty(): boolean {
    return this.items.size === 0;
  }

  /** The items, from head to tail. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const [, item] of this.items.entries()) yield item;
  }

  /** Appends items at the tail, in their order and in one step. `null` is an item, `undefined` is none. */
  push(...items: T[]): Promise<void> {
    let encoded: Uint8Array[];

    try {
      this.assertOpen('push on');
      encoded = items.map((item) => this.codec.encodeValue(item));
    } catch (error) {
      return rejected(error);
    }
    if (encoded.length === 0) return Promise.resolve();

    return this.port.batch(push, encoded, NO_VALUES, nothing, undefined, undefined);
  }

  /**
   * Takes the item at the head: no other caller gets it, on any peer. Resolves with `undefined` if the queue was empty
   * when its turn came.
   */
  pop(): Promise<T | undefined> {
    try {
      this.assertOpen('pop on');
    } catch (error) {
      return rejected(error);
    }

    return this.port.request(pop, firstValue, this.codec, undefined) as Promise<T | undefined>;
  }

  /** The item at the head, `undefined` when this peer sees none. Another peer may take it. @throws HamokError `CLOSED` */
  peek(): T | undefined {
    this.assertOpen('peek on');

    return this.items.first;
  }

  /** Drops all items. */
  clear(): Promise<void> {
    try {
      this.assertOpen('clear');
    } catch (error) {
      return rejected(error);
    }

    return this.port.request(clear, nothing, undefined, undefined);
  }

  /** What this peer has of the queue, as plain data. @throws HamokError `CLOSED` */
  export(): HamokQueueSnapshot {
    this.assertOpen('export data on');

    const keys: string[] = [];
    const values: string[] = [];

    for (const [number, item] of this.items.entries()) {
      keys.push(String(number));
      values.push(bytesToText(this.codec.encodeValue(item)));
    }

    return { queueId: this.id, keys, values };
  }

  /**
   * Takes over what `export()` gave. The items can be read at once if the queue was never connected, and are pushed to
   * the tail of the shared queue when it is; there they have other numbers.
   *
   * @param eventing whether to emit `add` and `not-empty` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the queue is connected, or for another queue's snapshot
   */
  import(snapshot: HamokQueueSnapshot, eventing = false): void {
    this.assertOpen('import data on');
    assertImportable(this.port, snapshot.queueId, 'queue');

    const encoded = Array.from(iterable(snapshot.values, 'values of a snapshot'), textToBytes);
    const items = encoded.map((bytes) => this.codec.decodeValue(bytes));

    insertWhenReady(this.port, push, encoded, NO_VALUES);
    // Later on the mirror shows the shared queue and nothing else.
    if (this.port.opened) return;

    const changes = items.map((item): ItemChange<T> => {
      return { kind: ChangeKind.INSERT, number: this.items.append(item), item, oldItem: item };
    });

    if (eventing) this.emitAll(changes);
  }

  protected override assertOpen(action: string): void {
    if (this.closed) throw hamokError('CLOSED', `Cannot ${action} a closed queue`);
  }

  private apply({ kind, key, value }: Change): ItemChange<T> | undefined {
    const { items } = this;

    if (!key) {
      const { size } = items;
      items.clear();
      return size > 0 ? ({ kind } as ItemChange<T>) : undefined;
    }

    const number = numberOf(key);
    const existed = items.has(number);

    if (value) {
      const item = this.codec.decodeValue(value);
      const oldItem = items.set(number, item) as T;
      return { kind: existed ? ChangeKind.UPDATE : ChangeKind.INSERT, number, item, oldItem };
    }

    const oldItem = items.delete(number) as T;

    return existed ? { kind, number, item: oldItem, oldItem } : undefined;
  }

  private emitAll(changes: readonly ItemChange<T>[]): void {
    const { size } = this.items;
    const of = (...kinds: number[]) => changes.filter(({ kind }) => kinds.includes(kind)).sort(byNumber);
    const removals = of(ChangeKind.REMOVE, ChangeKind.UPDATE);
    const additions = of(ChangeKind.INSERT, ChangeKind.UPDATE);
    const cleared = changes.some(({ kind }) => kind === ChangeKind.CLEAR);
    const wasEmpty = !cleared && size - additions.length + removals.length === 0;
    // Whoever takes the last item hears that first.
    const popped = changes.length === 1 && removals.length === 1 && additions.length === 0;

    if (popped && size === 0) this.dispatch('empty', []);
    for (const { oldItem } of removals) this.dispatch('remove', [oldItem]);
    for (const { item } of additions) this.dispatch('add', [item]);
    if (!popped && size === 0 && !wasEmpty) this.dispatch('empty', []);
    if (size > 0 && wasEmpty) this.dispatch('not-empty', []);
  }
}

function byNumber(a: { number: number }, b: { number: number }): number {
  return a.number - b.number;
}

/** The number of an item: eight bytes, the highest first. Exact below 2 to the 53. */
function numberOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);

  return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
}
