/** What is promised of how soon a grid of processes serves again. bench/availability.mjs measures it more often. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { blockedEventLoop, FAST, failover, leaderLeaves, split } from './availability';
import type { GridConfig } from './grid';

const RUNS = [1, 2, 3];

beforeAll(compileFacade);

describe('three peers', () => {
  it.each<[string, GridConfig, number]>([
    ['at default settings: within 2.5 s', {}, 2500],
    ['with short times: within 0.5 s', FAST, 500],
  ])('the leader is killed; a write is acknowledged, %s', async (_, config, limitMs) => {
    for (const run of RUNS) {
      const { joinMs, writeMs } = await failover(config);

      console.info(`run ${run}: joined in ${joinMs.toFixed()} ms, written after ${writeMs.toFixed()} ms`);
      expect(joinMs, 'ms for all to join').toBeLessThan(500);
      expect(writeMs, 'ms until a write is acknowledged').toBeLessThan(limitMs);
    }
  });

  it('the leader leaves: no write fails, or takes more than 100 ms', async () => {
    for (const run of RUNS) {
      const { slowestMs, writes, failed } = await leaderLeaves();

      console.info(`run ${run}: the slowest of ${writes} writes took ${slowestMs.toFixed()} ms`);
      expect(failed, 'failed writes').toBe(0);
      expect(slowestMs, 'ms of the slowest write').toBeLessThan(100);
    }
  });
});

describe('a blocked event loop loses no write', () => {
  it.each<['leader' | 'follower', number, number]>([
    ['leader', 700, 0],
    ['follower', 700, 0],
    ['leader', 2000, 1],
    ['leader', 4500, 1],
    ['follower', 2000, 0],
  ])('of the %s for %i ms: elections: %i', async (who, ms, elections) => {
    expect(await blockedEventLoop(who, ms)).toEqual({ elections, lost: [], failed: 0 });
  });
});

describe('five peers split in two and three', () => {
  it('three go on within 2 s, two acknowledge nothing, and all agree within 5 s after it', async () => {
    const { majorityMs, healedMs, minorityWrites } = await split();

    console.info(`three go on after ${majorityMs.toFixed()} ms; all agree ${healedMs.toFixed()} ms after healing`);
    expect(majorityMs).toBeLessThan(2000);
    expect(minorityWrites).toBe(0);
    expect(healedMs).toBeLessThan(5000);
  });
});
