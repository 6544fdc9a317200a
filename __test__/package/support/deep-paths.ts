/** The paths within the package that users import, besides its root, and what they find there. */

export interface DeepPath {
  readonly path: string;
  /** What is there at run time. What the root exports too is the same object. */
  readonly values: readonly string[];
  readonly types: readonly string[];
}

export const deepPaths: readonly DeepPath[] = [
  {
    path: 'lib',
    values: [
      'Hamok',
      'HamokConnection',
      'HamokEmitter',
      'HamokError',
      'HamokGrid',
      'HamokMap',
      'HamokMessage',
      'HamokMessage_MessageProtocol',
      'HamokMessage_MessageType',
      'HamokQueue',
      'HamokRecord',
      'HamokRemoteMap',
      'MemoryBaseMap',
      'MemoryStoredRaftLogs',
      'addHamokLogTransport',
      'createHamokCodec',
      'createHamokJsonBinaryCodec',
      'createHamokJsonStringCodec',
      'createStrToUint8ArrayCodec',
      'setHamokLogLevel',
    ],
    types: ['BaseMap', 'HamokCodec', 'HamokConfig', 'HamokErrorCode', 'HamokEventMap', 'RaftLogs', 'RemoteMap'],
  },
  {
    path: 'lib/Hamok',
    values: ['Hamok'],
    types: [
      'HamokConfig',
      'HamokEventMap',
      'HamokFetchRemotePeersResponse',
      'HamokJoinProcessParams',
      'HamokMapBuilderConfig',
      'HamokObjectConfig',
      'HamokRemoteMapBuilderConfig',
    ],
  },
  { path: 'lib/HamokGrid', values: ['HamokGrid'], types: [] },
  {
    path: 'lib/HamokSnapshot',
    values: [],
    types: [
      'HamokEmitterSnapshot',
      'HamokMapSnapshot',
      'HamokQueueSnapshot',
      'HamokRecordSnapshot',
      'HamokRemoteMapSnapshot',
    ],
  },
  { path: 'lib/collections/BaseMap', values: ['MemoryBaseMap'], types: ['BaseMap', 'BaseMapUpdateResult'] },
  { path: 'lib/collections/HamokConnection', values: ['HamokConnection'], types: ['HamokConnectionEventMap'] },
  {
    path: 'lib/collections/HamokEmitter',
    values: ['HamokEmitter'],
    types: ['HamokEmitterBuilderConfig', 'HamokEmitterEventMap', 'HamokEmitterStats'],
  },
  { path: 'lib/collections/HamokMap', values: ['HamokMap'], types: ['HamokMapBuilderConfig', 'HamokMapEventMap'] },
  {
    path: 'lib/collections/HamokQueue',
    values: ['HamokQueue'],
    types: ['HamokQueueBuilderConfig', 'HamokQueueEventMap'],
  },
  {
    path: 'lib/collections/HamokRecord',
    values: ['HamokRecord'],
    types: ['HamokRecordBuilderConfig', 'HamokRecordEventMap', 'HamokRecordObject'],
  },
  {
    path: 'lib/collections/HamokRemoteMap',
    values: ['HamokRemoteMap'],
    types: ['HamokRemoteMapBuilderConfig', 'HamokRemoteMapEventMap'],
  },
  { path: 'lib/collections/RemoteMap', values: [], types: ['RemoteMap', 'RemoteMapUpdateResult'] },
  {
    path: 'lib/common/HamokCodec',
    values: [
      'createHamokCodec',
      'createHamokJsonBinaryCodec',
      'createHamokJsonStringCodec',
      'createStrToUint8ArrayCodec',
    ],
    types: ['HamokCodec', 'HamokDecoder', 'HamokEncoder'],
  },
  {
    path: 'lib/common/logger',
    values: ['addHamokLogTransport', 'setHamokLogLevel'],
    types: ['HamokLogLevel', 'HamokLogTransport'],
  },
  {
    path: 'lib/messages/HamokMessage',
    values: ['HamokMessage', 'HamokMessage_MessageProtocol', 'HamokMessage_MessageType'],
    types: [],
  },
  { path: 'lib/raft/LogEntry', values: [], types: ['LogEntry'] },
  {
    path: 'lib/raft/MemoryStoredRaftLogs',
    values: ['MemoryStoredRaftLogs'],
    types: ['MemoryStoredRaftLogsConfig', 'MemoryStoredRaftLogsEventMap'],
  },
  { path: 'lib/raft/RaftLogs', values: [], types: ['RaftLogs'] },
  { path: 'lib/raft/RaftState', values: [], types: ['RaftState', 'RaftStateName'] },
  { path: 'lib/stores/ExactStore', values: [], types: [] },
  { path: 'lib/stores/ExecutionContext', values: [], types: [] },
  { path: 'lib/stores/StaleWriteError', values: ['StaleWriteError'], types: [] },
  { path: 'lib/stores/StoreCodec', values: [], types: [] },
  { path: 'lib/stores/memory', values: ['StaleWriteError', 'createMemoryStore', 'MemoryDatabase'], types: [] },
  { path: 'lib/stores/postgres', values: ['StaleWriteError', 'createPostgresStore', 'postgresStoreSql'], types: [] },
  { path: 'lib/stores/redis', values: ['StaleWriteError', 'createRedisStore'], types: [] },
  { path: 'lib/stores/testing', values: ['storeChecks'], types: [] },
];
