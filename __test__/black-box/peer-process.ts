/** One peer in a process of its own, and what can be done to such a process from outside. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HamokConfig } from 'hamok';
import { until } from './until';

/** What a peer's process runs: it answers `join`, `work`, `rest` and `state`, and what its tests ask of it. */
export interface Program {
  readonly script: string;
  /** Follow those that every program gets: name, port of the hub, file for the journal, options of the `Hamok` as JSON. */
  readonly args: readonly string[];
}

const BLACK_BOX: Program = { script: fileURLToPath(new URL('child/peer.mjs', import.meta.url)), args: [] };

/** What is kept of the output of a process, for error texts. */
const OUTPUT_CHARACTERS = 2000;

const START_LIMIT_MS = 20_000;
const EXIT_LIMIT_MS = 20_000;

/** For orders that are answered at once, by a process that runs. */
const ANSWER_LIMIT_MS = 20_000;

/** The answer to the order `state`. */
export interface PeerState {
  leaderId?: string;
  leads: boolean;
  term: number;
  remotePeerIds: string[];
  /** Equal for peers with equal collections. */
  digest: string;
  size: string;
  /** Operations that have succeeded so far. */
  acknowledged: number;
}

/** An event of the peer; `at` is in microseconds. */
export interface PeerEvent {
  event: string;
  args: unknown[];
  at: number;
}

export type PeerConfig = Partial<HamokConfig> & { peerId: string };

type Told = { started: true } | { id: number; value?: unknown; error?: string } | PeerEvent;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Whatever ends this process ends those, too: without their parent they exit, and this one is for those that hang. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class PeerProcess {
  readonly events: PeerEvent[] = [];
  /** How it ended, once it has. */
  ending: string | undefined;
  /** Whether it was told to end, or killed. */
  retired = false;
  output = '';
  private started = false;
  private lastId = 0;
  private readonly pending = new Map<number, Pending>();
  private readonly child: ChildProcess;

  /** Starts the process; see `ready`. */
  constructor(
    /** Of this start; the same peer id may have several. */
    readonly name: string,
    readonly config: PeerConfig,
    hubPort: number,
    journal: string,
    program: Program = BLACK_BOX,
  ) {
    const args = [name, `${hubPort}`, journal, JSON.stringify(config), ...program.args];

    this.child = fork(program.script, args, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data) => {
        this.output = `${this.output}${data}`.slice(-OUTPUT_CHARACTERS);
      });
    }
    this.child.on('message', (told) => this.hear(told as Told));
    this.child.on('exit', (code, signal) => this.end(signal ?? `code ${code}`));
  }

  /** Resolves when the process runs and is connected to the hub. It has not joined yet. */
  async ready(): Promise<void> {
    await until(
      () => this.started || this.ending,
      () => `${this.name} starts\n${this.output}`,
      START_LIMIT_MS,
    );
    if (this.ending) throw new Error(`${this.name} ended with ${this.ending}\n${this.output}`);
  }

  get peerId(): string {
    return this.config.peerId;
  }

  /** Whether its process runs and is to go on. */
  get live(): boolean {
    return this.ending === undefined && !this.retired;
  }

  /** Has the process do something, see its `orders`, and resolves with the answer. */
  ask<Answer = void>(order: string, params: Record<string, unknown> = {}, limitMs = ANSWER_LIMIT_MS): Promise<Answer> {
    const id = ++this.lastId;

    return new Promise<Answer>((resolve, reject) => {
      const fail = (text: string) => reject(new Error(`${this.name}: ${order}: ${text}`));
      const timer = setTimeout(() => fail(`no answer within ${limitMs} ms`), limitMs);

      this.pending.set(id, {
        resolve(value) {
          clearTimeout(timer);
          resolve(value as Answer);
        },
        reject(error) {
          clearTimeout(timer);
          fail(error.message);
        },
      });
      if (this.ending) this.pending.get(id)?.reject(new Error(`ended with ${this.ending}`));
      else this.child.send({ id, order, params }, () => {});
    });
  }

  /** Ends it without a word, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.retired = true;
    this.child.kill('SIGKILL');
    await this.gone();
  }

  /** Has it leave, and resolves when the process has ended by itself. */
  async leave(): Promise<void> {
    this.retired = true;
    await this.ask('leave');
    await this.gone();
    if (this.ending !== 'code 0') throw new Error(`${this.name} left and ended with ${this.ending}\n${this.output}`);
  }

  /** Freezes the process for so long. A shell does it, so that the process thaws even if this one is gone. */
  async freeze(ms: number): Promise<void> {
    const script = 'kill -STOP "$0"; sleep "$1"; kill -CONT "$0"';

    await once(spawn('/bin/sh', ['-c', script, `${this.child.pid}`, `${ms / 1000}`]), 'exit');
  }

  /** It may stop itself from now on. A shell sees to it that it goes on, and so ends, when this process is gone. */
  mayFreeze(): void {
    const script = 'while kill -0 "$0" && kill -0 "$1"; do sleep 1; done 2>/dev/null; kill -CONT "$0" 2>/dev/null';

    spawn('/bin/sh', ['-c', script, `${this.child.pid}`, `${process.pid}`], { stdio: 'ignore' }).unref();
  }

  /** Lets it go on after it has stopped itself. */
  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Blocks the event loop for so long. */
  async block(ms: number): Promise<void> {
    await this.ask('block', { ms }, ms + ANSWER_LIMIT_MS);
  }

  /** Events of this name since a moment. */
  eventsSince(at: number, event: string): PeerEvent[] {
    return this.events.filter((it) => it.event === event && it.at > at);
  }

  private gone(): Promise<void> {
    return until(
      () => this.ending,
      () => `${this.name} is gone`,
      EXIT_LIMIT_MS,
    );
  }

  private end(how: string): void {
    this.ending = how;
    running.delete(this.child);
    for (const { reject } of this.pending.values()) reject(new Error(`ended with ${how}`));
    this.pending.clear();
  }

  private hear(told: Told): void {
    if ('started' in told) {
      this.started = true;
    } else if ('event' in told) {
      this.events.push(told);
    } else {
      const pending = this.pending.get(told.id);

      this.pending.delete(told.id);
      if (told.error === undefined) pending?.resolve(told.value);
      else pending?.reject(new Error(told.error));
    }
  }
}
