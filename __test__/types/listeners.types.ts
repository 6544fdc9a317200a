/** Compiled, never run: the events of everything that users listen to, in each way to listen. */
import { once } from 'node:events';
import type {
  Hamok,
  HamokConnection,
  HamokConnectionEventMap,
  HamokEventMap,
  HamokMap,
  HamokMapEventMap,
  HamokMessage,
  HamokQueue,
  HamokQueueEventMap,
  HamokRecord,
  HamokRecordEventMap,
  HamokRemoteMap,
  HamokRemoteMapEventMap,
  HamokState,
  MemoryStoredRaftLogs,
  MemoryStoredRaftLogsEventMap,
  RaftLogsEventMap,
} from 'hamok';
import { typeOf } from './type-of';

type Person = { name: string; age: number };

export function peer(hamok: Hamok): void {
  const chained: Hamok = hamok
    .on('message', (message) => typeOf(message).is<HamokMessage>())
    .once('joined', () => {})
    .addListener('leader-changed', (leaderId, prevLeaderId) => {
      typeOf(leaderId).is<string | undefined>();
      typeOf(prevLeaderId).is<string | undefined>();
    })
    .prependListener('state-changed', (newState, prevState) => {
      typeOf(newState).is<HamokState>();
      typeOf(prevState).is<HamokState>();
    })
    .prependOnceListener('error', (error) => typeOf(error).is<Error>())
    .on('commit', (commitIndex, message) => {
      typeOf(commitIndex).is<number>();
      typeOf(message.keys).is<Uint8Array[]>();
      typeOf(message.storageId).is<string | undefined>();
    })
    .on('reformed', ({ gridId, parentGridId, epoch, missingPeerIds }) => {
      typeOf(gridId).is<string>();
      typeOf(parentGridId).is<string>();
      typeOf(epoch).is<number>();
      typeOf(missingPeerIds).is<string[]>();
    })
    .on('grid-merged', ({ gridId, mergedGridId, epoch }) => {
      typeOf(gridId).is<string>();
      typeOf(mergedGridId).is<string>();
      typeOf(epoch).is<number>();
    })
    .off('heartbeat', () => {})
    .removeListener('close', () => {})
    .removeAllListeners();
  const byPeer = (peerId: string): void => void peerId;

  for (const event of ['remote-peer-joined', 'remote-peer-left', 'no-heartbeat-from', 'unsynced-peer'] as const) {
    chained.on(event, byPeer);
  }
  for (const event of ['follower', 'candidate', 'leader', 'joined', 'rejoining', 'left', 'close'] as const) {
    chained.once(event, () => {});
  }
  for (const event of ['quorum-lost', 'quorum-restored'] as const) {
    chained.once(event, () => {});
    typeOf({} as HamokEventMap[typeof event]).is<[]>();
  }
  // @ts-expect-error a lost quorum has no argument
  hamok.on('quorum-lost', (peerId: string) => peerId);
  typeOf(hamok.emit('remote-peer-left', 'b')).is<boolean>();
  typeOf(hamok.listenerCount('message')).is<number>();
  typeOf({} as HamokEventMap['commit']).is<[commitIndex: number, message: HamokMessage]>();
}

/** Names and listeners that come as variables. */
export function listen<E extends keyof HamokEventMap>(
  hamok: Hamok,
  event: E,
  listener: (...args: HamokEventMap[E]) => void,
): () => void {
  hamok.on(event, listener);

  return () => void hamok.off(event, listener);
}

export async function awaitEvents(hamok: Hamok, map: HamokMap<string, Person>): Promise<void> {
  await once(hamok, 'joined');
  await Promise.all([once(map, 'insert'), once(map.connection, 'connected')]);
}

export function wrongOnPeer(hamok: Hamok): void {
  // @ts-expect-error there is no such event
  hamok.on('started', () => {});
  // @ts-expect-error there is no such event to take a listener off
  hamok.off('member-joined', () => {});
  // @ts-expect-error a peer id is a string
  hamok.on('remote-peer-joined', (peerId: number) => void peerId);
  // @ts-expect-error the event has no arguments
  hamok.once('joined', (peerId: string) => void peerId);
  // @ts-expect-error a listener that wants more than the event has
  hamok.addListener('message', (message: HamokMessage, index: number) => void [message, index]);
  // @ts-expect-error there may be no leader
  hamok.prependListener('leader-changed', (leaderId: string) => void leaderId);
  // @ts-expect-error a peer id is missing
  hamok.emit('remote-peer-left');
  // @ts-expect-error a listener is a function
  hamok.removeListener('left', 'left');
}

export function map(people: HamokMap<string, Person>): void {
  const chained: HamokMap<string, Person> = people
    .on('insert', (key, value) => {
      typeOf(key).is<string>();
      typeOf(value).is<Person>();
    })
    .once('update', (key, oldValue, newValue) => typeOf([key, oldValue, newValue]).is<(string | Person)[]>())
    .addListener('remove', (_key, { age }) => typeOf(age).is<number>())
    .prependListener('clear', () => {})
    .off('close', () => {});

  chained.emit('update', 'ada', { name: 'Ada', age: 1 }, { name: 'Ada', age: 2 });
  typeOf({} as HamokMapEventMap<string, Person>['insert']).is<[key: string, value: Person]>();

  // @ts-expect-error there is no such event
  people.on('delete', () => {});
  // @ts-expect-error keys are strings
  people.on('insert', (key: number) => void key);
  // @ts-expect-error the new value comes third
  people.once('update', (_key, _oldValue, newValue: string) => void newValue);
  // @ts-expect-error clear() has no arguments
  people.removeListener('clear', (key: string) => void key);
  // @ts-expect-error the value is missing
  people.emit('insert', 'ada');
  // @ts-expect-error a remote map has this one
  people.on('events-lost', () => {});
}

export function remoteMap(people: HamokRemoteMap<number, Person>): void {
  people
    .on('insert', (key, value) => typeOf([key, value]).is<(number | Person)[]>())
    .once('update', (_key, oldValue, newValue) => typeOf([oldValue, newValue]).is<Person[]>())
    .addListener('remove', (key) => typeOf(key).is<number>())
    .prependListener('clear', () => {})
    .on('events-lost', () => {})
    .off('close', () => {});
  typeOf({} as HamokRemoteMapEventMap<number, Person>['remove']).is<[key: number, value: Person]>();

  // @ts-expect-error keys are numbers
  people.addListener('insert', (key: string) => void key);
  // @ts-expect-error there is no such event
  people.once('synced', () => {});
}

export function record(person: HamokRecord<Person>): void {
  person
    .on('insert', ({ key, value }) => {
      typeOf(key).is<'name' | 'age'>();
      typeOf(value).is<string | number>();
    })
    .once('update', ({ key, oldValue, newValue }) => {
      typeOf(key).is<keyof Person>();
      typeOf([oldValue, newValue]).is<(string | number)[]>();
    })
    .addListener('remove', ({ key }) => typeOf(key).is<keyof Person>())
    .prependListener('clear', () => {})
    .off('close', () => {});
  person.emit('insert', { key: 'age', value: 1 });
  typeOf({} as HamokRecordEventMap<Person>['clear']).is<[]>();

  // @ts-expect-error the arguments come in one object
  person.on('insert', (key: string, value: number) => void [key, value]);
  // @ts-expect-error the values have other names
  person.on('update', ({ prevValue }) => void prevValue);
  // @ts-expect-error there is no such field
  person.emit('remove', { key: 'size', value: 1 });
}

export function queue(people: HamokQueue<Person>): void {
  people
    .on('add', (item) => typeOf(item).is<Person>())
    .once('remove', (item) => typeOf(item).is<Person>())
    .addListener('empty', () => {})
    .prependListener('not-empty', () => {})
    .off('close', () => {});
  people.emit('not-empty');
  typeOf({} as HamokQueueEventMap<Person>['add']).is<[item: Person]>();

  // @ts-expect-error there is no such event
  people.on('push', () => {});
  // @ts-expect-error an item is no string
  people.on('add', (item: string) => void item);
  // @ts-expect-error `empty` has no arguments
  people.once('empty', (item: Person) => void item);
}

export function connection(link: HamokConnection): void {
  link
    .on('connected', () => {})
    .once('disconnected', () => {})
    .addListener('leader-changed', (leaderId) => typeOf(leaderId).is<string | undefined>())
    .prependListener('remote-peer-removed', (peerId) => typeOf(peerId).is<string>())
    .off('close', () => {});
  typeOf(link.config.storageId).is<string>();
  typeOf(link.highestSeenCommitIndex).is<number>();
  typeOf(link.grid.remotePeerIds).is<ReadonlySet<string>>();
  typeOf({} as HamokConnectionEventMap['connected']).is<[]>();

  // @ts-expect-error there is no such event
  link.on('message', () => {});
  // @ts-expect-error this is read-only
  link.connected = true;
}

export function logs(log: MemoryStoredRaftLogs): void {
  log
    .on('committed', (index, message) => typeOf([index, message]).is<(number | HamokMessage)[]>())
    .once('expired', (index) => typeOf(index).is<number>())
    .addListener('removed', (_index, message) => typeOf(message.type).is<HamokMessage['type']>())
    .prependListener('highWaterMark', (bytesInMemory) => typeOf(bytesInMemory).is<number>());
  typeOf({} as RaftLogsEventMap['removed']).is<MemoryStoredRaftLogsEventMap['expired']>();

  // @ts-expect-error there is no such event
  log.on('appended', () => {});
  // @ts-expect-error bytes are a number
  log.once('highWaterMark', (bytes: bigint) => void bytes);
}
