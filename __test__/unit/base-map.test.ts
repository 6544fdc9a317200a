import { describe, expect, it } from 'vitest';
import { type BaseMapUpdateResult, MemoryBaseMap } from '../../facade/collections/BaseMap';

const FALSY = [0, '', false, null, undefined, Number.NaN];

describe('MemoryBaseMap', () => {
  it('is a Map, and reads as one', () => {
    const map = new MemoryBaseMap([
      ['b', 1],
      ['a', 2],
    ]);

    expect(map).toBeInstanceOf(Map);
    expect([...map]).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
    for (const name of ['get', 'has', 'delete', 'clear', 'keys', 'values', 'entries', 'forEach'] as const) {
      expect(map[name], name).toBe(Map.prototype[name]);
    }
  });

  it('set tells the value before, and gives the map', () => {
    const map = new MemoryBaseMap<string, number>();
    const seen: [number | undefined, number | undefined][] = [];
    const callback = (oldValue: number | undefined) => seen.push([oldValue, map.get('a')]);

    expect(map.set('a', 0, callback)).toBe(map);
    expect(map.set('a', 1, callback)).toBe(map);
    expect(map.set('a', 2)).toBe(map);
    expect(seen).toEqual([
      [undefined, 0],
      [0, 1],
    ]);
  });

  it('getAll gives only what exists, in the order asked for', () => {
    const map = new MemoryBaseMap([
      ['a', 1],
      ['b', 2],
    ]);

    expect([...map.getAll(['x', 'b', 'a', 'b'])]).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
    expect(map.getAll(new Set(['a', 'x']).values())).toEqual(new Map([['a', 1]]));
  });

  it('setAll tells once what was inserted and what was updated', () => {
    const map = new MemoryBaseMap([['a', 0]]);
    const results: BaseMapUpdateResult<string, number>[] = [];

    map.setAll(
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
      (result) => results.push(result),
    );
    map.setAll(new Map([['c', 3]]));

    expect(results).toEqual([{ inserted: [['b', 2]], updated: [['a', 0, 1]] }]);
    expect(Object.fromEntries(map)).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('insert and insertAll leave what exists, and give it', () => {
    const map = new MemoryBaseMap([['a', 0]]);

    expect(map.insert('a', 1)).toBe(0);
    expect(map.insert('b', 1)).toBeUndefined();
    expect(
      map.insertAll([
        ['a', 9],
        ['c', 2],
      ]),
    ).toEqual(new Map([['a', 0]]));
    expect(map.insertAll(new Map([['d', 3]]))).toEqual(new Map());
    expect(Object.fromEntries(map)).toEqual({ a: 0, b: 1, c: 2, d: 3 });
  });

  it('deleteAll, remove and removeAll give what existed', () => {
    const map = new MemoryBaseMap(Object.entries({ a: 0, b: 1, c: 2, d: 3 }));

    expect(map.deleteAll(['x', 'a', 'a'])).toEqual(['a']);
    expect(map.remove('b')).toBe(1);
    expect(map.remove('b')).toBeUndefined();
    expect(map.removeAll(new Set(['x', 'd']))).toEqual(new Map([['d', 3]]));
    expect([...map]).toEqual([['c', 2]]);
  });

  it('takes falsy values for values', () => {
    for (const value of FALSY) {
      const map = new MemoryBaseMap<string, unknown>([['a', value]]);

      expect(map.getAll(['a'])).toEqual(new Map([['a', value]]));
      expect(map.insert('a', 1)).toBe(value);
      expect(map.insertAll([['a', 1]])).toEqual(new Map([['a', value]]));
      map.setAll(new Map([['a', value]]), (result) => expect(result.updated).toEqual([['a', value, value]]));
      expect(map.removeAll(['a'])).toEqual(new Map([['a', value]]));
      map.set('a', value);
      expect(map.deleteAll(['a'])).toEqual(['a']);
      map.set('a', value);
      expect(map.remove('a')).toBe(value);
      expect(map.size).toBe(0);
    }
  });
});
