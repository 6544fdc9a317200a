/** How keys, values and payloads become bytes or text, and back: the interface that users implement, and the defaults. */
import { invalidArgument } from './errors';

/** Turns data into what is stored and sent. */
export interface HamokEncoder<T, R> {
  /** Encodes; equal data must give equal results when the codec is used for keys. May throw: the caller gets the error. */
  encode(data: T): R;
}

/** Turns what was stored or sent into data. */
export interface HamokDecoder<T, R> {
  /** Decodes what `encode` gave, on any peer. Bytes are a view of a larger buffer: copy them if you keep them as they are. */
  decode(data: R): T;
}

/** An encoder and the decoder that belongs to it. Every peer must use the same codec for the same collection. */
export interface HamokCodec<T, R> extends HamokEncoder<T, R>, HamokDecoder<T, R> {}

/** Makes a codec of two functions. */
export function createHamokCodec<T, R>(encode: (data: T) => R, decode: (data: R) => T): HamokCodec<T, R> {
  return { encode, decode };
}

/**
 * The default codec of all collections: JSON in UTF-8 bytes. Any text survives, lone surrogates too, since JSON escapes
 * them. `encode` throws a `TypeError` (`INVALID_ARGUMENT`) for what has no JSON form (`undefined`, functions, symbols),
 * and what `JSON.stringify` throws (cycles, bigints); `decode` throws a `SyntaxError` for what is not JSON.
 */
export function createHamokJsonBinaryCodec<T>(): HamokCodec<T, Uint8Array> {
  return {
    // Buffers this small are cut from a pool, five times as fast as TextEncoder.
    encode: (data) => Buffer.from(toJson(data)),
    decode: (data) => parse(utf8.decode(data)) as T,
  };
}

/** Text in JSON without anything to unescape. Taken as it is: the parser would look every short string up in a table. */
const PLAIN_TEXT = /^"[ !#-[\]-\uffff]*"$/;

function parse(json: string): unknown {
  return PLAIN_TEXT.test(json) ? json.slice(1, -1) : JSON.parse(json);
}

/** JSON as text. Throws as `createHamokJsonBinaryCodec` does. */
export function createHamokJsonStringCodec<T>(): HamokCodec<T, string> {
  return { encode: toJson, decode: (data) => JSON.parse(data) };
}

/** Text as UTF-8 bytes. Lone surrogates become U+FFFD. */
export function createStrToUint8ArrayCodec(): HamokCodec<string, Uint8Array> {
  return { encode: (data) => Buffer.from(data), decode: (data) => utf8.decode(data) };
}

/** `ignoreBOM` keeps a leading U+FEFF, which is a character of the text here. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function toJson(data: unknown): string {
  const text = JSON.stringify(data);

  if (text === undefined) throw invalidArgument(`Cannot encode ${typeof data}: it has no JSON form`);

  return text;
}
