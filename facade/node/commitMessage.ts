/** What is in the log as messages: those that `commit` listeners get, and those of whole entries. */
import { HamokMessage, HamokMessage_MessageProtocol } from '../messages/HamokMessage';
import type { LoggedOperation } from './RecordSink';

/** The type of an operation that carries a message of the application's. */
const SUBMITTED = 0;

/**
 * The message of an operation. Its bytes are copies, which listeners may keep.
 * @throws when a message of the application's cannot be decoded
 */
export function commitMessage(operation: LoggedOperation): HamokMessage {
  if (operation.type === SUBMITTED) return HamokMessage.fromBinary(new Uint8Array(operation.values[0] ?? []));

  return storageMessage(operation);
}

/** The message of an entry that holds these operations; see `LogEntry.entry`. Never throws. */
export function entryMessage(operations: readonly LoggedOperation[]): HamokMessage {
  const [message, ...others] = operations.map(readableMessage);

  if (!message) return new HamokMessage({ protocol: HamokMessage_MessageProtocol.RAFT_COMMUNICATION_PROTOCOL });
  if (others.length === 0) return message;

  return new HamokMessage({
    protocol: HamokMessage_MessageProtocol.STORAGE_COMMUNICATION_PROTOCOL,
    embeddedMessages: [message, ...others],
  });
}

/** What an application submitted may be no message. It is in the log all the same, so it is shown as it is. */
function readableMessage(operation: LoggedOperation): HamokMessage {
  try {
    return commitMessage(operation);
  } catch {
    return storageMessage(operation);
  }
}

function storageMessage({ type, sourceId, storageId, keys, values }: LoggedOperation): HamokMessage {
  return new HamokMessage({
    protocol: HamokMessage_MessageProtocol.STORAGE_COMMUNICATION_PROTOCOL,
    type: type === SUBMITTED ? undefined : type,
    sourceId,
    storageId,
    keys: keys.map((bytes) => new Uint8Array(bytes)),
    values: values.map((bytes) => new Uint8Array(bytes)),
  });
}
