/**
 * A grid of peers that work on a remote map, on a store server of its own, and what is done to them: a leader goes into a
 * trap, processes take the place of those that are gone.
 */
import { fileURLToPath } from 'node:url';
import { Grid, type GridConfig } from '../black-box/grid';
import type { PeerEvent, PeerProcess } from '../black-box/peer-process';
import type { Random } from '../black-box/random';
import { until } from '../black-box/until';
import { openStore, type StoreServer } from '../stores/support/StoreServer';
import { type History, readHistory } from './history';
import type { Content } from './model';

const SCRIPT = fileURLToPath(new URL('child/peer.mjs', import.meta.url));
const CONFIG: GridConfig = { electionTimeoutInMs: 500, followerMaxIdleInMs: 200, heartbeatInMs: 40 };
const PEERS = 3;

/** A leader that was replaced before it came to the point is left alone, and the new one goes into the trap. */
const TRAP_LIMIT_MS = 3000;
const TRAP_ATTEMPTS = 10;

/** For what is to happen by itself. */
const LIMIT_MS = 30_000;

/** Where a leader goes into the trap: see child/trap.mjs. */
export type Point = (typeof POINTS)[number];

export const POINTS = ['before', 'during', 'answered', 'replied', 'marked'] as const;

export class MatrixGrid {
  private spare: Promise<PeerProcess> | undefined;

  private constructor(
    readonly grid: Grid,
    readonly server: StoreServer,
    private readonly mapId: string,
    private readonly random: Random,
  ) {}

  /** Peers that have joined and work, on a map of the store that nobody has used before. */
  static async start(server: StoreServer, mapId: string, random: Random, pauses = 1): Promise<MatrixGrid> {
    const program = { script: SCRIPT, args: [server.kind, `${server.port}`, mapId] };
    const matrix = new MatrixGrid(await Grid.start(PEERS, CONFIG, random, program), server, mapId, random);

    matrix.grid.pauses = pauses;
    try {
      await matrix.grid.join();
      await matrix.grid.work();
    } catch (error) {
      await matrix.grid.close();
      throw error;
    }

    return matrix;
  }

  /** Has the leader go into a trap at this point, and resolves with it when it is dead. */
  async leaderDiesAt(point: Point): Promise<PeerProcess> {
    return this.trapped(point, (leader) => leader.ending !== undefined);
  }

  /** Has the leader stop itself at this point, and resolves with it. */
  async leaderFreezesAt(point: 'frozen' | 'frozen-during'): Promise<PeerProcess> {
    return this.trapped(point, (leader, before) => countOf(leader, 'freezes') > before);
  }

  /** Has as many processes join and work as are gone. Some have the peer id of one that is gone. */
  async replace(gone: readonly PeerProcess[]): Promise<void> {
    const started = gone.map((peer) => (this.random.chance(0.2) ? this.grid.startPeer(peer.peerId) : this.newcomer()));
    const newcomers = await Promise.all(started);

    // Ready for the next time, while this grid settles.
    this.spare ??= this.grid.startSpare();
    // Without a next time it is ended while it starts.
    this.spare.catch(() => {});
    await this.grid.join(newcomers);
  }

  /** Waits until one of these peers has written to the store as the leader. */
  async oneWrites(peers: readonly PeerProcess[]): Promise<void> {
    const before = await this.writesOf(peers);

    await until(
      async () => (await this.writesOf(peers)) > before,
      async () => `one of ${peers.map(({ name }) => name)} writes\n${await this.grid.report()}`,
      LIMIT_MS,
    );
  }

  /** Waits until an event of this name comes from a peer after `count` others, and resolves with it. */
  async eventOf(peer: PeerProcess, name: string, count: number): Promise<PeerEvent> {
    await until(
      () => countOf(peer, name) > count,
      async () => `${peer.name}: ${name}\n${await this.grid.report()}`,
      LIMIT_MS,
    );

    return peer.events.filter(({ event }) => event === name)[count] as PeerEvent;
  }

  /** What the store has now. */
  async content(): Promise<Content> {
    const { store, close } = openStore<string>(this.server.kind, this.server.port, this.mapId);
    const content: Content = new Map();

    try {
      for await (const [key, value] of store.iterator()) content.set(key, value);
    } finally {
      await close();
    }

    return content;
  }

  history(): History {
    return readHistory(this.grid.folder);
  }

  /** A process under a new peer id. */
  private newcomer(): Promise<PeerProcess> {
    const { spare = this.grid.startSpare() } = this;

    this.spare = undefined;

    return spare;
  }

  private async writesOf(peers: readonly PeerProcess[]): Promise<number> {
    const states = await Promise.all(peers.map((peer) => peer.ask<{ writes: number }>('state')));

    return states.reduce((sum, { writes }) => sum + writes, 0);
  }

  private async trapped(
    point: string,
    isCaught: (leader: PeerProcess, freezesBefore: number) => boolean,
  ): Promise<PeerProcess> {
    const snare = { point, skip: this.random.int(0, 8), waitMs: this.random.int(0, 15) };

    for (let attempt = 1; attempt <= TRAP_ATTEMPTS; attempt++) {
      const leader = await this.grid.settled();
      const freezes = countOf(leader, 'freezes');
      const caught = (limitMs: number) =>
        until(
          () => isCaught(leader, freezes),
          () => `${leader.name} comes to the point ${point}`,
          limitMs,
        );

      leader.retired = true;
      if (point.startsWith('frozen')) leader.mayFreeze();
      await leader.ask('arm', snare);
      if (
        await caught(TRAP_LIMIT_MS).then(
          () => true,
          () => this.isGone(leader),
        )
      ) {
        await caught(LIMIT_MS);

        return leader;
      }
      leader.retired = false;
    }

    throw new Error(`no leader came to the point ${point}\n${await this.grid.report()}`);
  }

  /** Takes the trap away, unless the leader is in it. */
  private isGone(leader: PeerProcess): Promise<boolean> {
    return leader.ask<boolean>('disarm').then(
      (isFree) => !isFree,
      () => true,
    );
  }
}

/** How often an event of this name came from a peer. */
export function countOf(peer: PeerProcess, name: string): number {
  return peer.events.filter(({ event }) => event === name).length;
}
