/** A committed operation as the message that `commit` listeners get. */
import { HamokMessage, HamokMessage_MessageProtocol } from '../messages/HamokMessage';
import type { Commit } from './RecordSink';

/** The type of an operation that carries a message of the application's. */
const SUBMITTED = 0;

/** The bytes are copies, which listeners may keep. @throws when a message of the application's cannot be decoded */
export function commitMessage({ type, sourceId, storageId, keys, values }: Commit): HamokMessage {
  if (type === SUBMITTED) return HamokMessage.fromBinary(new Uint8Array(values[0] ?? []));

  return new HamokMessage({
    protocol: HamokMessage_MessageProtocol.STORAGE_COMMUNICATION_PROTOCOL,
    type,
    sourceId,
    storageId,
    keys: keys.map((bytes) => new Uint8Array(bytes)),
    values: values.map((bytes) => new Uint8Array(bytes)),
  });
}
