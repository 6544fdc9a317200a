/** The examples whose peers are processes of their own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { matches, run } from './run';

beforeAll(() => compileFacade());

describe('rolling-deployment', () => {
  it('replaces all processes, while orders go on and none is lost', async () => {
    const { code, stdout, stderr } = await run('rolling-deployment');

    expect(stderr).toBe('');
    const steps = matches(stdout, /new-(\d) came with (\d+) orders, old-(\d) left, (\d+) orders meanwhile/g);
    expect(steps.map(([current, , old]) => `${old} to ${current}`)).toEqual(['1 to 1', '2 to 2', '3 to 3']);
    // Each came with what was there before it.
    const sizes = steps.map(([, size]) => Number(size));
    expect(sizes[0]).toBeGreaterThanOrEqual(50);
    expect(sizes[1]).toBeGreaterThanOrEqual(sizes[0]! + 50);
    expect(sizes[2]).toBeGreaterThanOrEqual(sizes[1]! + 50);
    for (const [, , , meanwhile] of steps) expect(Number(meanwhile)).toBeGreaterThanOrEqual(50);

    const [count] = matches(stdout, /(\d+) orders acknowledged, (\d+) of them by old processes; (\d+) lost/g);
    const [all, byOld, lost] = count!.map(Number);
    expect(all).toBeGreaterThan(sizes[2]!);
    expect(byOld).toBeGreaterThanOrEqual(50);
    expect(byOld).toBeLessThan(all!);
    expect(lost).toBe(0);
    expect(code).toBe(0);
  });
});

describe('graceful-shutdown', () => {
  it('finishes its job after the signal, leaves, and ends by itself', async () => {
    const { code, stdout, stderr } = await run('graceful-shutdown');

    expect(stderr).toBe('');
    expect(stdout).toMatch(/ben gets the signal while job-\d+ runs/);
    expect(stdout).not.toContain('gives up');
    // The others hear of it before its process has ended, or right after; they are not left to miss it.
    for (const name of ['ada', 'cleo']) expect(stdout).toContain(`${name} hears that ben has left`);

    // In this order, for each of them.
    for (const name of ['ada', 'ben', 'cleo']) {
      expect(stdout).toMatch(
        new RegExp(
          `${name} gets the signal while .* runs\n[\\s\\S]*${name} has nothing to do any more\n[\\s\\S]*${name} ended with code 0`,
        ),
      );
    }
    expect(stdout).toContain('12 jobs, 12 started, 12 done');
    expect(code).toBe(0);
  });
});
