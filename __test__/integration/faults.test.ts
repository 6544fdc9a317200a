import type { Hamok, HamokMap } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, type Ending, elapsedMs, ending, type Grid, until } from '../support/grid';

interface Write {
  writer: number;
  number: number;
  end: Ending<unknown>;
}

/** A joined grid at default settings, with one map on every peer. */
async function gridWithMaps(
  random?: () => number,
): Promise<{ grid: Grid; maps: HamokMap<string, number>[]; of: (peer: Hamok) => HamokMap<string, number> }> {
  const grid = createGrid(3, {}, random);
  const maps = grid.peers.map((peer) => peer.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 15_000 }));

  await grid.join();
  await Promise.all(maps.map(({ ready }) => ready));

  return { grid, maps, of: (peer) => maps[grid.peers.indexOf(peer)]! };
}

/** Each map sets the numbers 1 to `count` at keys of its own, some at a time. */
async function writeEverywhere(maps: readonly HamokMap<string, number>[], count: number): Promise<Write[]> {
  const writes = maps.map(async (map, writer) => {
    const ends: Promise<Write>[] = [];

    for (let number = 1; number <= count; number++) {
      const key = `${writer}-${number % 7}`;
      const end = ending(map.set(key, number), `set ${number} of ${writer}`);

      ends.push(end.then((it) => ({ writer, number, end: it })));
      if (number % 10 === 0) await end;
    }

    return Promise.all(ends);
  });

  return (await Promise.all(writes)).flat();
}

async function expectAlike(maps: readonly HamokMap<string, number>[]): Promise<void> {
  const contents = () => maps.map((map) => JSON.stringify([...map]));

  await until(
    () => new Set(contents()).size === 1,
    () => `all peers have the same entries:\n${contents().join('\n')}`,
  );
}

describe('a transport that loses, repeats and reorders messages', () => {
  const lossy = { jitterMs: 15, loss: 0.05, duplication: 0.1 };

  it("every write of three peers is acknowledged, once, in its caller's order", async () => {
    const { grid, maps } = await gridWithMaps(createRandom('faults.test.ts').next);
    const heard: string[] = [];
    maps[0]!.on('insert', (key: string, value: number) => heard.push(`${key}=${value}`));
    maps[0]!.on('update', (key: string, _old: number, value: number) => heard.push(`${key}=${value}`));
    Object.assign(grid.link, lossy);

    const writes = await writeEverywhere(maps, 150);
    expect(writes.filter(({ end }) => end.error)).toEqual([]);
    await expectAlike(maps);
    for (const writer of [0, 1, 2]) {
      const own = heard.filter((line) => line.startsWith(`${writer}-`)).map((line) => Number(line.split('=')[1]));
      expect(own).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
      for (const { number, end } of writes.filter((write) => write.writer === writer)) {
        expect(end.value, `the value before ${number}`).toBe(number > 7 ? number - 7 : undefined);
      }
    }
  });

  it('peers find each other, leave and come back', async () => {
    const grid = createGrid(3, {}, createRandom('faults.test.ts').next);
    Object.assign(grid.link, lossy);

    await grid.join();
    const leaver = grid.followers[0]!;
    await leaver.leave();
    await leaver.join();
    await grid.settled();
  });

  it('a read after waitUntilCommitHead sees every write that was acknowledged before', async () => {
    const random = createRandom('faults.test.ts');
    const { grid, maps } = await gridWithMaps(random.next);
    Object.assign(grid.link, lossy);

    for (let round = 1; round <= 25; round++) {
      const reader = random.int(3);
      await random.pick(maps).set('key', round);
      await grid.peers[reader]!.waitUntilCommitHead();
      expect(maps[reader]!.get('key')).toBe(round);
    }
  });

  it('a large value arrives', async () => {
    const { grid, maps } = await gridWithMaps(createRandom('faults.test.ts').next);
    const map = grid.followers[0]!.createMap<string, string>({ mapId: 'large' });
    const value = 'x'.repeat(2_000_000);
    Object.assign(grid.link, lossy);

    await map.set('key', value);
    const other = grid.leader.createMap<string, string>({ mapId: 'large' });
    await other.ready;
    expect(other.get('key') === value).toBe(true);
    expect(maps).toHaveLength(3);
  });
});

describe('a leader that is cut off', () => {
  it('a write of a survivor is acknowledged within two seconds', async () => {
    const { grid, of } = await gridWithMaps();
    const map = of(grid.followers[0]!);
    await map.set('key', 1);

    grid.cut(grid.leader);
    expect(await elapsedMs(() => map.set('key', 2))).toBeLessThan(2000);
    await grid.settled();
  });

  it('no write that was acknowledged is lost, and all peers are alike once it is back', async () => {
    const { grid, maps } = await gridWithMaps();
    const { leader } = grid;
    const away = grid.peers.indexOf(leader);
    const writing = writeEverywhere(maps, 300);

    await until(() => maps[away]!.size > 10, 'writing is under way');
    grid.cut(leader);
    await grid.settled();
    grid.heal(leader);
    await grid.settled();
    const writes = await writing;

    await expectAlike(maps);
    for (const { writer, number, end } of writes) {
      if (end.error) expect(end.error).toBeInstanceOf(Error);
      else expect(maps[0]!.get(`${writer}-${number % 7}`)!).toBeGreaterThanOrEqual(number);
    }
    expect(writes.filter(({ writer, end }) => writer !== away && end.error)).toEqual([]);
  });

  it('acknowledges nothing, and reads after waitUntilCommitHead are never stale', async () => {
    const { grid, of } = await gridWithMaps();
    const { leader } = grid;
    const survivor = of(grid.followers[0]!);
    await survivor.set('key', 1);

    grid.cut(leader);
    const stale = of(leader)
      .set('key', 99)
      .then(() => 'acknowledged');
    const read = leader.waitUntilCommitHead().then(() => of(leader).get('key'));
    await survivor.set('key', 2);
    expect(survivor.get('key')).toBe(2);

    grid.heal(leader);
    await grid.settled();
    expect(await read).not.toBe(1);
    expect((await ending(stale, 'the write of the old leader')).error ?? 'acknowledged').toBeDefined();
    await expectAlike([of(leader), survivor]);
  });

  it('peers that are cut off one after the other miss nothing', async () => {
    const { grid, maps, of } = await gridWithMaps();

    for (let round = 0; round < 3; round++) {
      const away = round === 1 ? grid.leader : grid.followers[0]!;
      const writer = grid.followers.find((peer) => peer !== away)!;

      grid.cut(away);
      for (let number = 0; number < 20; number++) await of(writer).set(`round-${round}`, number);
      grid.heal(away);
      await grid.settled();
      await away.waitUntilCommitHead();
      expect(of(away).get(`round-${round}`)).toBe(19);
    }
    await expectAlike(maps);
  });
});

describe('waitUntilCommitHead', () => {
  it('of a peer that left and joined again makes its reads fresh', async () => {
    const { grid, of } = await gridWithMaps();

    for (let round = 1; round <= 5; round++) {
      const leaver = grid.followers[0]!;
      await leaver.leave();
      await of(grid.leader).set('key', round);
      await leaver.join();
      await leaver.waitUntilCommitHead();
      expect(of(leaver).get('key')).toBe(round);
      await grid.settled();
    }
  });

  it('gives reads that see every acknowledged write, from any peer', async () => {
    const { grid, maps } = await gridWithMaps();

    for (let round = 1; round <= 60; round++) {
      const reader = (round + 1) % 3;
      await maps[round % 3]!.set('key', round);
      await grid.peers[reader]!.waitUntilCommitHead();
      expect(maps[reader]!.get('key')).toBe(round);
    }
  });

  it('rejects in time when nobody leads', async () => {
    const { grid } = await gridWithMaps();
    const away = grid.followers[0]!;

    grid.cut(away);
    expect((await ending(away.waitUntilCommitHead(), 'waitUntilCommitHead', 12_000)).error).toBeInstanceOf(Error);
  });
});
