// For examples that look at several peers from outside. A peer of a service would listen to an event instead.
import { setTimeout as pause } from 'node:timers/promises';

const LIMIT_MS = 20_000;

/** Waits until `condition` gives something true. Rejects, with what was waited for, when that takes too long. */
export async function until(what, condition) {
  const start = performance.now();

  while (!(await condition())) {
    if (performance.now() - start > LIMIT_MS) throw new Error(`Waited ${LIMIT_MS} ms in vain until ${what}`);
    await pause(5);
  }
}
