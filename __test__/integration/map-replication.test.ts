/**
 * A map that several peers write at once: all of them hold the same entries in the same order and hear the same events,
 * and a change that depends on a value comes true for one caller only. Large values reach everybody, up to the limit.
 */
import type { HamokMap } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, ending, until, useGrid } from '../support/grid';
import { alike, createMaps, listen } from '../support/maps';

describe('a map on several peers', () => {
  const grid = useGrid(3);

  it('has one insertion order, whoever wrote', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const random = createRandom('map-replication.test.ts');

    await Promise.all(
      Array.from({ length: 600 }, () => {
        const map = random.pick(maps);
        const key = `key-${random.int(40)}`;

        return random.next() < 0.25 ? map.remove(key) : map.set(key, random.int(1000));
      }),
    );
    await alike(maps);
    expect(maps[0]!.size).toBeGreaterThan(5);
  });

  it('emits the same events in the same order everywhere', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const heard = maps.map((map) => listen(map as never));

    await Promise.all(
      maps.flatMap((map, number) => Array.from({ length: 50 }, (_, i) => map.set(`k${i % 7}`, number))),
    );
    await maps[1]!.clear();
    await until(() => heard.every((events) => events.at(-1)?.[0] === 'clear'), 'everybody heard the end');
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
    expect(heard[0]).toHaveLength(151);
  });

  it('a counter that three peers raise with updateIf adds up exactly', async () => {
    const maps = await createMaps<string, number>(grid().peers);
    const raise = async (map: HamokMap<string, number>) => {
      for (let done = 0; done < 40; ) {
        const value = map.get('counter')!;
        if (await map.updateIf('counter', value + 1, value)) done++;
      }
    };
    await maps[0]!.set('counter', 0);
    await until(() => maps.every((map) => map.get('counter') === 0), 'everybody has the counter');

    await Promise.all(maps.map(raise));
    await alike(maps);
    expect(maps[0]!.get('counter')).toBe(120);
  });

  it('removeIf succeeds for exactly one of three peers', async () => {
    const maps = await createMaps<string, number>(grid().peers);

    for (let round = 0; round < 20; round++) {
      await maps[0]!.set('job', round);
      await until(() => maps.every((map) => map.get('job') === round), 'everybody has the job');
      const taken = await Promise.all(maps.map((map) => map.removeIf('job', round)));
      expect(taken.filter(Boolean)).toHaveLength(1);
    }
  });

  it('equalValues decides what updateIf and removeIf take as equal', async () => {
    const [map] = await createMaps<string, string>(grid().peers, {
      equalValues: (a, b) => a.toLowerCase() === b.toLowerCase(),
    });
    await map!.set('a', 'One');

    expect(await map!.updateIf('a', 'Two', 'oNE')).toBe(true);
    expect(await map!.removeIf('a', 'three')).toBe(false);
    expect(await map!.removeIf('a', 'TWO')).toBe(true);
  });

  it('keys that a codec gives back otherwise, and values that it cannot read, are compared as the grid has them', async () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    const keyCodec = { encode: (key: string) => Buffer.from(key.toLowerCase()), decode: text };
    const valueCodec = {
      encode: (value: string) => Buffer.from(value),
      decode: (bytes: Uint8Array) => {
        if (text(bytes).startsWith('secret')) throw new Error('cannot read');
        return text(bytes);
      },
    };
    const [a, b] = grid().peers;
    const map = a!.createMap<string, string>({ mapId: 'codecs', keyCodec, valueCodec, requestTimeoutInMs: 2000 });
    const other = b!.createMap<string, string>({
      mapId: 'codecs',
      keyCodec,
      valueCodec: { ...valueCodec, decode: text },
    });

    await map.set('Key', 'one');
    expect(await map.updateIf('KEY', 'two', 'one')).toBe(true);
    expect(await map.removeIf('kEy', 'one')).toBe(false);
    expect(await map.removeIf('kEy', 'two')).toBe(true);

    const dates = a!.createMap<Date, number>({ mapId: 'dates', requestTimeoutInMs: 2000 });
    await dates.set(new Date(0), 1);
    expect(await dates.updateIf(new Date(0), 2, 1)).toBe(true);

    await map.set('key', 'one');
    await other.set('key', 'secret');
    await other.insert('new', 'secret');
    await a!.waitUntilCommitHead();
    expect(map.get('key')).toBeUndefined();
    expect(await map.updateIf('key', 'three', 'one')).toBe(false);
    expect(await map.updateIf('new', 'three', 'one')).toBe(false);
    expect(await other.updateIf('key', 'four', 'secret')).toBe(true);
    await a!.waitUntilCommitHead();
    expect(map.get('key')).toBe('four');
    expect(await map.updateIf('key', 'five', 'four')).toBe(true);
    expect(await other.remove('new')).toBe(true);
    await a!.waitUntilCommitHead();
    expect(await map.updateIf('new', 'three', 'one')).toBe(false);
  });

  it('a snapshot that is larger than one write is taken over', async () => {
    const small = createGrid(2, { maxCommandBytes: 1000 });
    const entries = Array.from({ length: 200 }, (_, number) => [`key-${number}`, 'x'.repeat(50)] as const);
    const one = small.peers[0]!.createMap<string, string>({ mapId: 'map' });
    const queue = small.peers[0]!.createQueue<number>({ queueId: 'queue' });
    const bytes = (value: unknown) => JSON.stringify(value);

    one.import({
      mapId: 'map',
      keys: entries.map(([key]) => bytes(key)),
      values: entries.map(([, value]) => bytes(value)),
    });
    queue.import({
      queueId: 'queue',
      keys: entries.map((_, number) => `${number}`),
      values: entries.map((_, number) => bytes(number)),
    });
    await small.join();

    const map = small.peers[1]!.createMap<string, string>({ mapId: 'map' });
    const items = small.peers[1]!.createQueue<number>({ queueId: 'queue' });

    await until(() => map.size === 200 && items.size === 200, 'all has come in');
    expect([...map]).toEqual(entries);
    expect([...items]).toEqual(entries.map((_, number) => number));
  });

  it('a write over maxCommandBytes is refused at the call', async () => {
    const small = createGrid(2, { maxCommandBytes: 10_000 });
    await small.join();
    const map = small.followers[0]!.createMap<string, string>({ mapId: 'map' });

    const { error } = await ending(map.set('a', 'x'.repeat(20_000)), 'the large write');
    expect(error).toMatchObject({ code: 'COMMAND_TOO_LARGE' });
    await map.set('a', 'x'.repeat(5_000));
  });

  it('a value of several megabytes reaches everybody', async () => {
    const maps = await createMaps<string, string>(grid().peers);
    const value = 'ü'.repeat(1_500_000);

    await maps[2]!.set('large', value);
    await until(() => maps.every((map) => map.get('large') === value), 'everybody has it');
  });
});
