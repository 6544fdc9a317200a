/** A codec of the user's, or JSON, as the bytes that stores keep. */
import { hamokError, invalidArgument } from '../../common/errors';
import { createHamokJsonStringCodec } from '../../common/HamokCodec';
import { toError } from '../../node/guardedEmit';
import { objectWith } from '../../node/validation';
import type { StoreCodec } from '../StoreCodec';

export class ByteCodec<T> {
  private readonly codec: StoreCodec<T>;

  /** @throws HamokError `INVALID_CONFIG` */
  constructor(option: 'keyCodec' | 'valueCodec', codec: StoreCodec<T> | undefined) {
    this.codec =
      codec === undefined ? createHamokJsonStringCodec<T>() : objectWith(option, codec, ['encode', 'decode']);
  }

  /** @throws TypeError `INVALID_ARGUMENT` when the codec gives something else than it says, and what the codec throws */
  encode(data: T): Buffer {
    const encoded: unknown = this.codec.encode(data);

    if (this.codec.format === 'bytes') {
      if (!ArrayBuffer.isView(encoded)) throw invalidArgument("A codec with the format 'bytes' must give a Uint8Array");

      return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
    }
    if (typeof encoded !== 'string') throw invalidArgument("A codec without the format 'bytes' must give a string");

    return Buffer.from(encoded);
  }

  /** @throws what the codec throws */
  decode(bytes: Buffer): T {
    return this.codec.format === 'bytes' ? this.codec.decode(bytes) : this.codec.decode(bytes.toString());
  }

  /** The same for what is only read. @throws HamokError `UNREADABLE_VALUE` when the codec throws */
  read(bytes: Buffer): T {
    try {
      return this.decode(bytes);
    } catch (cause) {
      throw hamokError('UNREADABLE_VALUE', toError(cause).message, { cause });
    }
  }
}
