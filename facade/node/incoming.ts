/** Which of the messages that an application hands in are for the native side. */
import { hamokError } from '../common/errors';
import { createLogger } from '../common/logger';
import { HamokMessage_MessageProtocol, HamokMessage_MessageType } from '../messages/HamokMessage';

const logger = createLogger('Hamok');
let hasWarned = false;

/** A message's fields, of whatever class or realm it is. */
interface MessageLike {
  readonly protocol?: unknown;
  readonly type?: unknown;
  readonly sourceId?: unknown;
  readonly destinationId?: unknown;
  readonly snapshot?: unknown;
}

/** What goes to the native side. */
export interface Incoming {
  readonly sourceId: string;
  readonly payload: Uint8Array;
}

/**
 * @returns undefined for what is not for this peer, and for messages of the old package, of which the first is warned of
 * @throws HamokError `INVALID_MESSAGE` for what is no message
 */
export function incoming(message: unknown, localPeerId: string): Incoming | undefined {
  if (!isMessageLike(message)) throw hamokError('INVALID_MESSAGE', 'What was accepted is no HamokMessage');

  const { protocol, type, sourceId, destinationId, snapshot } = message;

  if (typeof destinationId === 'string' && destinationId !== '' && destinationId !== localPeerId) return undefined;

  const isEnvelope =
    protocol === HamokMessage_MessageProtocol.GRID_COMMUNICATION_PROTOCOL &&
    type === HamokMessage_MessageType.HELLO_NOTIFICATION &&
    snapshot !== undefined &&
    snapshot !== null;

  if (!isEnvelope) {
    if (sourceId !== localPeerId) warnOfMixedGrid();
    return undefined;
  }
  if (!(snapshot instanceof Uint8Array)) {
    throw hamokError('INVALID_MESSAGE', 'The snapshot of an accepted message must be a Uint8Array');
  }
  if (snapshot.length === 0) return undefined;

  return { sourceId: typeof sourceId === 'string' ? sourceId : '', payload: snapshot };
}

function isMessageLike(message: unknown): message is MessageLike {
  return typeof message === 'object' && message !== null && 'protocol' in message && 'type' in message;
}

function warnOfMixedGrid(): void {
  if (hasWarned) return;
  hasWarned = true;
  logger.warn(
    'Ignored a message that no peer of this version sends. Peers of version 2 and 3 cannot be in one grid; keep their messages apart',
  );
}
