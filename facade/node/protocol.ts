/** The numbers in what the facade and the native side pack for each other. */

/** Kinds of collections. An id belongs to one kind in the whole grid. */
export const CollectionKind = { MAP: 1, REMOTE_MAP: 2, RECORD: 3, QUEUE: 4, EMITTER: 5 } as const;

export type CollectionKind = (typeof CollectionKind)[keyof typeof CollectionKind];

/** What users call the kinds, within a sentence. */
export const kindNames: Readonly<Record<CollectionKind, string>> = {
  [CollectionKind.MAP]: 'map',
  [CollectionKind.REMOTE_MAP]: 'remote map',
  [CollectionKind.RECORD]: 'record',
  [CollectionKind.QUEUE]: 'queue',
  [CollectionKind.EMITTER]: 'emitter',
};

/** What an operation asks for. */
export const Opcode = {
  SET_ALL: 1,
  INSERT_ALL: 2,
  REMOVE_ALL: 3,
  CLEAR: 4,
  COMPARE: 5,
  REMOTE: 6,
  MESSAGE: 7,
  COMPARE_ALL: 8,
  PUSH: 9,
  POP: 10,
  RECLAIM: 11,
} as const;

/** What a call about an emitter's events is. */
export const DeliveryCall = { PUBLISH: 1, ANSWER: 2 } as const;

/** What `COMPARE` does when nothing has changed. */
export const CompareAction = { CHECK: 0, SET: 1, REMOVE: 2 } as const;

export type CompareAction = (typeof CompareAction)[keyof typeof CompareAction];

/** What `REMOTE` asks the leader to do with the user's store. */
export const RemoteMethod = {
  SET: 1,
  SET_ALL: 2,
  INSERT: 3,
  INSERT_ALL: 4,
  DELETE: 5,
  DELETE_ALL: 6,
  REMOVE: 7,
  REMOVE_ALL: 8,
  UPDATE_IF: 9,
  CLEAR: 10,
} as const;

export type RemoteMethod = (typeof RemoteMethod)[keyof typeof RemoteMethod];

/** What came of an order to execute an operation or to claim a store. */
export const ReplyTag = { FAILED: 0, SUCCEEDED: 1, ACQUIRED: 2, REFUSED: 3, STANDS_STILL: 4 } as const;

/** What a record of the native stream tells. */
export const RecordKind = {
  MESSAGE: 1,
  STATE: 2,
  LEADER: 3,
  PEER_JOINED: 4,
  PEER_LEFT: 5,
  NO_HEARTBEAT: 6,
  JOINED: 7,
  REJOINING: 8,
  LEFT: 9,
  READY: 10,
  CHANGES: 11,
  COMPLETED: 12,
  COMMIT: 13,
  EXECUTE: 14,
  HALT: 15,
  REMOTE_EVENTS: 16,
  PROGRESS: 17,
  EVENTS_LOST: 18,
  ERROR: 19,
  LOG: 20,
  DELIVERY: 21,
  LOG_REMOVED: 22,
  QUORUM_LOST: 23,
  QUORUM_RESTORED: 24,
  REFORMED: 25,
  GRID_MERGED: 26,
  CLAIM: 27,
} as const;

/** What a change did to an entry; also the kinds of the events that a remote map's leader reports. */
export const ChangeKind = { INSERT: 1, UPDATE: 2, REMOVE: 3, CLEAR: 4 } as const;

/** How a request ended. */
export const OutcomeTag = { NONE: 0, ENTRIES: 1, CONFLICT: 2, ERROR: 3 } as const;

/** What peers do that have lost the majority of their grid. */
export const QuorumLoss = { reform: 0, wait: 1, available: 2 } as const;

/** The handle of requests that concern no collection. */
export const NO_HANDLE = 0;
