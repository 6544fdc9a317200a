/** The package: everything that users import from `hamok`. */
// biome-ignore-all assist/source/organizeImports: index.d.ts has the same order and the same headings

// A peer

export { Hamok } from './Hamok';
export type { HamokConfig, HamokObjectConfig, RaftConfig } from './HamokConfig';
export type { HamokJoinProcessParams, HamokFetchRemotePeersResponse } from './node/JoinProcess';
export type { HamokEventMap, HamokState } from './HamokEventMap';
export { HamokGrid } from './HamokGrid';

// What all collections have

export type { AnyCollection } from './node/Collections';
export type { Collection, CollectionEventMap } from './collections/Collection';
export type { CollectionConfig } from './collections/CollectionConfig';
export { HamokConnection, type HamokConnectionEventMap } from './collections/HamokConnection';
export type { EventMap, TypedEmitter } from './node/TypedEmitter';

// Maps

export { HamokMap, type HamokMapBuilderConfig, type HamokMapEventMap } from './collections/HamokMap';
export type { EntryCollection } from './collections/EntryCollection';
export type { EqualValues } from './collections/entries/equality';
export type { HamokMapSnapshot } from './HamokSnapshot';
export { type BaseMap, type BaseMapUpdateResult, MemoryBaseMap } from './collections/BaseMap';

// Remote maps

export {
  HamokRemoteMap,
  type HamokRemoteMapBuilderConfig,
  type HamokRemoteMapEventMap,
  type RemoteMapReadOptions,
} from './collections/HamokRemoteMap';
export type { RemoteMap, RemoteMapUpdateResult } from './collections/RemoteMap';
export type { RemoteMapContext } from './collections/remote-map/RemoteMapContext';
export type { HamokRemoteMapStats } from './collections/remote-map/StoreWatch';
export type { RemoteMapKeys } from './collections/remote-map/RemoteMapKeys';
export type { HamokRemoteMapSnapshot } from './HamokSnapshot';
export type { StoreAction, StoreOperation, StoreResult, StoreValue } from './stores/ExactStore';
export type { BatchContext } from './stores/ExecutionContext';
export { type StaleWriteCode, StaleWriteError } from './stores/StaleWriteError';

// Records

export {
  HamokRecord,
  type HamokRecordBuilderConfig,
  type HamokRecordEventMap,
  type HamokRecordObject,
} from './collections/HamokRecord';
export type { HamokRecordSnapshot } from './HamokSnapshot';

// Queues

export { HamokQueue, type HamokQueueBuilderConfig, type HamokQueueEventMap } from './collections/HamokQueue';
export type { HamokQueueSnapshot } from './HamokSnapshot';

// Emitters

export {
  HamokEmitter,
  type HamokEmitterBuilderConfig,
  type HamokEmitterEventMap,
  type HamokEmitterStats,
} from './collections/HamokEmitter';
export type {
  HamokEmitterSubscriptions,
  HamokEmitterSubscriptionsEventMap,
} from './collections/emitter/HamokEmitterSubscriptions';
export type { HamokEmitterSnapshot } from './HamokSnapshot';

// Codecs

export {
  type HamokCodec,
  type HamokEncoder,
  type HamokDecoder,
  createHamokCodec,
  createHamokJsonBinaryCodec,
  createHamokJsonStringCodec,
  createStrToUint8ArrayCodec,
} from './common/HamokCodec';

// Messages

export { HamokMessage, HamokMessage_MessageProtocol, HamokMessage_MessageType } from './messages/HamokMessage';

// The ordering engine and its log

export type { RaftView } from './raft/RaftView';
export type { RaftState, RaftStateName } from './raft/RaftState';
export type { RaftLogs, RaftLogsEventMap } from './raft/RaftLogs';
export type { LogEntry } from './raft/LogEntry';
export {
  MemoryStoredRaftLogs,
  type MemoryStoredRaftLogsConfig,
  type MemoryStoredRaftLogsEventMap,
} from './raft/MemoryStoredRaftLogs';

// Errors and logging

export { HamokError, type HamokErrorCode } from './common/errors';
export { addHamokLogTransport, type HamokLogLevel, type HamokLogTransport, setHamokLogLevel } from './common/logger';
