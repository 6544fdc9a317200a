/** What `export()` of the collections gives and `import()` takes. Plain data: it survives JSON. */

/**
 * The entries of a `HamokMap` as its codecs encode them, keys and values in the same order. Bytes that are UTF-8 text,
 * as with the default codec, are that text; others are in base64 behind a marker.
 */
export type HamokMapSnapshot = {
  mapId: string;
  keys: string[];
  values: string[];
};

/** The state of a `HamokRemoteMap`. Its entries are in the user's store, and stay there. */
export type HamokRemoteMapSnapshot = {
  mapId: string;
  /** Log index up to which this peer had applied the grid's operations. */
  appliedCommitIndex: number;
};
