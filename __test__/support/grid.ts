/**
 * Peers of one process, a transport between them that tests can break, and a record of what the peers said.
 *
 * Every message is serialised and made anew for each receiver, as a real transport would, and arrives in a later turn
 * of the event loop. Grids are closed after the test that made them; a promise that rejected without a handler fails the
 * test in which it did.
 */
import type { EventEmitter } from 'node:events';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { Hamok, type HamokConfig, HamokMessage } from 'hamok';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type Generator, seededGenerator } from './random';

/** What the transport does to messages. */
export interface Link {
  /** One hop takes this long; 0: until the next turn of the event loop. */
  delayMs: number;
  /** Up to as much longer, at random: messages overtake each other. */
  jitterMs: number;
  /** Probability that a message does not arrive. */
  loss: number;
  /** Probability that a message arrives twice. */
  duplication: number;
  /** Every peer gets every message, its own too, as on one publish/subscribe channel. */
  channel: boolean;
}

const PERFECT_LINK: Link = { delayMs: 0, jitterMs: 0, loss: 0, duplication: 0, channel: false };

/** Short times, for tests in which a peer has to be missed. */
export const QUICK: Partial<HamokConfig> = { electionTimeoutInMs: 1000, followerMaxIdleInMs: 400, heartbeatInMs: 40 };

/** The longest that anything may take. */
const LIMIT_MS = 20_000;

const RECORDED_EVENTS = [
  'follower',
  'candidate',
  'leader',
  'remote-peer-joined',
  'remote-peer-left',
  'leader-changed',
  'state-changed',
  'error',
  'no-heartbeat-from',
  'unsynced-peer',
  'joined',
  'rejoining',
  'left',
  'close',
] as const;

/** Waits for a condition. `what` says what was waited for when it does not come true. */
export async function until(
  condition: () => unknown,
  what: string | (() => string),
  limitMs = LIMIT_MS,
): Promise<void> {
  const start = performance.now();

  while (!condition()) {
    if (performance.now() - start > limitMs) {
      throw new Error(`Not within ${limitMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await pause(5);
  }
}

/** How a promise ended. */
export type Ending<T> = { value: T; error?: undefined } | { value?: undefined; error: Error };

/** Waits for a promise that may reject, but must settle. */
export async function ending<T>(promise: Promise<T>, what: string, limitMs = LIMIT_MS): Promise<Ending<T>> {
  let end: Ending<T> | undefined;

  promise.then(
    (value) => {
      end = { value };
    },
    (error) => {
      end = { error };
    },
  );
  await until(() => end, `${what} settles`, limitMs);

  return end as Ending<T>;
}

/** Milliseconds that something takes. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();

  await work();

  return performance.now() - start;
}

/** Random choices that a seed repeats. */
export interface Random extends Generator {
  /** An integer from 0 to `below` - 1. */
  int(below: number): number;
  pick<T>(items: readonly T[]): T;
}

export function createRandom(testFile: string): Random {
  const { seed, next } = seededGenerator(`integration/${testFile}`);

  return {
    seed,
    next,
    int: (below) => Math.floor(next() * below),
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
  };
}

export class Grid {
  readonly peers: Hamok[] = [];
  readonly link: Link = { ...PERFECT_LINK };
  /** Sees the bytes of every message that is sent. */
  tap: ((bytes: Uint8Array, from: Hamok) => void) | undefined;

  private readonly records = new Map<Hamok, string[]>();
  private readonly unreachable = new Set<Hamok>();
  private readonly names = 'abcdefghijklmnopqrstuvwxyz';

  constructor(
    private readonly config: Partial<HamokConfig>,
    private readonly random: () => number = Math.random,
  ) {}

  /** Makes a peer, the next in the alphabet, and connects it to the transport. It does not join yet. */
  add(config: Partial<HamokConfig> = {}): Hamok {
    const peer = new Hamok({ peerId: this.names[this.peers.length], ...this.config, ...config });

    this.peers.push(peer);
    this.records.set(peer, []);
    for (const event of RECORDED_EVENTS) this.record(peer, peer, event);
    peer.on('message', (message: HamokMessage) => this.carry(peer, message));

    return peer;
  }

  /** Puts an event of anything of this peer's into the peer's record. */
  record(peer: Hamok, emitter: EventEmitter, event: string, name = event): void {
    emitter.on(event, (...args: unknown[]) => this.note(peer, args.length > 0 ? `${name}(${args.map(text)})` : name));
  }

  /** Puts a line into the record of a peer. */
  note(peer: Hamok, line: string): void {
    this.recordOf(peer).push(line);
  }

  /** What the peer's events were, in order, such as `leader-changed(a,0)`; 0 stands for undefined. */
  recordOf(peer: Hamok): string[] {
    return this.records.get(peer) as string[];
  }

  /** Forgets what was recorded so far. */
  clearRecords(): void {
    for (const record of this.records.values()) record.length = 0;
  }

  /** Joins these peers, or all, and waits until all of them know each other and the same leader. */
  async join(peers: readonly Hamok[] = this.peers): Promise<void> {
    await Promise.all(peers.map((peer) => peer.join()));
    await this.settled(peers);
  }

  /** Waits until these peers, or all that are reachable, know each other and the same leader. */
  async settled(peers: readonly Hamok[] = this.running): Promise<void> {
    const ids = peers.map(({ localPeerId }) => localPeerId);
    const isSettled = () => {
      const leaderId = peers[0]?.raft.leaderId;

      return (
        leaderId !== undefined &&
        ids.includes(leaderId) &&
        peers.every(
          (peer) =>
            peer.raft.leaderId === leaderId && ids.every((id) => id === peer.localPeerId || peer.remotePeerIds.has(id)),
        )
      );
    };

    await until(isSettled, () => `${ids} form a grid with one leader\n${this.report()}`);
  }

  /** The peers that run and can be reached. */
  get running(): Hamok[] {
    return this.peers.filter((peer) => peer.run && !peer.closed && !this.unreachable.has(peer));
  }

  /** The peer that leads among those that can be reached. */
  get leader(): Hamok {
    const leader = this.running.find((peer) => peer.leader);

    if (!leader) throw new Error(`Nobody leads\n${this.report()}`);

    return leader;
  }

  /** The others that can be reached. */
  get followers(): Hamok[] {
    return this.running.filter((peer) => !peer.leader);
  }

  /** Nothing goes to the peer or comes from it any more. */
  cut(peer: Hamok): void {
    this.unreachable.add(peer);
  }

  heal(peer: Hamok): void {
    this.unreachable.delete(peer);
  }

  close(): void {
    for (const peer of this.peers) peer.close();
  }

  /** The records of all peers, for error texts. */
  report(): string {
    return this.peers
      .map(
        (peer) => `${peer.localPeerId} (${peer.state}, leader ${peer.raft.leaderId}): ${this.recordOf(peer).join(' ')}`,
      )
      .join('\n');
  }

  private carry(from: Hamok, message: HamokMessage): void {
    const bytes = message.toBinary();

    this.tap?.(bytes, from);
    if (this.unreachable.has(from)) return;
    for (const to of this.peers) {
      const meant = message.destinationId === undefined || message.destinationId === to.localPeerId;

      if (this.link.channel || (meant && to !== from)) this.send(to, from, bytes);
    }
  }

  private send(to: Hamok, from: Hamok, bytes: Uint8Array): void {
    const { delayMs, jitterMs, loss, duplication } = this.link;
    const deliver = () => {
      if (!this.unreachable.has(from) && !this.unreachable.has(to)) to.accept(HamokMessage.fromBinary(bytes));
    };
    const copies = this.random() < loss ? 0 : this.random() < duplication ? 2 : 1;

    for (let copy = 0; copy < copies; copy++) {
      const waitMs = delayMs + Math.floor(jitterMs * this.random());

      if (waitMs > 0) setTimeout(deliver, waitMs);
      else setImmediate(deliver);
    }
  }
}

const open = new Set<Grid>();
const unhandled: unknown[] = [];

process.on('unhandledRejection', (reason) => unhandled.push(reason));

afterEach(async () => {
  for (const grid of open) grid.close();
  open.clear();
  // Node tells of unhandled rejections at the end of a turn.
  await nextTurn();
  expect(unhandled.splice(0), 'rejections that nobody handled').toEqual([]);
});

/** A grid of `count` peers that have not joined yet; closed after the test. */
export function createGrid(count: number, config: Partial<HamokConfig> = {}, random?: () => number): Grid {
  const grid = new Grid(config, random);

  for (let number = 0; number < count; number++) grid.add();
  open.add(grid);

  return grid;
}

/** A grid of `count` peers that have joined, for all tests of a `describe`. Available once they run. */
export function useGrid(count: number, config: Partial<HamokConfig> = {}): () => Grid {
  const grid = new Grid(config);

  beforeAll(async () => {
    for (let number = 0; number < count; number++) grid.add();
    await grid.join();
  });
  afterAll(() => grid.close());

  return () => grid;
}

/** An argument of an event, as records have it. */
function text(value: unknown): string {
  if (value === undefined) return '0';

  return value instanceof Error ? value.message : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
