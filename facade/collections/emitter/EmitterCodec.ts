/** The arguments of events as they travel: JSON, or what the user has for an event. */
import { hamokError, invalidArgument } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import { objectWith } from '../../node/validation';

/** How the arguments of one event become text, and back. */
export interface PayloadCodec {
  encode(...args: unknown[]): string;
  decode(data: string): unknown[];
}

/** `ignoreBOM` keeps a leading U+FEFF, which is a character of the text here. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class EmitterCodec {
  private readonly codecs: ReadonlyMap<PropertyKey, PayloadCodec> | undefined;

  /** @throws HamokError `INVALID_CONFIG` when `payloadsCodec` is no map of codecs */
  constructor(payloadsCodec: ReadonlyMap<PropertyKey, PayloadCodec> | undefined) {
    this.codecs = payloadsCodec && objectWith('payloadsCodec', payloadsCodec, ['get', 'entries']);
    for (const [event, codec] of payloadsCodec?.entries() ?? []) {
      objectWith(`payloadsCodec.get(${JSON.stringify(event)})`, codec, ['encode', 'decode']);
    }
  }

  /** @throws TypeError `INVALID_ARGUMENT` when the arguments cannot be encoded */
  encode(event: string, args: unknown[]): Uint8Array {
    const codec = this.codecs?.get(event);
    let text: string;

    try {
      text = codec ? codec.encode(...args) : encodeJson(args);
    } catch (error) {
      const { message } = toError(error);
      throw Object.assign(invalidArgument(`${message} (encoding ${event})`), { cause: error });
    }
    if (typeof text !== 'string') throw invalidArgument(`The codec of ${event} must give a string, not ${typeof text}`);

    return Buffer.from(text);
  }

  /** @throws HamokError `INVALID_MESSAGE` when these are no arguments */
  decode(event: string, payload: Uint8Array): unknown[] {
    const codec = this.codecs?.get(event);
    let args: unknown[];

    try {
      const text = utf8.decode(payload);

      args = codec ? codec.decode(text) : decodeJson(text);
    } catch (error) {
      throw hamokError('INVALID_MESSAGE', `${toError(error).message} (decoding ${event})`, { cause: error });
    }
    if (Array.isArray(args)) return args;

    throw hamokError('INVALID_MESSAGE', `What ${event} came with is no list of arguments`);
  }
}

/** JSON has no `undefined`. Lists that have it say where, and the others are what anybody expects. */
interface ListWithUndefined {
  readonly args: unknown[];
  readonly undefinedAt: readonly number[];
}

function encodeJson(args: unknown[]): string {
  if (!args.includes(undefined)) return JSON.stringify(args);

  const undefinedAt = [...args.keys()].filter((position) => args[position] === undefined);

  return JSON.stringify({ args, undefinedAt } satisfies ListWithUndefined);
}

function decodeJson(text: string): unknown[] {
  const decoded: unknown[] | ListWithUndefined = JSON.parse(text);

  if (Array.isArray(decoded)) return decoded;

  const { args, undefinedAt } = decoded;
  const isPosition = (it: unknown) => Number.isInteger(it) && (it as number) >= 0 && (it as number) < args.length;

  // A position far beyond the end would make a list that fills the memory.
  if (!Array.isArray(args) || !Array.isArray(undefinedAt) || !undefinedAt.every(isPosition)) {
    throw new TypeError('No list of arguments');
  }
  for (const position of undefinedAt) args[position] = undefined;

  return args;
}
