/**
 * A native peer in TypeScript, for tests of the facade alone: it takes what the facade packs, keeps maps as the grid
 * would, and answers with records. Tests may also put records of their own into the stream.
 */

import type { NativePeer, NativePeerOptions } from '../../../facade/binding/native';
import { PackReader, PackWriter } from '../../../facade/binding/packing';

/** An operation that the facade has submitted. */
export interface Submitted {
  readonly opcode: number;
  readonly token: number;
  readonly handle: number;
  readonly keys: string[];
  readonly values: string[];
  /** Of COMPARE. */
  readonly seenRevision?: number;
  readonly present?: boolean;
  readonly action?: number;
  /** Of COMPARE_ALL: keys, and whether they existed. */
  readonly expected?: [key: string, present: boolean][];
  /** Of REMOTE. */
  readonly method?: number;
}

/** An event that an emitter has sent. */
export interface Published {
  readonly token: number;
  readonly handle: number;
  readonly event: string;
  readonly payload: string;
  readonly peerIds: string[];
}

interface Entry {
  value: string;
  changedAt: number;
}

/** Writes records; a list is a count and its items. */
export class Records {
  readonly writer = new PackWriter();

  u8(...values: number[]): this {
    for (const value of values) this.writer.u8(value);
    return this;
  }

  u32(value: number): this {
    this.writer.u32(value);
    return this;
  }

  f64(value: number): this {
    this.writer.f64(value);
    return this;
  }

  text(...values: string[]): this {
    for (const value of values) this.writer.str(value);
    return this;
  }

  /** Other records, behind their length. */
  within(records: Records): this {
    this.writer.bytes(records.writer.take());
    return this;
  }

  list(values: readonly string[]): this {
    return this.u32(values.length).text(...values);
  }
}

export class FakeNativePeer implements NativePeer {
  /** Every call that is not an operation, such as `open(1,1,map)`. */
  readonly calls: string[] = [];
  readonly submitted: Submitted[] = [];
  /** Number of `submit` calls. */
  submits = 0;
  /** When false, operations are taken and not answered. */
  answers = true;
  /** When false, READY does not come by itself. */
  opens = true;
  revision = 0;
  readonly maps = new Map<number, Map<string, Entry>>();
  /** How many items were ever pushed, by the queues' handles. */
  readonly pushed = new Map<number, number>();
  readonly replies: Buffer[] = [];
  /** Events that emitters have sent. */
  readonly published: Published[] = [];
  /** Answers to deliveries: the delivery and whether a listener was called. */
  readonly deliveryAnswers: [id: number, received: boolean][] = [];
  figures = [0, -1, 0, 0, 0, 0, 0, 0];

  private records = new Records();
  private wake: (() => void) | undefined;
  private readonly opened: number[] = [];

  constructor(readonly options: NativePeerOptions) {}

  start(wake: () => void): void {
    this.calls.push('start');
    this.wake = wake;
  }

  leave(): void {
    this.calls.push('leave');
  }

  stop(): void {
    this.calls.push('stop');
    this.wake = undefined;
  }

  accept(source: string, payload: Uint8Array): void {
    this.calls.push(`accept(${source},${payload.length})`);
  }

  submit(operations: Uint8Array): void {
    const reader = new PackReader(Buffer.from(operations));

    this.submits++;
    while (!reader.done) {
      const operation = readOperation(reader);

      this.submitted.push(operation);
      if (this.answers) this.execute(operation);
    }
  }

  reply(results: Uint8Array): void {
    this.replies.push(Buffer.from(results));
  }

  deliver(calls: Uint8Array): void {
    const reader = new PackReader(Buffer.from(calls));

    while (!reader.done) {
      if (reader.u8() === 2) this.deliveryAnswers.push([reader.u32(), reader.u8() === 1]);
      else this.published.push(readPublish(reader));
    }
  }

  open(handle: number, kind: number, id: string): void {
    this.calls.push(`open(${handle},${kind},${id})`);
    this.opened.push(handle);
    this.maps.set(handle, new Map());
    if (this.wake && this.opens) this.ready(handle);
  }

  shut(handle: number): void {
    this.calls.push(`shut(${handle})`);
  }

  waitingRemoteOperations(): number {
    return 0;
  }

  barrier(token: number, handle: number): void {
    this.calls.push(`barrier(${handle})`);
    if (this.answers) this.put().u8(12).u32(token).u8(0);
  }

  abandon(token: number): void {
    this.calls.push(`abandon(${token})`);
  }

  watchCommits(enabled: boolean): void {
    this.calls.push(`watchCommits(${enabled})`);
  }

  watchLog(enabled: boolean): void {
    this.calls.push(`watchLog(${enabled})`);
  }

  logEntries(): Buffer {
    return Buffer.alloc(4);
  }

  forget(peerId: string): void {
    this.calls.push(`forget(${peerId})`);
  }

  forceReform(): void {
    this.calls.push('forceReform');
  }

  beat(): void {}

  drain(): Buffer | null {
    const { writer } = this.records;

    return writer.length > 0 ? Buffer.from(writer.take()) : null;
  }

  status(): number[] {
    return this.figures;
  }

  /** The next record goes here; the facade is woken in the next turn. */
  put(): Records {
    if (this.records.writer.length === 0) setImmediate(() => this.wake?.());

    return this.records;
  }

  /** There is a grid, and this peer leads it. */
  join(): void {
    this.put().u8(3, 1).text(this.options.peerId).u8(2, 3, 7);
    if (this.opens) for (const handle of this.opened) this.ready(handle);
  }

  ready(handle: number, fill: readonly string[] = []): void {
    this.put()
      .u8(10)
      .u32(handle)
      .u8(1)
      .f64(this.revision)
      .u8(1)
      .u32(fill.length / 2)
      .text(...fill);
  }

  /** A change that another peer has made. */
  change(handle: number, key: string, value: string | undefined): void {
    const map = this.maps.get(handle) as Map<string, Entry>;

    this.put()
      .u8(11)
      .u32(handle)
      .f64(++this.revision)
      .u32(1);
    this.changed(map, key, value);
  }

  /** An event of an emitter comes from another peer. @param id 0: its sender waits for no answer */
  delivery(handle: number, id: number, sourceId: string, event: string, payload: string): void {
    this.put().u8(21).u32(handle).u32(id).text(sourceId, event, payload);
  }

  /** The event of this token has been received by the peers at these positions of its list. */
  received(token: number, positions: readonly number[]): void {
    const records = this.put().u8(12).u32(token).u8(1).u32(positions.length);

    for (const position of positions) records.u32(position).u8(0);
  }

  private execute({ opcode, token, handle, keys, values, ...compare }: Submitted): void {
    const map = this.maps.get(handle) as Map<string, Entry>;
    const found: [number, string][] = [];
    const records = this.put();

    if (opcode === 7 || opcode === 6) {
      records.u8(12).u32(token).u8(0);
      return;
    }
    if (opcode === 5) {
      this.compare(token, handle, map, keys[0] as string, values[0] as string, compare);
      return;
    }
    if (opcode === 8) {
      this.compareAll(token, handle, map, keys, values, compare);
      return;
    }
    if (opcode === 9 || opcode === 10) {
      if (opcode === 9) this.push(token, handle, map, values);
      else this.pop(token, handle, map);
      return;
    }
    if (opcode === 4) {
      records
        .u8(11)
        .u32(handle)
        .f64(++this.revision)
        .u32(1)
        .u8(4);
      records.u8(12).u32(token).u8(0);
      map.clear();
      return;
    }

    const changes = keys.filter((key) => (opcode === 1 ? true : opcode === 2 ? !map.has(key) : map.has(key)));

    keys.forEach((key, index) => {
      const entry = map.get(key);
      if (entry) found.push([index, entry.value]);
    });
    records
      .u8(11)
      .u32(handle)
      .f64(++this.revision)
      .u32(changes.length);
    // Inserts come before updates.
    for (const inserts of [true, false]) {
      for (const key of changes.filter((it) => !found.some(([index]) => keys[index] === it) === inserts)) {
        this.changed(map, key, opcode === 3 ? undefined : values[keys.indexOf(key)]);
      }
    }
    records.u8(12).u32(token).u8(1).u32(found.length);
    for (const [index, value] of found) records.u32(index).u8(1).text(value);
  }

  private compare(
    token: number,
    handle: number,
    map: Map<string, Entry>,
    key: string,
    value: string,
    { seenRevision, present, action }: Pick<Submitted, 'seenRevision' | 'present' | 'action'>,
  ): void {
    const entry = map.get(key);
    const untouched = entry ? present && entry.changedAt <= (seenRevision as number) : !present;

    if (untouched && action) this.change(handle, key, action === 1 ? value : undefined);
    this.put()
      .u8(12)
      .u32(token)
      .u8(untouched ? 0 : 2);
  }

  private compareAll(
    token: number,
    handle: number,
    map: Map<string, Entry>,
    keys: readonly string[],
    values: readonly string[],
    { seenRevision, expected = [] }: Pick<Submitted, 'seenRevision' | 'expected'>,
  ): void {
    const untouched = expected.every(([key, present]) => {
      const entry = map.get(key);
      return entry ? present && entry.changedAt <= (seenRevision as number) : !present;
    });

    if (untouched && keys.length > 0) {
      const existed = keys.map((key) => map.has(key));
      this.put()
        .u8(11)
        .u32(handle)
        .f64(++this.revision)
        .u32(keys.length);
      for (const inserts of [true, false]) {
        keys.forEach((key, index) => {
          if (existed[index] !== inserts) this.changed(map, key, values[index]);
        });
      }
    }
    this.put()
      .u8(12)
      .u32(token)
      .u8(untouched ? 0 : 2);
  }

  private push(token: number, handle: number, map: Map<string, Entry>, items: readonly string[]): void {
    this.put()
      .u8(11)
      .u32(handle)
      .f64(++this.revision)
      .u32(items.length);
    for (const item of items) {
      const number = this.pushed.get(handle) ?? 0;
      this.pushed.set(handle, number + 1);
      this.changed(map, itemKey(number), item);
    }
    this.put().u8(12).u32(token).u8(0);
  }

  private pop(token: number, handle: number, map: Map<string, Entry>): void {
    const [key] = map.keys();
    const item = key === undefined ? undefined : map.get(key)?.value;

    if (key !== undefined) this.change(handle, key, undefined);
    this.put()
      .u8(12)
      .u32(token)
      .u8(1)
      .u32(item === undefined ? 0 : 1);
    if (item !== undefined) this.put().u32(0).u8(1).text(item);
  }

  private changed(map: Map<string, Entry>, key: string, value: string | undefined): void {
    if (value === undefined) {
      this.records.u8(3).text(key);
      map.delete(key);
    } else {
      this.records.u8(map.has(key) ? 2 : 1).text(key, value);
      map.set(key, { value, changedAt: this.revision });
    }
  }
}

/** The key of an item of a queue. Only below 128, where a byte is the same in UTF-8. */
export function itemKey(number: number): string {
  return '\0'.repeat(7) + String.fromCharCode(number);
}

function readPublish(reader: PackReader): Published {
  const [token, handle] = [reader.u32(), reader.u32()];
  const [event, payload] = [reader.bytes().toString(), reader.bytes().toString()];

  return {
    token,
    handle,
    event,
    payload,
    peerIds: Array.from({ length: reader.u32() }, () => reader.bytes().toString()),
  };
}

function readOperation(reader: PackReader): Submitted {
  const [opcode, token, handle] = [reader.u8(), reader.u32(), reader.u32()];
  const text = () => reader.bytes().toString();
  const list = () => Array.from({ length: reader.u32() }, text);
  const head = { opcode, token, handle };

  if (opcode === 3) return { ...head, keys: list(), values: [] };
  if (opcode === 4) return { ...head, keys: [], values: [] };
  if (opcode === 6) return { ...head, method: reader.u8(), keys: list(), values: list() };
  if (opcode === 7) return { ...head, keys: [], values: [text()] };
  if (opcode === 9) return { ...head, keys: [], values: list() };
  if (opcode === 10) return { ...head, keys: [], values: [] };
  if (opcode === 8) {
    const seenRevision = reader.f64();
    const expected = Array.from({ length: reader.u32() }, (): [string, boolean] => [text(), reader.u8() === 1]);
    const set = Array.from({ length: reader.u32() }, () => [text(), text()] as const);
    const [keys, values] = [set.map(([key]) => key), set.map(([, value]) => value)];
    return { ...head, seenRevision, expected, keys, values };
  }
  if (opcode === 5) {
    const keys = [text()];
    const compare = { seenRevision: reader.f64(), present: reader.u8() === 1, action: reader.u8() };
    return { ...head, ...compare, keys, values: [text()] };
  }

  const entries = Array.from({ length: reader.u32() }, () => [text(), text()] as const);

  return { ...head, keys: entries.map(([key]) => key), values: entries.map(([, value]) => value) };
}
