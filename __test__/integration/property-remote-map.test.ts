/**
 * A remote map on an exact store against a JavaScript `Map`: random operations of three peers, that leave, close and are
 * lost in between. What is called one after the other must give the model's results; of what is called at once, each value
 * that was written must be in the store, or given to the one caller that replaced it: so nothing is carried out twice.
 */
import type { HamokRemoteMap } from 'hamok';
import { createMemoryStore, MemoryDatabase } from 'hamok/lib/stores/memory';
import { expect, it } from 'vitest';
import { createRandom } from '../support/grid';
import { MapSteps } from '../support/map-steps';
import { counts, type Member, RestartingGrid, randomRestarts } from '../support/restarts';

const SEQUENTIAL = 40;

type RemoteMap = HamokRemoteMap<string, unknown>;

const random = createRandom('property-remote-map.test.ts');
const steps = new MapSteps(random);

it('a remote map of three peers that restart is a Map', async () => {
  const database = new MemoryDatabase();
  const store = createMemoryStore<string, unknown>({ database });
  const grid = await RestartingGrid.start<RemoteMap>((peer) =>
    peer.createRemoteMap({ mapId: 'map', remoteMap: createMemoryStore({ database }), requestTimeoutInMs: 20_000 }),
  );
  let model = new Map<string, unknown>();

  const content = async () => {
    const entries = new Map<string, unknown>();
    for await (const [key, value] of store.iterator()) entries.set(key, value);
    return entries;
  };
  const one = async () => {
    const map = random.pick(grid.collections);
    const { name, call, result, change } = steps.next(map, model);

    expect(await call(), name).toEqual(result);
    change();
    expect(await content(), `the entries after ${name}`).toEqual(model);
  };
  const concurrently = async (members: readonly Member<RemoteMap>[], meanwhile?: Promise<void>) => {
    const written: unknown[] = [...model.values()];
    const replaced: unknown[] = [];

    await grid.work(members, (map) => steps.atOnce(map, written, replaced), meanwhile);
    model = await content();
    expect(counts([...replaced, ...model.values()]), 'the values that were written').toEqual(counts(written));
  };

  for (const restart of randomRestarts(random)) {
    for (let step = 0; step < SEQUENTIAL; step++) await one();
    await concurrently(grid.members);

    const victim = grid.victim(restart, random);
    const others = grid.members.filter((member) => member !== victim);
    await concurrently(others, grid.restart(restart, victim));
  }
  await one();
});
