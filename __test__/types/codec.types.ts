/** Compiled, never run: codecs and logging. */
import {
  addHamokLogTransport,
  createHamokCodec,
  createHamokJsonBinaryCodec,
  createHamokJsonStringCodec,
  createStrToUint8ArrayCodec,
  type HamokCodec,
  type HamokDecoder,
  type HamokEncoder,
  type HamokLogLevel,
  setHamokLogLevel,
} from 'hamok';
import { typeOf } from './type-of';

/** A codec as users write it. */
export class DateCodec implements HamokCodec<Date, Uint8Array> {
  encode(data: Date): Uint8Array {
    return Buffer.from(data.toISOString());
  }

  decode(data: Uint8Array): Date {
    return new Date(Buffer.from(data).toString());
  }
}

export function make(): void {
  const literal: HamokCodec<number, string> = { encode: (data) => data.toFixed(), decode: (data) => Number(data) };
  const encoder: HamokEncoder<Date, Uint8Array> = new DateCodec();
  const decoder: HamokDecoder<Date, Uint8Array> = new DateCodec();

  typeOf(literal.decode('5')).is<number>();
  typeOf(encoder.encode(new Date())).is<Uint8Array>();
  typeOf(decoder.decode(new Uint8Array())).is<Date>();
  typeOf(
    createHamokCodec(
      (data: Date) => data.getTime(),
      (time: number) => new Date(time),
    ),
  ).is<HamokCodec<Date, number>>();
  typeOf(createHamokJsonBinaryCodec<{ a: number }>()).is<HamokCodec<{ a: number }, Uint8Array>>();
  typeOf(createHamokJsonStringCodec<number[]>()).is<HamokCodec<number[], string>>();
  typeOf(createStrToUint8ArrayCodec()).is<HamokCodec<string, Uint8Array>>();

  // @ts-expect-error a codec also decodes
  const half: HamokCodec<Date, Uint8Array> = { encode: () => new Uint8Array() };
  // @ts-expect-error it gives bytes, not text
  const wrong: HamokCodec<number, Uint8Array> = createHamokJsonStringCodec<number>();
  // @ts-expect-error both functions are needed
  createHamokCodec((data: Date) => data.getTime());

  typeOf([half, wrong].length).is<number>();
}

export function log(level: HamokLogLevel): void {
  setHamokLogLevel(level);
  setHamokLogLevel('silent');
  addHamokLogTransport({ target: 'pino/file', options: { destination: 'hamok.log' }, level: 'debug' });

  // @ts-expect-error there is no such level
  setHamokLogLevel('verbose');
  // @ts-expect-error a transport has a target
  addHamokLogTransport({ level: 'debug' });
}
