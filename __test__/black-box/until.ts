/** Waiting for conditions: the command that repeats scenarios runs without the test runner. */
import { setTimeout as pause } from 'node:timers/promises';

/** Waits for a condition. `what` says what was waited for when it does not come true in time. */
export async function until(
  condition: () => unknown,
  what: () => string | Promise<string>,
  limitMs: number,
): Promise<void> {
  const start = performance.now();

  while (!(await condition())) {
    if (performance.now() - start > limitMs) throw new Error(`Not within ${limitMs} ms: ${await what()}`);
    await pause(20);
  }
}

/** How long a fault lasts. Nothing is waited for by this. */
export function pauseMs(ms: number): Promise<void> {
  return pause(ms);
}
