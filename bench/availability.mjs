// How soon a grid of three or five processes serves again after faults from outside: SIGKILL, leaving, a network that is
// split. How each is measured is in __test__/black-box/availability.ts, which the tests run a few times.
import '../scripts/typescript.mjs';
import { percentile } from './measure.mjs';

const { FAST, failover, leaderLeaves, split } = await import('../__test__/black-box/availability.ts');

const FAILOVERS = 50;
const LEAVES = 10;
const SPLITS = 3;

export async function measure() {
  const crashes = await repeated(FAILOVERS, () => failover({}));
  const fast = await repeated(FAILOVERS, () => failover(FAST));
  const leaves = await repeated(LEAVES, leaderLeaves);
  const splits = await repeated(SPLITS, split);
  const row = (name, samples, share, atMost) => ({
    measure: name,
    value: percentile(samples, share) / (atMost < 200 ? 1 : 1000),
    unit: atMost < 200 ? 'ms' : 's',
    atMost: atMost / (atMost < 200 ? 1 : 1000),
    runs: `${samples.length} grids of processes`,
  });
  const [crashMs, fastMs] = [crashes, fast].map((runs) => runs.map(({ writeMs }) => writeMs));
  const joinMs = crashes.map(({ joinMs }) => joinMs);

  return [
    row('three processes join', joinMs, 0.5, 500),
    row('  p99', joinMs, 0.99, 500),
    row('leader killed: next write acknowledged', crashMs, 0.5, 1400),
    row('  p99', crashMs, 0.99, 2000),
    row('  followerMaxIdleInMs 200, heartbeatInMs 40', fastMs, 0.5, 500),
    row('    p99', fastMs, 0.99, 500),
    row(
      'leader leaves: slowest write of all',
      leaves.map(({ slowestMs }) => slowestMs),
      1,
      100,
    ),
    row(
      'five split 2/3: three go on',
      splits.map(({ majorityMs }) => majorityMs),
      1,
      2000,
    ),
    row(
      '  healed: all five agree',
      splits.map(({ healedMs }) => healedMs),
      1,
      5000,
    ),
  ];
}

async function repeated(count, run) {
  const results = [];
  for (let index = 0; index < count; index++) results.push(await run());
  return results;
}
