/** A subscription as an entry of the shared list: JSON of the event and the peer's id is the key, of the meta data the value. */
import { hamokError, invalidArgument } from '../../common/errors';
import { createHamokJsonBinaryCodec } from '../../common/HamokCodec';
import { toError } from '../../node/guardedEmit';

const json = createHamokJsonBinaryCodec<unknown>();

export function encodeSubscriptionKey(event: string, peerId: string): Uint8Array {
  return json.encode([event, peerId]);
}

/** @throws HamokError `INVALID_MESSAGE` when the bytes are no key */
export function decodeSubscriptionKey(bytes: Uint8Array): [event: string, peerId: string] {
  const key = decode(bytes);

  if (!Array.isArray(key) || key.length !== 2 || !key.every((part) => typeof part === 'string')) {
    throw hamokError('INVALID_MESSAGE', 'The key of a subscription must be an event and a peer id');
  }

  return key as [string, string];
}

/** @param metaData null: none. @throws TypeError `INVALID_ARGUMENT` when it is no object, also not in its JSON form */
export function encodeMetaData(metaData: object | null): Uint8Array {
  if (typeof metaData !== 'object') throw invalidArgument(`Meta data must be an object, not ${typeof metaData}`);
  try {
    const encoded = json.encode(metaData);

    // A `Date` or a `URL` becomes text, which other peers would refuse.
    decodeMetaData(encoded);

    return encoded;
  } catch (error) {
    const { message } = toError(error);
    throw Object.assign(invalidArgument(`${message} (encoding meta data)`), { cause: error });
  }
}

/** @throws HamokError `INVALID_MESSAGE` when the bytes are no meta data */
export function decodeMetaData<M extends object>(bytes: Uint8Array): M | null {
  const metaData = decode(bytes);

  if (typeof metaData !== 'object') throw hamokError('INVALID_MESSAGE', 'The meta data of a subscription is no object');

  return metaData as M | null;
}

function decode(bytes: Uint8Array): unknown {
  try {
    return json.decode(bytes);
  } catch (error) {
    throw hamokError('INVALID_MESSAGE', `${toError(error).message} (decoding a subscription)`, { cause: error });
  }
}
