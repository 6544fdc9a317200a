/**
 * A map against a JavaScript `Map`: random operations of three peers, that leave, close and are lost in between.
 *
 * What is called one after the other must give the model's results. What is called at once must end in the same entries
 * everywhere, with each value that was written either there or given to the one caller that replaced it. And what a peer
 * tells its listeners must lead to what it shows.
 */
import type { Hamok, HamokMap } from 'hamok';
import { expect, it } from 'vitest';
import { createRandom } from '../support/grid';
import { MapSteps } from '../support/map-steps';
import { counts, type Member, RestartingGrid, randomRestarts } from '../support/restarts';

const SEQUENTIAL = 40;

const random = createRandom('property-map.test.ts');
const steps = new MapSteps(random);

/** Opens the map, and keeps a copy that is made of its events alone. */
function open(peer: Hamok, copies: Map<HamokMap<string, unknown>, Copy>): HamokMap<string, unknown> {
  const map = peer.createMap<string, unknown>({ mapId: 'map', requestTimeoutInMs: 20_000 });
  const copy: Copy = { entries: new Map(), wrong: [] };
  const expectOld = (event: string, key: string, old: unknown) => {
    const has = copy.entries.has(key) ? JSON.stringify(copy.entries.get(key)) : 'none';
    if (has !== (event === 'insert' ? 'none' : JSON.stringify(old))) copy.wrong.push(`${event} ${key}: had ${has}`);
  };

  copies.set(map, copy);
  // A fill is silent; only what came after it can fit.
  map.ready.then(() => {
    copy.entries = new Map(map);
    copy.wrong.length = 0;
  });
  map.on('insert', (key, value) => {
    expectOld('insert', key, undefined);
    copy.entries.set(key, value);
  });
  map.on('update', (key, old, value) => {
    expectOld('update', key, old);
    copy.entries.set(key, value);
  });
  map.on('remove', (key, value) => {
    expectOld('remove', key, value);
    copy.entries.delete(key);
  });
  map.on('clear', () => copy.entries.clear());

  return map;
}

interface Copy {
  entries: Map<string, unknown>;
  /** Events that do not fit those before. */
  readonly wrong: string[];
}

/** One operation on the map, and on the model. */
async function sequentialStep(map: HamokMap<string, unknown>, model: Map<string, unknown>): Promise<void> {
  const { name, call, result, change } = steps.next(map, model);

  expect(await call(), name).toEqual(result);
  change();
  expect([...map], `the entries after ${name}`).toEqual([...model]);
}

it('a map of three peers that restart is a Map', async () => {
  const copies = new Map<HamokMap<string, unknown>, Copy>();
  const grid = await RestartingGrid.start((peer) => open(peer, copies));
  let model = new Map<string, unknown>();
  const concurrently = async (members: readonly Member<HamokMap<string, unknown>>[], meanwhile?: Promise<void>) => {
    const written: unknown[] = [...model.values()];
    const replaced: unknown[] = [];

    await grid.work(members, (map) => steps.atOnce(map, written, replaced), meanwhile);
    const [first, ...others] = grid.collections.map((map) => [...map]);
    for (const other of others) expect(other, 'the entries of another peer').toEqual(first);
    expect(counts([...replaced, ...first!.map(([, value]) => value)]), 'the values that were written').toEqual(
      counts(written),
    );
    model = new Map(first);
    for (const map of grid.collections) {
      expect(copies.get(map)!.wrong, 'events that do not fit').toEqual([]);
      expect(counts(copies.get(map)!.entries), 'what events tell').toEqual(counts(first!));
    }
  };

  for (const restart of randomRestarts(random)) {
    for (let step = 0; step < SEQUENTIAL; step++) await sequentialStep(random.pick(grid.collections), model);
    await concurrently(grid.members);

    const victim = grid.victim(restart, random);
    const others = grid.members.filter((member) => member !== victim);
    await concurrently(others, grid.restart(restart, victim));
  }
  await sequentialStep(random.pick(grid.collections), model);
});
