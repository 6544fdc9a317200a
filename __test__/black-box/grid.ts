/** A grid of peers, each in a process of its own, and the hub between them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Content, Fork, History } from './history';
import { Hub } from './hub';
import { journalPath, readJournals } from './journals';
import { type PeerConfig, PeerProcess, type PeerState, type Program } from './peer-process';
import type { Random } from './random';
import { until } from './until';

export type GridConfig = Omit<PeerConfig, 'peerId'>;

/** For peers to find each other, agree, or go on, once nothing is broken any more. */
const RECOVERY_LIMIT_MS = 30_000;

/** Operations of each peer by which a grid shows that it works. */
const PROGRESS = 20;

/** Events of each peer in error texts. */
const REPORTED_EVENTS = 15;

export class Grid {
  /** All that were ever started. */
  readonly peers: PeerProcess[] = [];
  /** Holds the journals. */
  readonly folder = mkdtempSync(join(tmpdir(), 'hamok-black-box-'));
  /** Set if the grid was to lose its majority. */
  fork: Fork | undefined;
  /** How long the peers pause between operations, against what the workload has. */
  pauses = 1;
  private working = false;
  private lastNumber = 0;

  private constructor(
    readonly hub: Hub,
    readonly config: GridConfig,
    private readonly program: Program | undefined,
  ) {}

  /** Starts processes, which have not joined yet. `program`: what they run, if it is not that of the black box. */
  static async start(count: number, config: GridConfig, random: Random, program?: Program): Promise<Grid> {
    const grid = new Grid(await Hub.start(random), config, program);

    try {
      await grid.startPeers(count);
    } catch (error) {
      await grid.close();
      throw error;
    }

    return grid;
  }

  /** Those that run and are to go on. */
  get live(): PeerProcess[] {
    return this.peers.filter(({ live }) => live);
  }

  /** Starts processes under new peer ids. */
  startPeers(count: number): Promise<PeerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.startPeer(`p${++this.lastNumber}`)));
  }

  /** Starts a process under this peer id, which another start may have had. */
  async startPeer(peerId: string): Promise<PeerProcess> {
    const name = `${peerId}-${this.peers.filter((peer) => peer.peerId === peerId).length + 1}`;
    const path = journalPath(this.folder, name);
    const peer = new PeerProcess(name, { ...this.config, peerId }, this.hub.port, path, this.program);

    this.peers.push(peer);
    await peer.ready();

    return peer;
  }

  /** Starts a process under a new peer id, ahead of the time: it is none of those that are to go on until it joins. */
  startSpare(): Promise<PeerProcess> {
    const started = this.startPeers(1) as Promise<[PeerProcess]>;

    (this.peers.at(-1) as PeerProcess).retired = true;

    return started.then(([peer]) => peer);
  }

  /** Has them join, and work if the others do. */
  async join(peers: readonly PeerProcess[] = this.live): Promise<void> {
    for (const peer of peers) peer.retired = false;
    await Promise.all(peers.map((peer) => peer.ask('join', {}, RECOVERY_LIMIT_MS)));
    if (this.working) await Promise.all(peers.map((peer) => this.startWork(peer)));
  }

  /** Has all begin to work. */
  async work(): Promise<void> {
    this.working = true;
    await Promise.all(this.live.map((peer) => this.startWork(peer)));
  }

  private startWork(peer: PeerProcess): Promise<void> {
    return peer.ask('work', { pauses: this.pauses });
  }

  /** Has all end their work, and waits for what is under way. */
  async rest(): Promise<void> {
    this.working = false;
    await Promise.all(this.live.map((peer) => peer.ask('rest', {}, RECOVERY_LIMIT_MS)));
  }

  /** Waits until the live peers, and nobody else, are a grid with one leader, which it resolves with. */
  async settled(limitMs = RECOVERY_LIMIT_MS): Promise<PeerProcess> {
    const { live } = this;
    let leader: PeerProcess | undefined;

    await until(
      async () => {
        const states = await this.states(live);

        leader = live.find((_, index) => states[index]?.leads);

        return states.every((state, index) => state.leaderId === leader?.peerId && knowsOnly(live, index, state));
      },
      async () => `${live.map(({ name }) => name)} form a grid\n${await this.report()}`,
      limitMs,
    );

    return leader as PeerProcess;
  }

  /** Waits until every live peer has had operations acknowledged that began after this call, or so. */
  async progress(peers: readonly PeerProcess[] = this.live, count = PROGRESS): Promise<void> {
    const before = await this.states(peers);

    await until(
      async () => {
        const states = await this.states(peers);

        return states.every(({ acknowledged }, index) => acknowledged - Number(before[index]?.acknowledged) > count);
      },
      async () => `operations of ${peers.map(({ name }) => name)} are acknowledged\n${await this.report()}`,
      RECOVERY_LIMIT_MS,
    );
  }

  /** Waits until all live peers have the same, in the same order, and resolves with that. */
  async agreement(limitMs = RECOVERY_LIMIT_MS): Promise<Content> {
    await this.settled(limitMs);
    await until(
      async () => new Set((await this.states()).map(({ digest }) => digest)).size === 1,
      async () => `all peers have the same\n${await this.report()}`,
      limitMs,
    );

    return (this.live[0] as PeerProcess).ask<Content>('content');
  }

  /** From now on nothing is promised of what this peer does not have now. */
  async goesOnWith(survivor: PeerProcess): Promise<void> {
    const { at, ...survived } = await survivor.ask<Content & { at: number }>('content');

    this.fork = { at, survived };
  }

  states(peers: readonly PeerProcess[] = this.live): Promise<PeerState[]> {
    return Promise.all(peers.map((peer) => peer.ask<PeerState>('state')));
  }

  /** What all processes have done, also those that are gone. */
  history(): History {
    return readJournals(this.folder);
  }

  /** Processes that ended without having been told to. */
  accidents(): string[] {
    return this.peers
      .filter(({ ending, retired }) => ending !== undefined && !retired)
      .map(({ name, ending, output }) => `${name} ended with ${ending}\n${output}`);
  }

  /** What the peers say of themselves, for error texts. */
  async report(): Promise<string> {
    const lines = this.peers.map(async (peer) => {
      const state = peer.live ? await peer.ask('state').then(JSON.stringify, String) : `ended with ${peer.ending}`;
      const events = peer.events.slice(-REPORTED_EVENTS).map(({ event, args }) => `${event}(${args})`);

      return `${peer.name} ${state}\n  ${events.join(' ')}${peer.output && `\n  ${peer.output}`}`;
    });

    return (await Promise.all(lines)).join('\n');
  }

  /** Ends all processes. The journals stay: see `forget`. */
  async close(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.ending ?? peer.kill()));
    this.hub.close();
  }

  /** Removes the journals. */
  forget(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a peer has all others of these in its grid, and no others. */
function knowsOnly(peers: readonly PeerProcess[], index: number, { remotePeerIds }: PeerState): boolean {
  const others = peers.filter((_, other) => other !== index).map(({ peerId }) => peerId);

  return remotePeerIds.length === others.length && others.every((peerId) => remotePeerIds.includes(peerId));
}
