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
