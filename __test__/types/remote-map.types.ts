/** Compiled, never run: remote maps and their options; stores are in remote-map-stores.types.ts. */
import {
  type EqualValues,
  type Hamok,
  HamokRemoteMap,
  type HamokRemoteMapBuilderConfig,
  type HamokRemoteMapSnapshot,
  type RemoteMap,
  type RemoteMapKeys,
} from 'hamok';
import { typeOf } from './type-of';

interface Session {
  user: string;
  startedAt: number;
}

const session: Session = { user: 'ada', startedAt: 0 };
const equal: EqualValues<Session> = (a, b) => a.user === b.user;

export async function create(hamok: Hamok, remoteMap: RemoteMap<string, Session>): Promise<void> {
  const config: HamokRemoteMapBuilderConfig<string, Session> = {
    mapId: 'sessions',
    remoteMap,
    keyCodec: { encode: (key) => Buffer.from(key), decode: (data) => Buffer.from(data).toString() },
    noEvents: false,
    equalValues: equal,
    requestTimeoutInMs: 5000,
    abandonAfterMs: 30_000,
    maxOutboundMessageKeys: 1000,
    maxOutboundMessageValues: 1000,
  };

  typeOf(hamok.createRemoteMap(config)).is<HamokRemoteMap<string, Session>>();
  typeOf(hamok.createRemoteMap({ mapId: 'inferred', remoteMap })).is<HamokRemoteMap<string, Session>>();
  typeOf(await hamok.createRemoteMap(config).ready).is<HamokRemoteMap<string, Session>>();
  hamok.getOrCreateRemoteMap<string, Session>(config, (existed) => typeOf(existed).is<boolean>());

  // @ts-expect-error a remote map has a store
  hamok.createRemoteMap<string, Session>({ mapId: 'sessions' });
  // @ts-expect-error the store has keys of another type
  hamok.createRemoteMap<number, Session>({ mapId: 'sessions', remoteMap });
  // @ts-expect-error a Map is no store
  hamok.createRemoteMap<string, Session>({ mapId: 'sessions', remoteMap: new Map<string, Session>() });
  // @ts-expect-error a remote map has no base map
  hamok.createRemoteMap<string, Session>({ mapId: 'sessions', remoteMap, baseMap: new Map() });
  // @ts-expect-error a remote map is made by createRemoteMap()
  new HamokRemoteMap<string, Session>();
}

export async function read(sessions: HamokRemoteMap<string, Session>): Promise<void> {
  typeOf(await sessions.size()).is<number>();
  typeOf(await sessions.isEmpty()).is<boolean>();
  typeOf(await sessions.get('a')).is<Session | undefined>();
  typeOf(await sessions.getAll(['a'])).is<ReadonlyMap<string, Session>>();
  typeOf(await sessions.getAll(new Set(['a']).values())).is<ReadonlyMap<string, Session>>();
  typeOf(sessions.keys()).is<RemoteMapKeys<string>>();
  typeOf([...(await sessions.keys())]).is<string[]>();
  for await (const key of sessions.keys()) typeOf(key).is<string>();
  for await (const [key, value] of sessions.iterator()) typeOf([key, value]).is<(string | Session)[]>();
  typeOf(sessions.remoteMap).is<RemoteMap<string, Session>>();
  typeOf(sessions.emitEvents).is<boolean>();
  typeOf(sessions.equalValues).is<EqualValues<Session>>();

  // @ts-expect-error the size is a function here
  sessions.size > 5;
  // @ts-expect-error keys are strings
  await sessions.get(5);
  // @ts-expect-error the store's keys are not there at once
  for (const key of sessions.keys()) void key;
  // @ts-expect-error the store is not replaced
  sessions.remoteMap = {} as RemoteMap<string, Session>;
}

export async function write(sessions: HamokRemoteMap<string, Session>): Promise<void> {
  typeOf(await sessions.set('a', session)).is<Session | undefined>();
  typeOf(await sessions.setAll(new Map([['a', session]]))).is<ReadonlyMap<string, Session>>();
  typeOf(await sessions.insert('a', session)).is<Session | undefined>();
  typeOf(await sessions.insertAll([['a', session]])).is<ReadonlyMap<string, Session>>();
  typeOf(await sessions.delete('a')).is<boolean>();
  typeOf(await sessions.deleteAll(['a'])).is<ReadonlySet<string>>();
  typeOf(await sessions.remove('a')).is<boolean>();
  typeOf(await sessions.removeAll(['a'])).is<ReadonlyMap<string, Session>>();
  typeOf(await sessions.updateIf('a', session, session)).is<boolean>();
  typeOf(await sessions.clear()).is<void>();
  typeOf(await sessions.sync()).is<void>();

  // @ts-expect-error a value has all its fields
  await sessions.set('a', { user: 'ada' });
  // @ts-expect-error that is one of HamokMap
  await sessions.removeIf('a', session);
}

export function move(sessions: HamokRemoteMap<string, Session>): void {
  const snapshot: HamokRemoteMapSnapshot = sessions.export();

  typeOf(snapshot).is<{ mapId: string; appliedCommitIndex: number }>();
  sessions.import(snapshot);

  // @ts-expect-error the snapshot of another kind
  sessions.import({ mapId: 'sessions', keys: [], values: [] });
}
