// @ts-check
// How all scenarios take their figures: median of runs, percentiles of one run, operations in flight.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The value that a share of the samples does not exceed: 0.5 for the median, 0.99 for the slow end.
 * @param {number[]} samples
 * @param {number} share
 */
export function percentile(samples, share) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** @param {number[]} samples */
export function median(samples) {
  return percentile(samples, 0.5);
}

/**
 * Runs one after the other; each figure that they return becomes its median.
 * @template {string} Name
 * @param {number} runs
 * @param {(run: number) => Promise<Record<Name, number>>} run
 * @returns {Promise<Record<Name, number>>}
 */
export async function medians(runs, run) {
  /** @type {Record<Name, number>[]} */
  const results = [];
  for (let index = 0; index < runs; index++) results.push(await run(index));
  const names = /** @type {Name[]} */ (Object.keys(results[0] ?? {}));
  const figures = names.map((name) => [name, median(results.map((result) => result[name]))]);
  return Object.fromEntries(figures);
}

/** The time that an operation takes, in milliseconds. @param {() => unknown} operation */
export async function timed(operation) {
  const start = performance.now();
  await operation();
  return performance.now() - start;
}

/**
 * Operations one after the other: p50 and p99 of their times in milliseconds.
 * @param {number} count
 * @param {(index: number) => unknown} operation
 */
export async function latency(count, operation) {
  const samples = [];
  for (let index = 0; index < count; index++) samples.push(await timed(() => operation(index)));
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
}

/**
 * So many operations in all, of which so many are always under way: operations/s, and CPU of the whole process.
 * @param {number} count
 * @param {number} inFlight
 * @param {(index: number) => unknown} operation
 */
export async function pipelined(count, inFlight, operation) {
  let next = 0;
  const lane = async () => {
    while (next < count) await operation(next++);
  };
  return throughput(count, () => Promise.all(Array.from({ length: inFlight }, lane)));
}

/**
 * For so long, so many operations are always under way: operations/s that have ended by then. For operations that wait for
 * one another, where the last ones would have it easier.
 * @param {number} ms
 * @param {number} inFlight
 * @param {(index: number, isOver: () => boolean) => unknown} operation  may give up when it is over
 */
export async function pipelinedFor(ms, inFlight, operation) {
  const end = performance.now() + ms;
  const isOver = () => performance.now() >= end;
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (!isOver()) {
      await operation(next++, isOver);
      if (!isOver()) done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { perSecond: done / (ms / 1000) };
}

/**
 * Work that does so much: so much a second, and CPU of the whole process for each.
 * @param {number} count
 * @param {() => unknown} work
 */
export async function throughput(count, work) {
  const cpu = process.cpuUsage();
  const ms = await timed(work);
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / (ms / 1000), cpuMicroseconds: (user + system) / count };
}

/** Waits until something is true. @param {() => boolean} condition */
export async function until(condition, timeoutMs = 60_000) {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not reached within ${timeoutMs} ms: ${condition}`);
    await sleep(1);
  }
}
