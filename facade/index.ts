/** The package: everything that users import from `hamok`. */
export type { BaseMap } from './collections/BaseMap';
export { HamokConnection } from './collections/HamokConnection';
export { HamokEmitter } from './collections/HamokEmitter';
export { HamokMap } from './collections/HamokMap';
export { HamokQueue } from './collections/HamokQueue';
export { HamokRecord } from './collections/HamokRecord';
export { HamokRemoteMap } from './collections/HamokRemoteMap';
export type { RemoteMap, RemoteMapUpdateResult } from './collections/RemoteMap';
export type { RemoteMapContext } from './collections/RemoteMapContext';
export { HamokError, type HamokErrorCode } from './common/errors';
export { createHamokJsonBinaryCodec, type HamokCodec } from './common/HamokCodec';
export { addHamokLogTransport, type HamokLogLevel, setHamokLogLevel } from './common/logger';
export {
  Hamok,
  type HamokConfig,
  type HamokEmitterBuilderConfig,
  type HamokEventMap,
  type HamokFetchRemotePeersResponse,
  type HamokJoinProcessParams,
  type HamokMapBuilderConfig,
  type HamokObjectConfig,
  type HamokQueueBuilderConfig,
  type HamokRecordBuilderConfig,
  type HamokRemoteMapBuilderConfig,
} from './Hamok';
export type { HamokMapSnapshot, HamokRemoteMapSnapshot } from './HamokSnapshot';
export { HamokMessage } from './messages/HamokMessage';
export type { LogEntry } from './raft/LogEntry';
export { MemoryStoredRaftLogs } from './raft/MemoryStoredRaftLogs';
export type { RaftLogs } from './raft/RaftLogs';
