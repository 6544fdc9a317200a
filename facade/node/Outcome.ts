/** The answer to a request, as it comes from the native side: still encoded. */

/** What became of a request that was not refused. */
export interface Outcome {
  /** A compare-and-act found that its key had changed since the caller looked. */
  readonly conflict: boolean;
  /** Positions in the request's list of keys: which keys existed, or were removed, or changed. */
  readonly indexes: readonly number[];
  /** Encoded values that belong to `indexes`: old, existing or removed ones; undefined where only the key matters. */
  readonly values: readonly (Uint8Array | undefined)[];
}

/** Done, and there is nothing to tell: shared, because most answers are this one. */
export const NOTHING: Outcome = { conflict: false, indexes: [], values: [] };

/** See {@link Outcome.conflict}. */
export const CONFLICT: Outcome = { conflict: true, indexes: [], values: [] };

/** The answer with these entries. */
export function outcomeOf(entries: readonly { index: number; value: Uint8Array | undefined }[]): Outcome {
  if (entries.length === 0) return NOTHING;

  return { conflict: false, indexes: entries.map(({ index }) => index), values: entries.map(({ value }) => value) };
}

/**
 * The answer to a batch that travelled as several requests.
 * @param parts the answers in the order of the batch
 * @param partLength number of keys in every part but the last
 */
export function mergeOutcomes(parts: readonly Outcome[], partLength: number): Outcome {
  const indexes: number[] = [];
  const values: (Uint8Array | undefined)[] = [];

  parts.forEach((part, number) => {
    for (const index of part.indexes) indexes.push(number * partLength + index);
    for (const value of part.values) values.push(value);
  });

  return { conflict: false, indexes, values };
}
