import { describe, expect, it } from 'vitest';
import {
  createHamokCodec,
  createHamokJsonBinaryCodec,
  createHamokJsonStringCodec,
  createStrToUint8ArrayCodec,
} from '../../facade/common/HamokCodec';
import { seededRandom } from './seeded-random';

const random = seededRandom('codec.test.ts');

const VALUES = [0, '', false, null, -1.5, 'text', 'é日😀', '\uFEFFmark', '\0', [], {}, [null], { a: { b: ['ü', 1] } }];

describe('createHamokJsonBinaryCodec', () => {
  const codec = createHamokJsonBinaryCodec<unknown>();

  it('gives UTF-8 bytes of the JSON text', () => {
    for (const value of VALUES) {
      const bytes = codec.encode(value);

      expect(bytes).toBeInstanceOf(Uint8Array);
      expect(new Uint8Array(bytes)).toEqual(new TextEncoder().encode(JSON.stringify(value)));
    }
  });

  it('gives back every value, from any kind of byte array', () => {
    const texts = Array.from({ length: 200 }, () => random.text(random.pick([5, 500])));

    for (const value of [...VALUES, ...texts, texts]) {
      const bytes = codec.encode(value);

      expect(codec.decode(bytes)).toEqual(value);
      expect(codec.decode(new Uint8Array(bytes))).toEqual(value);
    }
  });

  it('keeps lone surrogates', () => {
    for (const text of ['\uD800', 'a\uDC00b', '\uDE00\uD83D']) expect(codec.decode(codec.encode(text))).toBe(text);
  });

  it('refuses what has no JSON form, and bytes that are no JSON', () => {
    for (const value of [undefined, () => 1, Symbol('s')]) {
      expect(() => codec.encode(value)).toThrow(TypeError);
      expect(() => codec.encode(value)).toThrow(`Cannot encode ${typeof value}`);
    }
    expect(() => codec.encode(undefined)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => codec.decode(Buffer.from('{'))).toThrow(SyntaxError);
    expect(() => codec.decode(new Uint8Array())).toThrow(SyntaxError);
  });
});

describe('the other codecs', () => {
  it('createHamokJsonStringCodec gives JSON text', () => {
    const codec = createHamokJsonStringCodec<unknown>();

    for (const value of VALUES) {
      expect(codec.encode(value)).toBe(JSON.stringify(value));
      expect(codec.decode(codec.encode(value))).toEqual(value);
    }
    expect(() => codec.encode(undefined)).toThrow(TypeError);
  });

  it('createStrToUint8ArrayCodec gives UTF-8 bytes', () => {
    const codec = createStrToUint8ArrayCodec();

    for (const text of ['', '\uFEFFmark', ...Array.from({ length: 50 }, () => random.text(50))]) {
      expect(new Uint8Array(codec.encode(text))).toEqual(new TextEncoder().encode(text));
      expect(codec.decode(codec.encode(text))).toBe(text);
    }
    expect(codec.decode(codec.encode('\uD800'))).toBe('\uFFFD');
  });

  it('createHamokCodec makes a codec of two functions', () => {
    const codec = createHamokCodec<number, string>(
      (data) => data.toString(16),
      (data) => Number.parseInt(data, 16),
    );

    expect(codec.encode(255)).toBe('ff');
    expect(codec.decode('ff')).toBe(255);
  });
});
