/** The user's codecs as the collections use them: checked going out, and with errors that say what failed. */
import { describe } from '../../common/arguments';
import { hamokError, invalidArgument } from '../../common/errors';
import { createHamokJsonBinaryCodec, type HamokCodec } from '../../common/HamokCodec';
import { toError } from '../../node/guardedEmit';
import { objectWith } from '../../node/validation';

const CODEC_FUNCTIONS = ['encode', 'decode'];

export class EntryCodec<K, V> {
  private readonly keyCodec: HamokCodec<K, Uint8Array>;
  private readonly valueCodec: HamokCodec<V, Uint8Array>;
  private isNullValue: boolean | undefined;

  /** @throws HamokError `INVALID_CONFIG` when a codec is none */
  constructor(
    keyCodec: HamokCodec<K, Uint8Array> = createHamokJsonBinaryCodec<K>(),
    valueCodec: HamokCodec<V, Uint8Array> = createHamokJsonBinaryCodec<V>(),
  ) {
    this.keyCodec = objectWith('keyCodec', keyCodec, CODEC_FUNCTIONS);
    this.valueCodec = objectWith('valueCodec', valueCodec, CODEC_FUNCTIONS);
  }

  /** @throws TypeError `INVALID_ARGUMENT` when the key is undefined or its codec throws */
  encodeKey(key: K): Uint8Array {
    return encode(this.keyCodec, key, 'key');
  }

  /** @throws TypeError `INVALID_ARGUMENT` when the value is undefined or its codec throws */
  encodeValue(value: V): Uint8Array {
    return encode(this.valueCodec, value, 'value');
  }

  /** @throws HamokError `INVALID_MESSAGE` when the codec throws */
  decodeKey(bytes: Uint8Array): K {
    return decode(this.keyCodec, bytes, 'key');
  }

  /** @throws HamokError `INVALID_MESSAGE` when the codec throws */
  decodeValue(bytes: Uint8Array): V {
    return decode(this.valueCodec, bytes, 'value');
  }

  /** @param bytes undefined stands for no value */
  decodeOptional(bytes: Uint8Array | undefined): V | undefined {
    return bytes && this.decodeValue(bytes);
  }

  /** Whether `null` is a value: whether the codec brings it back. */
  get nullIsValue(): boolean {
    this.isNullValue ??= this.bringsBackNull();

    return this.isNullValue;
  }

  private bringsBackNull(): boolean {
    try {
      return this.decodeValue(this.encodeValue(null as V)) === null;
    } catch {
      return false;
    }
  }
}

function encode<T>(codec: HamokCodec<T, Uint8Array>, data: T, what: string): Uint8Array {
  if (data === undefined) throw invalidArgument(`A ${what} cannot be undefined`);

  let encoded: unknown;

  try {
    encoded = codec.encode(data);
  } catch (error) {
    const { message } = toError(error);
    throw Object.assign(invalidArgument(`${message} (${what}Codec.encode)`), { cause: error });
  }
  if (encoded instanceof Uint8Array) return encoded;
  if (ArrayBuffer.isView(encoded)) return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  if (encoded instanceof ArrayBuffer) return new Uint8Array(encoded);

  throw invalidArgument(`${what}Codec.encode must give a Uint8Array, not ${describe(encoded)}`);
}

function decode<T>(codec: HamokCodec<T, Uint8Array>, bytes: Uint8Array, what: string): T {
  let data: T;

  try {
    data = codec.decode(bytes);
  } catch (error) {
    throw hamokError('INVALID_MESSAGE', `${toError(error).message} (${what}Codec.decode)`, { cause: error });
  }
  // Bytes that a codec gives as they are would keep everything that arrived with them in memory.
  if (data instanceof Uint8Array && data.buffer === bytes.buffer) {
    return (data === (bytes as unknown) ? new Uint8Array(data) : Uint8Array.prototype.slice.call(data)) as T &
      Uint8Array;
  }

  return data;
}
