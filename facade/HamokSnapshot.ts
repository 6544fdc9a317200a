/** What `export()` of the collections gives and `import()` takes. Plain data: all but a record's survives JSON. */

/**
 * The entries of a `HamokMap` as its codecs encode them, keys and values in the same order. Bytes that are UTF-8 text,
 * as with the default codec, are that text; others are in base64 behind a marker.
 */
export type HamokMapSnapshot = {
  /** The id of the map. */
  mapId: string;
  /** Encoded keys. */
  keys: string[];
  /** Encoded values. */
  values: string[];
};

/** The state of a `HamokRemoteMap`. Its entries are in the user's store, and stay there. */
export type HamokRemoteMapSnapshot = {
  /** The id of the map. */
  mapId: string;
  /** Log index up to which this peer had applied the grid's operations. */
  appliedCommitIndex: number;
};

/** The fields of a `HamokRecord` as bytes: names and values in the same order. JSON has no bytes; everything else does. */
export type HamokRecordSnapshot = {
  /** The id of the record. */
  recordId: string;
  /** Names in UTF-8. */
  keys: Uint8Array[];
  /** The text that JSON, or the field's codec, gives; in UTF-8. */
  values: Uint8Array[];
};

/** The items of a `HamokQueue` from head to tail. */
export type HamokQueueSnapshot = {
  /** The id of the queue. */
  queueId: string;
  /** The items' numbers, in decimal. */
  keys: string[];
  /** The items as the codec encodes them, as text; see {@link HamokMapSnapshot}. */
  values: string[];
};

/** The subscriptions of a `HamokEmitter`: by event, the peers that listen to it. */
export type HamokEmitterSnapshot = {
  /** The id of the emitter. */
  emitterId: string;
  /** The events that have subscribers. */
  subscriptions: {
    /** The name of the event. */
    event: string;
    /** The peers that subscribe to it. */
    subscribers: {
      /** The id of the peer. */
      peerId: string;
      /** What the peer has said of its subscription; `null` when nothing. */
      metaData: Record<string, unknown> | null;
    }[];
  }[];
};
