// How many sets a second one follower gets through, and what one costs the three peers together.
import { Grid } from './grid.mjs';
import { medians, pipelined } from './measure.mjs';

const RUNS = 5;
const SETS = 10_000;
const IN_FLIGHT = 1_000;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const map = peers.map((peer) => peer.createMap({ mapId: 'throughput' })).at(-1);
  const run = async () => {
    const { messages, bytes } = grid;
    const figures = await pipelined(SETS, IN_FLIGHT, (index) => map.set(`key-${index}`, `value-${index}`));
    return { ...figures, messages: (grid.messages - messages) / SETS, bytes: (grid.bytes - bytes) / SETS };
  };
  // Compiles the code and inserts the keys, so that all runs do the same: update.
  await run();
  const { perSecond, cpuMicroseconds, messages, bytes } = await medians(RUNS, run);
  grid.close();

  const runs = `${RUNS} x ${SETS} sets, ${IN_FLIGHT} in flight`;
  return [
    { measure: 'sets pipelined on a follower', value: perSecond, unit: '/s', atLeast: 30_000, old: 3_000, runs },
    { measure: '  CPU per set, all peers', value: cpuMicroseconds, unit: 'us', old: 358, runs },
    { measure: '  messages per set', value: messages, unit: '', runs },
    { measure: '  bytes per set', value: bytes, unit: 'B', runs },
  ];
}
