/** Compiled, never run: maps, their options, and base maps of users. */
import {
  type AnyCollection,
  type BaseMap,
  type BaseMapUpdateResult,
  type Collection,
  createHamokJsonBinaryCodec,
  type EntryCollection,
  type Hamok,
  HamokConnection,
  HamokMap,
  type HamokMapBuilderConfig,
  type HamokMapEventMap,
  type HamokMapSnapshot,
  MemoryBaseMap,
} from 'hamok';
import { typeOf } from './type-of';

interface Room {
  host: string;
  guests: number;
}

const room: Room = { host: 'ada', guests: 1 };

export async function create(hamok: Hamok): Promise<HamokMap<string, Room>> {
  const config: HamokMapBuilderConfig<string, Room> = {
    mapId: 'rooms',
    keyCodec: { encode: (key) => Buffer.from(key), decode: (data) => Buffer.from(data).toString() },
    valueCodec: createHamokJsonBinaryCodec<Room>(),
    baseMap: new MemoryBaseMap([['lobby', room]]),
    equalValues: (a, b) => a.guests === b.guests,
    requestTimeoutInMs: 0,
    remoteStorageStateWaitingTimeoutInMs: 1000,
    maxOutboundMessageKeys: 1000,
    maxOutboundMessageValues: 1000,
  };
  const existing: HamokMap<string, Room> = hamok.getOrCreateMap(config, (alreadyExisted) => {
    typeOf(alreadyExisted).is<boolean>();
  });

  typeOf(hamok.createMap(config)).is<HamokMap<string, Room>>();
  typeOf(hamok.createMap<number, string>({ mapId: 'names' })).is<HamokMap<number, string>>();
  typeOf(hamok.createMap({ mapId: 'any' })).is<HamokMap<unknown, unknown>>();
  typeOf(await hamok.createMap<string, Room>({ mapId: 'ready' }).ready).is<HamokMap<string, Room>>();
  typeOf(await hamok.getOrCreateMap<string, Room>({ mapId: 'ready' }).ready).is<HamokMap<string, Room>>();

  return existing;
}

export function refuseOptions(hamok: Hamok): void {
  // @ts-expect-error a map has an id
  hamok.createMap<string, Room>({});
  // @ts-expect-error its option is called mapId
  hamok.createMap<string, Room>({ id: 'rooms' });
  // @ts-expect-error a map has no remote map
  hamok.createMap<string, Room>({ mapId: 'rooms', remoteMap: new Map() });
  // @ts-expect-error the codec is one of numbers
  hamok.createMap<string, Room>({ mapId: 'rooms', keyCodec: createHamokJsonBinaryCodec<number>() });
  // @ts-expect-error a Map lacks what a BaseMap has
  hamok.createMap<string, Room>({ mapId: 'rooms', baseMap: new Map<string, Room>() });
  // @ts-expect-error equalValues gives a boolean
  hamok.createMap<string, Room>({ mapId: 'rooms', equalValues: (a) => a.host });
  // @ts-expect-error the callback gets a boolean
  hamok.getOrCreateMap<string, Room>({ mapId: 'rooms' }, (existing: HamokMap<string, Room>) => void existing);
  // @ts-expect-error a map is made by createMap()
  new HamokMap<string, Room>();
  // @ts-expect-error and so is its connection
  new HamokConnection();
}

export function read(rooms: HamokMap<string, Room>): void {
  typeOf(rooms.id).is<string>();
  typeOf(rooms.closed).is<boolean>();
  typeOf(rooms.connection).is<HamokConnection>();
  typeOf(rooms.size).is<number>();
  typeOf(rooms.isEmpty).is<boolean>();
  typeOf(rooms.get('lobby')).is<Room | undefined>();
  typeOf(rooms.getAll(['lobby'])).is<ReadonlyMap<string, Room>>();
  typeOf(rooms.getAll(rooms.keys())).is<ReadonlyMap<string, Room>>();
  typeOf([...rooms.values()]).is<Room[]>();
  typeOf([...rooms.entries()]).is<[string, Room][]>();
  for (const [key, { guests }] of rooms) typeOf([key, guests]).is<(string | number)[]>();
  typeOf(new Map(rooms)).is<Map<string, Room>>();
  typeOf(rooms.baseMap).is<BaseMap<string, Room>>();
  typeOf(rooms.equalValues(room, room)).is<boolean>();

  // @ts-expect-error the size is no function
  rooms.size();
  // @ts-expect-error keys are strings
  rooms.get(5);
  // @ts-expect-error there may be no value
  rooms.get('lobby').host;
  // @ts-expect-error the storage is not replaced
  rooms.baseMap = new MemoryBaseMap();
  // @ts-expect-error what is given out is not changed
  rooms.getAll(['lobby']).set('hall', room);
}

export async function write(rooms: HamokMap<string, Room>): Promise<void> {
  typeOf(await rooms.set('lobby', room)).is<Room | undefined>();
  typeOf(await rooms.setAll(new Map([['lobby', room]]))).is<ReadonlyMap<string, Room>>();
  typeOf(await rooms.insert('lobby', room)).is<Room | undefined>();
  typeOf(await rooms.insertAll(new Map([['lobby', room]]))).is<ReadonlyMap<string, Room>>();
  typeOf(await rooms.insertAll([['lobby', room]])).is<ReadonlyMap<string, Room>>();
  typeOf(await rooms.delete('lobby')).is<boolean>();
  typeOf(await rooms.deleteAll(['lobby'])).is<ReadonlySet<string>>();
  typeOf(await rooms.deleteAll(new Set(['lobby']))).is<ReadonlySet<string>>();
  typeOf(await rooms.remove('lobby')).is<boolean>();
  typeOf(await rooms.removeAll(new Set(['lobby']))).is<ReadonlyMap<string, Room>>();
  typeOf(await rooms.updateIf('lobby', room, room)).is<boolean>();
  typeOf(await rooms.removeIf('lobby', room)).is<boolean>();
  typeOf(await rooms.clear()).is<void>();
  rooms.close();

  // @ts-expect-error a value has all its fields
  await rooms.set('lobby', { host: 'ada' });
  // @ts-expect-error keys are strings
  await rooms.insert(5, room);
  // @ts-expect-error the entries come in a map
  await rooms.setAll({ lobby: room });
  // @ts-expect-error the entries are of another type
  await rooms.insertAll([['lobby', 'ada']]);
  // @ts-expect-error many keys come in a list or a set
  await rooms.removeAll('lobby');
  // @ts-expect-error the old value is missing
  await rooms.updateIf('lobby', room);
  // @ts-expect-error the result is a promise
  if ((rooms.delete('lobby') as Promise<boolean>) === true) rooms.close();
}

export function move(rooms: HamokMap<string, Room>, queueSnapshot: { queueId: string; keys: string[] }): void {
  const snapshot: HamokMapSnapshot = rooms.export();

  typeOf(snapshot).is<{ mapId: string; keys: string[]; values: string[] }>();
  typeOf(rooms.import(snapshot)).is<void>();
  rooms.import(JSON.parse(JSON.stringify(snapshot)) as HamokMapSnapshot, true);

  // @ts-expect-error the snapshot of another kind
  rooms.import(queueSnapshot);
  // @ts-expect-error whether to emit is a boolean
  rooms.import(snapshot, 'insert');
}

/** Functions for any collection, and for any map. */
export function generalise(rooms: HamokMap<string, Room>): unknown[] {
  const any: AnyCollection = rooms;
  const closing: Pick<Collection<HamokMapEventMap<string, Room>>, 'id' | 'ready' | 'close'> = rooms;
  const entries: EntryCollection<string, Room, HamokMapEventMap<string, Room>> = rooms;
  const unknowns: HamokMap<string, unknown> = rooms;

  return [any.id, closing, entries.set('lobby', room), unknowns];
}

/** A base map of a user's: it holds the entries in another form. */
export class CountingMap<K, V> extends Map<K, V> implements BaseMap<K, V> {
  writes = 0;

  getAll(keys: Iterable<K>): ReadonlyMap<K, V> {
    return new Map([...keys].flatMap((key) => (this.has(key) ? [[key, this.get(key) as V]] : [])));
  }

  override set(key: K, value: V, callback?: (oldValue: V | undefined) => void): this {
    callback?.(this.get(key));
    this.writes++;

    return super.set(key, value);
  }

  setAll(entries: ReadonlyMap<K, V>, callback?: (result: BaseMapUpdateResult<K, V>) => void): void {
    const result: BaseMapUpdateResult<K, V> = { inserted: [], updated: [] };

    for (const [key, value] of entries) {
      this.set(key, value, (oldValue) => {
        if (oldValue === undefined) result.inserted.push([key, value]);
        else result.updated.push([key, oldValue, value]);
      });
    }
    callback?.(result);
  }

  insert(key: K, value: V): V | undefined {
    const existing = this.get(key);

    if (existing === undefined) this.set(key, value);

    return existing;
  }

  insertAll(entries: ReadonlyMap<K, V> | [K, V][]): ReadonlyMap<K, V> {
    const existing = this.getAll([...entries].map(([key]) => key));

    for (const [key, value] of entries) this.insert(key, value);

    return existing;
  }

  deleteAll(keys: Iterable<K>): K[] {
    return [...keys].filter((key) => this.delete(key));
  }

  remove(key: K): V | undefined {
    const value = this.get(key);

    this.delete(key);

    return value;
  }

  removeAll(keys: Iterable<K>): ReadonlyMap<K, V> {
    const removed = this.getAll(keys);

    this.deleteAll(removed.keys());

    return removed;
  }
}

export function useBaseMaps(hamok: Hamok): void {
  const memory: BaseMap<string, Room> = new MemoryBaseMap<string, Room>();

  memory.set('lobby', room, (oldValue) => typeOf(oldValue).is<Room | undefined>());
  memory.setAll(new Map([['lobby', room]]), ({ inserted, updated }) => {
    typeOf(inserted).is<[key: string, value: Room][]>();
    typeOf(updated).is<[key: string, oldValue: Room, newValue: Room][]>();
  });
  typeOf(memory.deleteAll(['lobby'])).is<string[]>();
  typeOf(memory.remove('lobby')).is<Room | undefined>();
  typeOf(memory.removeAll(new Set(['lobby']))).is<ReadonlyMap<string, Room>>();
  typeOf(memory.insertAll([['lobby', room]])).is<ReadonlyMap<string, Room>>();
  hamok.createMap<string, Room>({ mapId: 'rooms', baseMap: new CountingMap() });

  // @ts-expect-error it lacks the operations on many entries
  const incomplete: BaseMap<string, Room> = new Map<string, Room>();

  incomplete.clear();
}
