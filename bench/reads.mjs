// What a read of a shared map costs, against the same read of a Map that holds the same entries.
import { Grid } from './grid.mjs';
import { median } from './measure.mjs';

const RUNS = 31;
const ENTRIES = 10_000;
const ROUNDS = 20;
const WARM_UP = 6;

/** Of all values that one run reads. */
const SUM = (ROUNDS * ENTRIES * (ENTRIES - 1)) / 2;

export async function measure() {
  const shared = { reader: await import('./readers.mjs?shared') };
  const plain = { reader: await import('./readers.mjs?plain') };

  const { grid, peers } = await Grid.joined();
  shared.map = peers[1].createMap({ mapId: 'reads' });
  await shared.map.setAll(new Map(Array.from({ length: ENTRIES }, (_, index) => [`key-${index}`, index])));
  plain.map = new Map(shared.map);

  // Not the stored strings themselves, which compare faster than equal ones; in an order of no use to a cache.
  const keys = Array.from({ length: ENTRIES }, (_, index) => `key-${(index * 7919) % ENTRIES}`);
  const get = compare(plain, shared, ({ reader, map }) => reader.getAll(map, keys, ROUNDS));
  const iterate = compare(plain, shared, ({ reader, map }) => reader.iterate(map, ROUNDS));
  grid.close();

  const runs = `${RUNS} x ${ROUNDS * ENTRIES} entries`;
  return [
    { measure: 'get, against a Map', value: get.ratio, unit: 'x', atMost: 1.2, runs },
    { measure: '  one get', value: get.nanoseconds, unit: 'ns', runs },
    { measure: 'iteration, against a Map', value: iterate.ratio, unit: 'x', runs },
    { measure: '  one entry', value: iterate.nanoseconds, unit: 'ns', runs },
  ];
}

/** Both take turns, and which goes first alternates: what else the machine does hits both alike. */
function compare(plain, shared, read) {
  const nanoseconds = { plain: [], shared: [] };
  for (let run = -WARM_UP; run < RUNS; run++) {
    const pair = [
      ['plain', plain],
      ['shared', shared],
    ];
    for (const [name, kind] of run % 2 === 0 ? pair : pair.reverse()) {
      const start = performance.now();
      const sum = read(kind);
      const ms = performance.now() - start;
      // Used, so that the compiler cannot leave the reads out.
      if (sum !== SUM) throw new Error(`read ${sum} instead of ${SUM}`);
      if (run >= 0) nanoseconds[name].push((ms * 1e6) / (ROUNDS * ENTRIES));
    }
  }
  return {
    ratio: median(nanoseconds.shared.map((time, run) => time / nanoseconds.plain[run])),
    nanoseconds: median(nanoseconds.shared),
  };
}
