/**
 * What something costs in processor time, of all threads of this process together: unlike time on the clock it stays about
 * the same on a busy machine.
 */

/** Processor time that was used. */
export interface Cost {
  totalMs: number;
  /** The most between two turns of the event loop. */
  longestTurnMs: number;
}

/** Does something and measures it. */
export async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const start = process.cpuUsage();
  let lastMs = 0;
  let longestTurnMs = 0;

  const look = () => {
    const { user, system } = process.cpuUsage(start);
    const nowMs = (user + system) / 1000;

    longestTurnMs = Math.max(longestTurnMs, nowMs - lastMs);
    lastMs = nowMs;
  };
  const timer = setInterval(look, 1);

  try {
    await work();
  } finally {
    clearInterval(timer);
    look();
  }

  return { totalMs: lastMs, longestTurnMs };
}
