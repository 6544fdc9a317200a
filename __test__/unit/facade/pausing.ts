/** Waiting for what nobody tells the end of. */
import { setTimeout as elapse, setImmediate as nextTurn } from 'node:timers/promises';

/** The longest chain of turns of the event loop that a test waits for: a call, its answer, and what comes of that. */
const TURNS = 4;

/** So many milliseconds, and the turns that were due meanwhile: on a busy machine a timer may come before them. */
export async function pause(ms: number): Promise<void> {
  await elapse(ms);
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}
