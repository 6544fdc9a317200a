import { describe, expect, it } from 'vitest';
import { PackReader, PackWriter } from '../../facade/binding/packing';
import { HamokError } from '../../facade/common/errors';
import { seededRandom } from './seeded-random';

const random = seededRandom('packing.test.ts');

type Kind = 'u8' | 'u32' | 'f64' | 'bytes' | 'str';
type Item = { kind: Kind; value: never };

const KINDS: Kind[] = ['u8', 'u32', 'f64', 'bytes', 'str'];

function randomItem(): Item {
  const kind = random.pick(KINDS);
  const values = {
    u8: () => random.int(0, 255),
    u32: () => random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, random.int(0, 2 ** 32 - 1)]),
    f64: () => random.pick([0, -0, 2 ** 53, -1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE]),
    bytes: () => Buffer.from(random.bytes(random.pick([0, 8, 8, 500]))),
    str: () => random.text(random.pick([0, 8, 8, 500])),
  };

  return { kind, value: values[kind]() as never };
}

function pack(writer: PackWriter, items: Item[]): Buffer {
  for (const { kind, value } of items) writer[kind](value);

  return writer.take();
}

function unpack(reader: PackReader, items: Item[]): unknown[] {
  return items.map(({ kind }) => reader[kind]());
}

describe('packing', () => {
  it('is little-endian, with a length of 32 bits before bytes and text', () => {
    const writer = new PackWriter();

    writer.u8(0xab);
    writer.u32(0x01020304);
    writer.f64(1);
    writer.bytes(Uint8Array.of(7, 8));
    writer.str('é');

    expect(writer.length).toBe(25);
    expect(writer.take().toString('hex')).toBe(
      ['ab', '04030201', '000000000000f03f', '02000000', '0708', '02000000', 'c3a9'].join(''),
    );
    expect(writer.length).toBe(0);
  });

  it('gives back what was packed, from a writer that is used again', () => {
    const writer = new PackWriter();

    for (let round = 0; round < 300; ++round) {
      const items = Array.from({ length: random.int(0, 40) }, randomItem);
      const packed = pack(writer, items);
      const offset = random.int(0, 9);
      const moved = Buffer.concat([Buffer.alloc(offset), packed]).subarray(offset);

      for (const reader of [new PackReader(packed), new PackReader(moved)]) {
        expect(reader.done).toBe(items.length === 0);
        expect(unpack(reader, items)).toEqual(items.map(({ value }) => value));
        expect(reader.done).toBe(true);
      }
    }
  });

  it('refuses to read past the end, wherever the buffer ends', () => {
    const items = Array.from({ length: 10 }, randomItem);
    const packed = pack(new PackWriter(), items);
    const ends = new Set([0, ...Array.from({ length: 100 }, () => random.int(0, packed.length - 1))]);

    for (const end of ends) {
      let error: unknown;
      try {
        unpack(new PackReader(packed.subarray(0, end)), items);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, `${end} of ${packed.length} bytes`).toBeInstanceOf(HamokError);
      expect(error).toMatchObject({ code: 'INTERNAL' });
    }
  });

  it('refuses a length that claims more than there is', () => {
    const packed = Buffer.of(255, 255, 255, 255, 1);

    expect(() => new PackReader(packed).bytes()).toThrow(HamokError);
    expect(() => new PackReader(packed).str()).toThrow(HamokError);
  });

  it('reads bytes as a view', () => {
    const packed = Buffer.of(1, 0, 0, 0, 9);

    expect(new PackReader(packed).bytes().buffer).toBe(packed.buffer);
  });

  it('copies bytes when they are packed', () => {
    const writer = new PackWriter();
    const bytes = Uint8Array.of(1);

    writer.bytes(bytes);
    bytes[0] = 2;

    expect(new PackReader(writer.take()).bytes()).toEqual(Buffer.of(1));
  });

  it('takes back a record that could not be completed', () => {
    const writer = new PackWriter();

    writer.u32(1);
    const start = writer.length;
    writer.u8(5);
    expect(() => writer.bytes('text' as never)).toThrow(TypeError);
    writer.rewind(start);
    writer.u8(6);

    expect(writer.take()).toEqual(Buffer.of(1, 0, 0, 0, 6));
  });

  it('does not keep the memory of a large write', () => {
    const writer = new PackWriter();
    const large = Buffer.alloc(3 * 1024 * 1024, 1);

    writer.bytes(large);
    const packed = writer.take();
    writer.u32(7);
    const next = writer.take();

    expect(new PackReader(packed).bytes().equals(large)).toBe(true);
    expect(next.buffer.byteLength).toBeLessThan(1024 * 1024);
  });
});
