/** The shared object: its fields are replicated to every peer that has created it, and read locally. */
import { invalidArgument } from '../common/errors';
import type { HamokCodec } from '../common/HamokCodec';
import type { HamokRecordSnapshot } from '../HamokSnapshot';
import type { CollectionPort, SendBatch } from '../node/CollectionPort';
import { toError } from '../node/guardedEmit';
import type { Outcome } from '../node/Outcome';
import { ChangeKind } from '../node/protocol';
import { functionOption, invalidConfig } from '../node/validation';
import { Collection } from './Collection';
import type { CollectionConfig } from './CollectionConfig';
import { iterable, rejected } from './EntryCollection';
import { compareAndAct, type Finding } from './entries/compareAndAct';
import { clear, insertAll, removeAll, setAll } from './entries/entrySenders';
import { equalJson } from './entries/equality';
import { assertImportable, insertWhenReady } from './entries/importing';
import { Mirror } from './entries/Mirror';
import { existed, nothing } from './entries/results';
import { type PayloadCodecs, RecordCodec } from './record/RecordCodec';
import { type FieldEvent, RecordFields } from './record/RecordFields';

/** What a record can hold: fields by their names, in a type alias or an interface. */
export type HamokRecordObject<T = Record<string, unknown>> = { [K in keyof T]: unknown };

/**
 * The events of a `HamokRecord` and the arguments of their listeners. They come on every peer, those of one operation
 * after all its changes, and before `commit` of `Hamok` and the caller's promise. What a record holds when it is created
 * late comes silently; a peer that was away hears the difference.
 */
export type HamokRecordEventMap<T extends HamokRecordObject<T>> = {
  /** A field was set that did not exist. */
  insert: [{ key: keyof T; value: T[keyof T] }];
  /** A field was set that existed, also to an equal value. Those of one operation come after its `insert`s. */
  update: [{ key: keyof T; oldValue: T[keyof T]; newValue: T[keyof T] }];
  /** A field was deleted. */
  remove: [{ key: keyof T; value: T[keyof T] }];
  /** All fields were deleted; no `remove` comes for them. When there were none, nothing comes. */
  clear: [];
  /** The record was closed on this peer; the last event. */
  close: [];
};

/** The options of `hamok.createRecord`. */
export type HamokRecordBuilderConfig<T extends HamokRecordObject<T>> = CollectionConfig & {
  /** The same on every peer that shares the record. */
  recordId: string;
  /** Codecs by the names of their fields; the same on every peer. Default: JSON. */
  payloadCodecs?: Map<keyof T, HamokCodec<T[keyof T], string>>;
  /** Inserted into the shared record, where existing fields win. */
  initialObject?: Partial<T>;
  /** What `updateIf` and `updateInstanceIf` compare with. Default: equal JSON text. */
  equalValues?: <K extends keyof T>(a: T[K], b: T[K]) => boolean;
};

type Entries = readonly (readonly [key: string, value: unknown])[];

const NO_VALUES: readonly Uint8Array[] = [];

/**
 * An object that peers share. Reads are local, synchronous, and see what this peer has applied; also after `close()`.
 *
 * Every mutation is ordered by the grid and happens in the same order on all peers. Its promise resolves after that,
 * when the listeners of this peer have been called for it. It rejects with an `Error` that has a `code`:
 * `INVALID_ARGUMENT` for an undefined value and for what the codec refuses, `TIMEOUT`, `NO_LEADER`,
 * `NO_QUORUM`, `CLOSED`, `COMMAND_TOO_LARGE`, `OUTCOME_UNKNOWN`.
 *
 * A field exists or not; `0`, `''`, `false` and `null` are values like any other. A value that its codec cannot read on
 * this peer is reported by the `error` event of `Hamok`, and cannot be seen here.
 */
export class HamokRecord<T extends HamokRecordObject<T>> extends Collection<HamokRecordEventMap<T>> {
  private readonly codec: RecordCodec;
  private readonly fields: RecordFields;
  private readonly mirror: Mirror<FieldEvent>;
  private readonly equalValues: (a: unknown, b: unknown) => boolean;

  /** Made by `hamok.createRecord`. @throws HamokError `INVALID_CONFIG` @internal */
  constructor(port: CollectionPort, config: HamokRecordBuilderConfig<T>) {
    super(port);
    this.codec = new RecordCodec(config.payloadCodecs as PayloadCodecs | undefined);
    this.equalValues = functionOption('equalValues', config.equalValues ?? equalJson) as typeof equalJson;
    this.fields = new RecordFields(this.codec);
    this.mirror = new Mirror(port, {
      clear: () => this.fields.clear(),
      apply: (change) => this.fields.apply(change),
      emit: (events) => this.emitAll(events),
    });
    if (config.initialObject !== undefined) this.shareInitial(config.initialObject);
  }

  /** The value of a field, `undefined` when it does not exist. Plain objects and arrays are frozen, deeply. */
  get<K extends keyof T>(key: K): T[K] | undefined {
    return this.fields.get(nameOf(key)) as T[K] | undefined;
  }

  /**
   * All fields, as an object of the caller's own, decoded for it: to change it changes nothing in the record.
   * @throws HamokError `INVALID_MESSAGE` when a codec cannot read any more what it has read before
   */
  get instance(): T {
    return this.fields.copies() as T;
  }

  /** Sets a field. Resolves with the value that it had, `undefined` when it did not exist. */
  set<K extends keyof T>(key: K, value: T[K]): Promise<T[K] | undefined> {
    return this.one('set an entry on', setAll, key, value);
  }

  /** Sets a field unless it exists. Resolves with the value that exists, `undefined` when the field was set. */
  insert<K extends keyof T>(key: K, value: T[K]): Promise<T[K] | undefined> {
    return this.one('insert entries on', insertAll, key, value);
  }

  /**
   * Sets in one step those fields that do not exist; fields that are `undefined` are left out, as in JSON. Resolves with
   * the fields that exist, unchanged, `undefined` when none of them did.
   */
  insertInstance(instance: Partial<T>): Promise<Partial<T> | undefined> {
    let encoded: EncodedFields;

    try {
      this.assertOpen('insert entries on');
      encoded = this.encode(definedEntries(instance));
    } catch (error) {
      return rejected(error);
    }

    const { names, keys, values } = encoded;

    if (names.length === 0) return Promise.resolve(undefined);

    return this.port.batch(insertAll, keys, values, existingFields, this.codec, names) as Promise<
      Partial<T> | undefined
    >;
  }

  /**
   * Sets a field if its value equals `oldValue`; in one step, wherever else the field is changed. `undefined` as
   * `oldValue` stands for a field that does not exist. Resolves with whether it was set. Errors are those of the other
   * mutations, and what `equalValues` throws.
   */
  updateIf<K extends keyof T>(key: K, value: T[K], oldValue: T[K] | undefined): Promise<boolean> {
    return this.setIf(
      () => [[nameOf(key), value]],
      () => [[nameOf(key), oldValue]],
    );
  }

  /**
   * Sets the fields of `newInstance` if all fields of `oldInstance` are equal to the record's, in one step as `updateIf`
   * does: all or nothing, so it is never split. A field that is `undefined` is left out of `newInstance`; in
   * `oldInstance` it stands for one that does not exist. An empty `oldInstance` compares nothing. Resolves with whether
   * all was equal, and set.
   */
  updateInstanceIf(newInstance: Partial<T>, oldInstance: Partial<T>): Promise<boolean> {
    return this.setIf(
      () => definedEntries(newInstance),
      () => entriesOf(oldInstance),
    );
  }

  /** Deletes a field. Resolves with whether it existed. */
  delete<K extends keyof T>(key: K): Promise<boolean> {
    let keys: Uint8Array[];

    try {
      this.assertOpen('delete entries on');
      keys = [this.codec.encodeKey(nameOf(key))];
    } catch (error) {
      return rejected(error);
    }

    return this.port.batch(removeAll, keys, NO_VALUES, existed, undefined, undefined);
  }

  /** Deletes all fields. */
  clear(): Promise<void> {
    try {
      this.assertOpen('clear');
    } catch (error) {
      return rejected(error);
    }

    return this.port.request(clear, nothing, undefined, undefined);
  }

  /** What this peer has of the record, as it is encoded. @throws HamokError `CLOSED` */
  export(): HamokRecordSnapshot {
    this.assertOpen('export data on');

    return { recordId: this.id, ...this.fields.export() };
  }

  /**
   * Takes over what `export()` gave. The fields can be read at once if the record was never connected, and are inserted
   * into the shared record when it is, where existing fields win.
   *
   * @param eventing whether to emit `insert` and `update` for what can be read at once; default false
   * @throws HamokError `CLOSED`; `INVALID_ARGUMENT` while the record is connected, or for another record's snapshot;
   *   `INVALID_MESSAGE` for what a codec cannot read
   */
  import(snapshot: HamokRecordSnapshot, eventing = false): void {
    this.assertOpen('import data on');
    assertImportable(this.port, snapshot.recordId, 'storage');

    const keys = copies(snapshot.keys);
    const values = copies(snapshot.values);

    if (keys.length !== values.length) throw invalidArgument('A snapshot must have as many values as keys');
    keys.forEach((key, position) => {
      this.codec.decodeValue(this.codec.decodeKey(key), values[position] as Uint8Array);
    });

    insertWhenReady(this.port, insertAll, keys, values);
    // Later on the mirror shows the shared record and nothing else.
    if (this.port.opened) return;

    const events = keys.flatMap((key, position) => {
      const event = this.fields.apply({ kind: ChangeKind.INSERT, key, value: values[position] });
      return event ? [event] : [];
    });

    if (eventing) this.emitAll(events);
  }

  private one<K extends keyof T>(action: string, send: SendBatch, key: K, value: T[K]): Promise<T[K] | undefined> {
    const name = nameOf(key);
    let encoded: EncodedFields;

    try {
      this.assertOpen(action);
      encoded = this.encode([[name, value]]);
    } catch (error) {
      return rejected(error);
    }

    const { keys, values } = encoded;

    return this.port.batch(send, keys, values, formerValue, this.codec, name) as Promise<T[K] | undefined>;
  }

  /** @param expected undefined values stand for fields that do not exist */
  private setIf(wanted: () => Entries, expected: () => Entries): Promise<boolean> {
    let look: () => Finding;

    try {
      this.assertOpen('update an entry on');

      const { keys, values } = this.encode(wanted());
      const entries = keys.map((key, position) => [key, values[position] as Uint8Array] as const);
      const conditions = expected().map(([name, value]) => ({ name, key: this.codec.encodeKey(name), value }));

      look = () => this.look(entries, conditions);
    } catch (error) {
      return rejected(error);
    }

    return compareAndAct(this.port, look);
  }

  private look(entries: readonly (readonly [Uint8Array, Uint8Array])[], conditions: readonly Condition[]): Finding {
    const failed = conditions.find((condition) => !this.holds(condition));
    // One field that differs is enough for a `false`: only that one has to be confirmed.
    const looked = failed ? [failed] : conditions;
    const operation = {
      seenRevision: this.mirror.revision,
      expected: looked.map(({ name, key }) => [key, this.fields.has(name)] as const),
      entries: failed ? [] : entries,
    };

    return { equal: !failed, send: (outbox, { token, handle }) => outbox.compareAll(token, handle, operation) };
  }

  private holds({ name, value }: Condition): boolean {
    if (value === undefined) return !this.fields.has(name);

    return this.fields.isReadable(name) && this.equalValues(this.fields.get(name), value);
  }

  private encode(entries: Entries): EncodedFields {
    return {
      names: entries.map(([name]) => name),
      keys: entries.map(([name]) => this.codec.encodeKey(name)),
      values: entries.map(([name, value]) => this.codec.encodeValue(name, value)),
    };
  }

  private shareInitial(initialObject: Partial<T>): void {
    let encoded: EncodedFields;

    try {
      encoded = this.encode(definedEntries(initialObject));
    } catch (error) {
      throw Object.assign(invalidConfig(`initialObject: ${toError(error).message}`), { cause: error });
    }
    this.initialized = insertWhenReady(this.port, insertAll, encoded.keys, encoded.values);
  }

  private emitAll(events: readonly FieldEvent[]): void {
    for (const [event, argument] of events) this.dispatch(event, (argument ? [argument] : []) as never);
  }
}

/** Fields as they go to the native side. */
interface EncodedFields {
  readonly names: readonly string[];
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
}

/** What a field must be for something to be done. */
interface Condition {
  readonly name: string;
  readonly key: Uint8Array;
  /** Undefined: it must not exist. */
  readonly value: unknown;
}

/** The old or existing value of a request for one field. */
function formerValue({ values }: Outcome, codec: RecordCodec, name: string): unknown {
  return values[0] && codec.decodeValue(name, values[0]);
}

/** The fields that existed; undefined when none did. */
function existingFields({ indexes, values }: Outcome, codec: RecordCodec, names: readonly string[]): unknown {
  const entries = indexes.map((index, position) => {
    const name = names[index] as string;
    return [name, codec.decodeValue(name, values[position] as Uint8Array)] as const;
  });

  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** The name of a field as an object has it: numbers are their text. */
function nameOf(key: PropertyKey): string {
  return (typeof key === 'number' ? String(key) : key) as string;
}

/** @throws TypeError `INVALID_ARGUMENT` when it is no object with fields */
function entriesOf(instance: object): [string, unknown][] {
  if (typeof instance !== 'object' || instance === null || Array.isArray(instance)) {
    throw invalidArgument('The fields must be those of an object');
  }

  return Object.entries(instance);
}

function definedEntries(instance: object): [string, unknown][] {
  return entriesOf(instance).filter(([, value]) => value !== undefined);
}

/** @throws TypeError `INVALID_ARGUMENT` when it is no list of bytes */
function copies(list: readonly Uint8Array[]): Uint8Array[] {
  return Array.from(iterable(list, 'keys and values of a snapshot'), (bytes) => {
    if (!(bytes instanceof Uint8Array)) throw invalidArgument('A snapshot must have its keys and values as bytes');

    return new Uint8Array(bytes);
  });
}
