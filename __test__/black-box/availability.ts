/**
 * For how long a grid of processes does not serve, fault by fault. The tests run each a few times, and
 * bench/availability.mjs often. All times are in milliseconds.
 */
import { Grid, type GridConfig } from './grid';
import { violations } from './history';
import type { PeerProcess } from './peer-process';
import { randomOf } from './random';
import { pauseMs } from './until';

/** Short times for services that cannot wait, on a fast network. */
export const FAST: GridConfig = { followerMaxIdleInMs: 200, heartbeatInMs: 40 };

/** For what is promised within seconds. */
const LIMIT_MS = 20_000;

interface Span {
  /** In microseconds, as `now()`. */
  from: number;
  to: number;
  code?: string;
}

/** Microseconds on the clock that all processes of a machine share. */
function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Starts processes, measures with them, and ends them. */
async function withGrid<Result>(
  count: number,
  config: GridConfig,
  measure: (grid: Grid) => Promise<Result>,
): Promise<Result> {
  const grid = await Grid.start(count, config, randomOf(1));

  try {
    return await measure(grid);
  } finally {
    await grid.close();
    grid.forget();
  }
}

/** From the moment in which the last of them calls `join()` until all have joined. */
async function joinMs(grid: Grid): Promise<number> {
  const spans = await Promise.all(grid.live.map((peer) => peer.ask<Span>('join')));

  return (Math.max(...spans.map(({ to }) => to)) - Math.max(...spans.map(({ from }) => from))) / 1000;
}

/** Sets a key on this peer, again if that fails. Resolves with the moment in which a set was acknowledged. */
function set(peer: PeerProcess, key: string): Promise<number> {
  return peer.ask<number>('set', { key, value: 1 }, LIMIT_MS);
}

/** Three peers join, and their leader is killed. */
export function failover(config: GridConfig): Promise<{ joinMs: number; writeMs: number }> {
  return withGrid(3, config, async (grid) => {
    const joined = await joinMs(grid);
    const leader = await grid.settled();
    const [survivor] = grid.live.filter((peer) => peer !== leader) as [PeerProcess];

    await set(survivor, 'before');

    const killedAt = now();
    const [, writtenAt] = await Promise.all([leader.kill(), set(survivor, 'after')]);

    return { joinMs: joined, writeMs: (writtenAt - killedAt) / 1000 };
  });
}

/** The leader leaves while another peer does one set after the other: how long the slowest took, of how many. */
export function leaderLeaves(): Promise<{ slowestMs: number; writes: number; failed: number }> {
  return withGrid(3, {}, async (grid) => {
    await grid.join();

    const leader = await grid.settled();
    const [writer] = grid.live.filter((peer) => peer !== leader) as [PeerProcess];
    const writing = writer.ask<Span[]>('sets', { ms: 1500 });

    await pauseMs(500);
    await leader.leave();

    const spans = await writing;

    return {
      slowestMs: Math.max(...spans.map(({ from, to }) => to - from)) / 1000,
      writes: spans.length,
      failed: spans.filter(({ code }) => code).length,
    };
  });
}

/** An event loop is blocked while all peers work: what the others saw of it, and what does not add up afterwards. */
export function blockedEventLoop(
  who: 'leader' | 'follower',
  ms: number,
): Promise<{ elections: number; lost: string[]; failed: number }> {
  return withGrid(3, {}, async (grid) => {
    await grid.join();
    await grid.work();
    await grid.progress();

    const leader = await grid.settled();
    const others = grid.live.filter((peer) => peer !== leader);
    const victim = who === 'leader' ? leader : (others[0] as PeerProcess);
    const witness = others.find((peer) => peer !== victim) as PeerProcess;
    const since = now();

    await victim.block(ms);
    await grid.settled();
    await grid.progress();
    await grid.rest();

    const end = await grid.agreement();
    const history = grid.history();
    const elected = witness.eventsSince(since, 'leader-changed').filter(({ args: [leaderId] }) => leaderId);

    return {
      elections: elected.length,
      lost: violations(history, end),
      failed: history.operations.filter(({ acknowledged }) => !acknowledged).length,
    };
  });
}

/** Five peers split in two, the leader among the two, for longer than `electionTimeoutInMs`. */
export function split(): Promise<{ majorityMs: number; healedMs: number; minorityWrites: number }> {
  return withGrid(5, {}, async (grid) => {
    await grid.join();

    const leader = await grid.settled();
    const [follower, ...three] = grid.live.filter((peer) => peer !== leader) as [PeerProcess, ...PeerProcess[]];
    const two = [leader, follower];

    grid.hub.partition(
      two.map(({ peerId }) => peerId),
      three.map(({ peerId }) => peerId),
    );

    const cutAt = now();
    const minority = two.map((peer) => set(peer, `of ${peer.peerId}`));
    const majority = await Promise.all(three.map((peer) => set(peer, `of ${peer.peerId}`)));

    await pauseMs(4000);
    grid.hub.heal();

    const healedAt = now();

    await grid.agreement();

    const agreedAt = now();
    const minorityWrites = (await Promise.all(minority)).filter((writtenAt) => writtenAt < healedAt).length;

    return {
      majorityMs: (Math.max(...majority) - cutAt) / 1000,
      healedMs: (agreedAt - healedAt) / 1000,
      minorityWrites,
    };
  });
}
