/** What comes into a collection otherwise than by a call: a snapshot, a base map, an initial object. */
import { hamokError } from '../../common/errors';
import type { CollectionPort, SendBatch } from '../../node/CollectionPort';
import { nothing } from './results';

const NO_TIMEOUT = 0;

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
  if (keys.length === 0) return Promise.resolve();

  return port.batch(send, keys, values, nothing, undefined, undefined, NO_TIMEOUT).catch((error) => {
    if (!port.closed) port.report(error);
  });
}
