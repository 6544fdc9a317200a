// Whether memory stays flat: five million sets over a thousand keys, with the curve.
import { Grid } from './grid.mjs';
import { pipelined } from './measure.mjs';

const SETS = 5_000_000;
const KEYS = 1_000;
const IN_FLIGHT = 2_000;
const STEPS = 20;
const MIB = 1024 * 1024;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const map = peers.map((peer) => peer.createMap({ mapId: 'soak' })).at(-1);
  const curve = [];
  for (let step = 1; step <= STEPS; step++) {
    const { perSecond } = await pipelined(SETS / STEPS, IN_FLIGHT, (index) =>
      map.set(`key-${index % KEYS}`, `value-${step}-${index}`),
    );
    const memory = process.memoryUsage();
    const log = Math.max(...peers.map((peer) => peer.raft.logs.bytesInMemory));
    curve.push({ rss: memory.rss / MIB, heap: memory.heapUsed / MIB, log: log / MIB, perSecond });
    const { rss, heap, log: logMib } = curve.at(-1);
    console.error(
      `  ${((step * SETS) / STEPS / 1e6).toFixed(2)} million sets: ${rss.toFixed(0)} MiB resident, ` +
        `${heap.toFixed(0)} MiB heap, ${logMib.toFixed(1)} MiB log, ${Math.round(perSecond)} sets/s`,
    );
  }
  grid.close();

  // The first quarter fills caches, and the log up to its first snapshots.
  const settled = curve.slice(STEPS / 4).map((it) => it.rss);
  const growth = Math.max(...settled.slice(-5)) / Math.max(...settled.slice(0, 5));
  const runs = `${SETS / 1e6} million sets over ${KEYS} keys`;
  return [
    { measure: 'memory at the end, against after a third', value: growth, unit: '', atMost: 1.1, runs },
    { measure: '  resident at the end', value: curve.at(-1).rss, unit: 'MiB', runs },
    { measure: '  largest log of a peer', value: Math.max(...curve.map((it) => it.log)), unit: 'MiB', runs },
  ];
}
