/** How the names and values of a record's fields become bytes, and back: JSON, or what the user has for a field. */
import { assertWellFormed, describe } from '../../common/arguments';
import { hamokError, invalidArgument } from '../../common/errors';
import { createHamokJsonStringCodec, type HamokCodec } from '../../common/HamokCodec';
import { toError } from '../../node/guardedEmit';
import { objectWith } from '../../node/validation';

/** The user's codecs by the names of the fields. */
export type PayloadCodecs = ReadonlyMap<PropertyKey, HamokCodec<unknown, string>>;

const json = createHamokJsonStringCodec<unknown>();

/** `ignoreBOM` keeps a leading U+FEFF, which is a character of the text here. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class RecordCodec {
  private readonly payloadCodecs: PayloadCodecs;

  /** @throws HamokError `INVALID_CONFIG` when `payloadCodecs` is no map of codecs */
  constructor(payloadCodecs: PayloadCodecs = new Map()) {
    this.payloadCodecs = objectWith('payloadCodecs', payloadCodecs, ['get', 'entries']);
    for (const [key, codec] of payloadCodecs.entries()) {
      objectWith(`payloadCodecs.get(${JSON.stringify(key)})`, codec, ['encode', 'decode']);
    }
  }

  /** @throws TypeError `INVALID_ARGUMENT` when it is no name of a field */
  encodeKey(key: string): Uint8Array {
    if (typeof key !== 'string') throw invalidArgument(`A field must be named by a string, not ${describe(key)}`);

    return toBytes(key, `The field name ${JSON.stringify(key)}`);
  }

  /** @throws TypeError `INVALID_ARGUMENT` when the value is undefined or its codec throws */
  encodeValue(key: string, value: unknown): Uint8Array {
    if (value === undefined) throw invalidArgument(`The value of ${key} cannot be undefined`);

    let text: unknown;

    try {
      text = this.codecOf(key).encode(value);
    } catch (error) {
      throw Object.assign(invalidArgument(`${toError(error).message} (encoding ${key})`), { cause: error });
    }
    if (typeof text !== 'string')
      throw invalidArgument(`The codec of ${key} must give a string, not ${describe(text)}`);

    return toBytes(text, `What the codec of ${key} gives`);
  }

  decodeKey(bytes: Uint8Array): string {
    return utf8.decode(bytes);
  }

  /** A value of the caller's own. @throws HamokError `INVALID_MESSAGE` when the codec throws */
  decodeValue(key: string, bytes: Uint8Array): unknown {
    try {
      return this.codecOf(key).decode(utf8.decode(bytes));
    } catch (error) {
      throw hamokError('INVALID_MESSAGE', `${toError(error).message} (decoding ${key})`, { cause: error });
    }
  }

  private codecOf(key: string): HamokCodec<unknown, string> {
    return this.payloadCodecs.get(key) ?? json;
  }
}

function toBytes(text: string, what: string): Uint8Array {
  assertWellFormed(text, what);

  return Buffer.from(text);
}
