/** What comes into a collection otherwise than by a call: a snapshot, a base map, an initial object. */
import { hamokError } from '../../common/errors';
import type { CollectionPort, SendBatch } from '../../node/CollectionPort';
import { nothing } from './results';

const NO_TIMEOUT = 0;
/** More than what an entry takes in a write besides its key and its value; and a write, besides its entries. */
const OVERHEAD_BYTES = 64;
/** What comes in need not be one step, and may be more than one write may hold. In bytes of keys and values. */
const PART_BYTES = 1024 * 1024;

/**
 * Whether a snapshot can be taken over.
 * @param snapshotId of the collection that it was made of
 * @param what `storage`, `queue`: what the collection is called in the error
 * @throws HamokError `INVALID_ARGUMENT`
 */
export function assertImportable(port: CollectionPort, snapshotId: string, what: string): void {
  if (port.connection.connected) throw hamokError('INVALID_ARGUMENT', 'Cannot import data while connected');
  if (snapshotId !== port.id) {
    const ids = `${snapshotId} !== ${port.id}`;
    throw hamokError('INVALID_ARGUMENT', `Cannot import data from a different ${what}: ${ids}`);
  }
}

/**
 * Puts entries or items into the shared collection, however long it takes until that can be reached. A failure is
 * reported. Resolves when it is over, one way or the other.
 */
export function insertWhenReady(
  port: CollectionPort,
  send: SendBatch,
  keys: readonly Uint8Array[],
  values: readonly Uint8Array[],
): Promise<void> {
  const parts: Promise<void>[] = [];

  for (let start = 0; start < keys.length; ) {
    const end = endOfPart(keys, values, start, Math.min(PART_BYTES, port.maxCommandBytes));
    const [partKeys, partValues] = [keys.slice(start, end), values.slice(start, end)];

    parts.push(port.batch(send, partKeys, partValues, nothing, undefined, undefined, NO_TIMEOUT));
    start = end;
  }

  return Promise.allSettled(parts).then((ends) => {
    const failure = ends.find((end) => end.status === 'rejected');

    if (failure && !port.closed) port.report(failure.reason);
  });
}

function endOfPart(keys: readonly Uint8Array[], values: readonly Uint8Array[], start: number, limit: number): number {
  let bytes = OVERHEAD_BYTES;

  for (let end = start; end < keys.length; end++) {
    bytes += (keys[end]?.length ?? 0) + (values[end]?.length ?? 0) + OVERHEAD_BYTES;
    if (bytes > limit && end > start) return end;
  }

  return keys.length;
}
