/** Compiled, never run: the paths within the package have the types of its root, and nothing besides. */
import * as root from 'hamok';
import * as lib from 'hamok/lib';
// @ts-expect-error where the native library is loaded
import type * as native from 'hamok/lib/binding/native';
import { type BaseMap, type BaseMapUpdateResult, MemoryBaseMap } from 'hamok/lib/collections/BaseMap';
import { HamokConnection, type HamokConnectionEventMap } from 'hamok/lib/collections/HamokConnection';
import {
  HamokEmitter,
  type HamokEmitterBuilderConfig,
  type HamokEmitterEventMap,
  type HamokEmitterStats,
} from 'hamok/lib/collections/HamokEmitter';
import { HamokMap, type HamokMapBuilderConfig, type HamokMapEventMap } from 'hamok/lib/collections/HamokMap';
import { HamokQueue, type HamokQueueBuilderConfig, type HamokQueueEventMap } from 'hamok/lib/collections/HamokQueue';
import {
  HamokRecord,
  type HamokRecordBuilderConfig,
  type HamokRecordEventMap,
  type HamokRecordObject,
} from 'hamok/lib/collections/HamokRecord';
import {
  HamokRemoteMap,
  type HamokRemoteMapBuilderConfig,
  type HamokRemoteMapEventMap,
} from 'hamok/lib/collections/HamokRemoteMap';
import type { RemoteMap, RemoteMapUpdateResult } from 'hamok/lib/collections/RemoteMap';
import {
  createHamokCodec,
  createHamokJsonBinaryCodec,
  createHamokJsonStringCodec,
  createStrToUint8ArrayCodec,
  type HamokCodec,
  type HamokDecoder,
  type HamokEncoder,
} from 'hamok/lib/common/HamokCodec';
// @ts-expect-error a part of a file that has others for users
import { addHamokLogTransport, createLogger, type HamokLogLevel, setHamokLogLevel } from 'hamok/lib/common/logger';
import {
  Hamok,
  type HamokConfig,
  type HamokEventMap,
  type HamokFetchRemotePeersResponse,
  type HamokJoinProcessParams,
  type HamokObjectConfig,
} from 'hamok/lib/Hamok';
import { HamokGrid } from 'hamok/lib/HamokGrid';
import type {
  HamokEmitterSnapshot,
  HamokMapSnapshot,
  HamokQueueSnapshot,
  HamokRecordSnapshot,
  HamokRemoteMapSnapshot,
} from 'hamok/lib/HamokSnapshot';
import { HamokMessage, HamokMessage_MessageProtocol, HamokMessage_MessageType } from 'hamok/lib/messages/HamokMessage';
// @ts-expect-error what carries out a peer
import type { PeerCore } from 'hamok/lib/node/PeerCore';
import type { LogEntry } from 'hamok/lib/raft/LogEntry';
import { MemoryStoredRaftLogs, type MemoryStoredRaftLogsConfig } from 'hamok/lib/raft/MemoryStoredRaftLogs';
import type { RaftLogs } from 'hamok/lib/raft/RaftLogs';
import type { RaftState } from 'hamok/lib/raft/RaftState';
import { typeOf } from './type-of';

type Person = { name: string };
type Events = { came: [name: string] };

export function values(): void {
  typeOf(lib).is<typeof root>();
  typeOf(Hamok).is<typeof root.Hamok>();
  typeOf(HamokGrid).is<typeof root.HamokGrid>();
  typeOf(HamokConnection).is<typeof root.HamokConnection>();
  typeOf(HamokMap).is<typeof root.HamokMap>();
  typeOf(HamokRemoteMap).is<typeof root.HamokRemoteMap>();
  typeOf(HamokRecord).is<typeof root.HamokRecord>();
  typeOf(HamokQueue).is<typeof root.HamokQueue>();
  typeOf(HamokEmitter).is<typeof root.HamokEmitter>();
  typeOf(MemoryBaseMap).is<typeof root.MemoryBaseMap>();
  typeOf(MemoryStoredRaftLogs).is<typeof root.MemoryStoredRaftLogs>();
  typeOf(HamokMessage).is<typeof root.HamokMessage>();
  typeOf(HamokMessage_MessageProtocol).is<typeof root.HamokMessage_MessageProtocol>();
  typeOf(HamokMessage_MessageType).is<typeof root.HamokMessage_MessageType>();
  typeOf(createHamokCodec).is<typeof root.createHamokCodec>();
  typeOf(createHamokJsonBinaryCodec).is<typeof root.createHamokJsonBinaryCodec>();
  typeOf(createHamokJsonStringCodec).is<typeof root.createHamokJsonStringCodec>();
  typeOf(createStrToUint8ArrayCodec).is<typeof root.createStrToUint8ArrayCodec>();
  typeOf(addHamokLogTransport).is<typeof root.addHamokLogTransport>();
  typeOf(setHamokLogLevel).is<typeof root.setHamokLogLevel>();
}

export function types(): void {
  typeOf({} as [Hamok, lib.Hamok]).is<[root.Hamok, root.Hamok]>();
  typeOf({} as [HamokConfig, HamokObjectConfig]).is<[root.HamokConfig, root.HamokObjectConfig]>();
  typeOf({} as [HamokEventMap, HamokJoinProcessParams]).is<[root.HamokEventMap, root.HamokJoinProcessParams]>();
  typeOf({} as HamokFetchRemotePeersResponse).is<root.HamokFetchRemotePeersResponse>();
  typeOf({} as HamokConnectionEventMap).is<root.HamokConnectionEventMap>();
  typeOf({} as BaseMap<string, Person>).is<root.BaseMap<string, Person>>();
  typeOf({} as BaseMapUpdateResult<string, Person>).is<root.BaseMapUpdateResult<string, Person>>();
  typeOf({} as HamokMapBuilderConfig<string, Person>).is<root.HamokMapBuilderConfig<string, Person>>();
  typeOf({} as HamokMapEventMap<string, Person>).is<root.HamokMapEventMap<string, Person>>();
  typeOf({} as RemoteMap<string, Person>).is<root.RemoteMap<string, Person>>();
  typeOf({} as RemoteMapUpdateResult<string, Person>).is<root.RemoteMapUpdateResult<string, Person>>();
  typeOf({} as HamokRemoteMapBuilderConfig<string, Person>).is<root.HamokRemoteMapBuilderConfig<string, Person>>();
  typeOf({} as HamokRemoteMapEventMap<string, Person>).is<root.HamokRemoteMapEventMap<string, Person>>();
  typeOf({} as HamokRecordBuilderConfig<Person>).is<root.HamokRecordBuilderConfig<Person>>();
  typeOf({} as HamokRecordEventMap<Person>).is<root.HamokRecordEventMap<Person>>();
  typeOf({} as HamokRecordObject).is<root.HamokRecordObject>();
  typeOf({} as HamokQueueBuilderConfig<Person>).is<root.HamokQueueBuilderConfig<Person>>();
  typeOf({} as HamokQueueEventMap<Person>).is<root.HamokQueueEventMap<Person>>();
  typeOf({} as HamokEmitterBuilderConfig<Events>).is<root.HamokEmitterBuilderConfig<Events>>();
  typeOf({} as [HamokEmitterEventMap, HamokEmitterStats]).is<[root.HamokEmitterEventMap, root.HamokEmitterStats]>();
  typeOf({} as [HamokMapSnapshot, HamokRemoteMapSnapshot]).is<[root.HamokMapSnapshot, root.HamokRemoteMapSnapshot]>();
  typeOf({} as [HamokRecordSnapshot, HamokQueueSnapshot]).is<[root.HamokRecordSnapshot, root.HamokQueueSnapshot]>();
  typeOf({} as HamokEmitterSnapshot).is<root.HamokEmitterSnapshot>();
  typeOf({} as HamokCodec<Person, string>).is<root.HamokCodec<Person, string>>();
  typeOf({} as HamokEncoder<Person, string>).is<root.HamokEncoder<Person, string>>();
  typeOf({} as HamokDecoder<Person, string>).is<root.HamokDecoder<Person, string>>();
  typeOf({} as [HamokLogLevel, LogEntry, RaftLogs]).is<[root.HamokLogLevel, root.LogEntry, root.RaftLogs]>();
  typeOf({} as [RaftState, MemoryStoredRaftLogsConfig]).is<[root.RaftState, root.MemoryStoredRaftLogsConfig]>();
}

/** Objects go from one import to the other, both ways. */
export function mix(hamok: Hamok, store: RemoteMap<string, Person>): unknown[] {
  const map: root.HamokMap<string, Person> = hamok.createMap<string, Person>({ mapId: 'people' });
  const sameMap: HamokMap<string, Person> = map;
  const remoteMap: HamokRemoteMap<string, Person> = new root.Hamok().createRemoteMap({
    mapId: 'far',
    remoteMap: store,
  });
  const sameRemoteMap: root.HamokRemoteMap<string, Person> = remoteMap;
  const emitter: root.HamokEmitter<Events> = hamok.createEmitter<Events>({ emitterId: 'events' });
  const sameEmitter: HamokEmitter<Events> = emitter;
  const peers: root.Hamok[] = [new Hamok(), new root.Hamok(), new lib.Hamok()];

  hamok.accept(new root.HamokMessage());
  new root.Hamok().accept(new HamokMessage());

  return [sameMap, sameRemoteMap, sameEmitter, peers, map instanceof HamokMap, sameMap instanceof root.HamokMap];
}

/** What is internal has no types, even where it can be loaded: see also the imports. */
export type Internals = [PeerCore, native.NativePeer];

export function hidden(hamok: Hamok, map: HamokMap<string, Person>): unknown[] {
  return [
    createLogger,
    // @ts-expect-error what a collection is made on
    map.port,
    // @ts-expect-error how it encodes
    map.codec,
    // @ts-expect-error how it emits
    map.dispatch,
    // @ts-expect-error what carries out a peer
    hamok.core,
    // @ts-expect-error this class is there for its type only
    root.Collection,
  ];
}
