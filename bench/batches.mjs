// How many entries a second setAll stores from a follower, one batch after the other.
import { Grid } from './grid.mjs';
import { medians, throughput } from './measure.mjs';

const RUNS = 5;
const ENTRIES = 100_000;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const map = peers.map((peer) => peer.createMap({ mapId: 'batches' })).at(-1);
  const store = async (size) => {
    const batches = inBatches(size);
    const figures = await throughput(ENTRIES, async () => {
      for (const batch of batches) await map.setAll(batch);
    });
    await map.clear();
    return figures;
  };

  await store(10_000);
  const rows = [];
  for (const size of [1_000, 10_000, 100_000]) {
    const { perSecond, cpuMicroseconds } = await medians(RUNS, () => store(size));
    const measure = `setAll, batches of ${size}: entries`;
    const runs = `${RUNS} x ${ENTRIES} new entries`;
    rows.push(
      { measure, value: perSecond, unit: '/s', atLeast: 200_000, old: 40_000, runs },
      { measure: '  CPU per entry, all peers', value: cpuMicroseconds, unit: 'us', runs },
    );
  }
  grid.close();
  return rows;
}

/** All entries of a run, made beforehand: making them is not what is measured. */
function inBatches(size) {
  const entry = (index) => [`key-${index}`, `value-${index}`];
  return Array.from(
    { length: ENTRIES / size },
    (_, batch) => new Map(Array.from({ length: size }, (_, index) => entry(batch * size + index))),
  );
}
