/** Peers in processes of their own, which tests can kill, and the transport between them. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './grid';

const script = fileURLToPath(new URL('peer-process.child.mjs', import.meta.url));

/** Compiles lib/, which these processes run, if it is older than its sources. */
export async function compileFacade(): Promise<void> {
  const { buildFacade } = await import('../../scripts/prepare.mjs');

  await buildFacade();
}

/** A process that makes two peers, works with them, and ends them in one of the ways that peer-process.child.mjs has. */
export class LifetimeProcess {
  output = '';
  exitCode: number | null | undefined;
  private readonly child: ChildProcess;

  constructor(way: string) {
    this.child = spawn(process.execPath, [script, 'lifetime', way], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data) => {
        this.output += data;
      });
    }
    this.child.on('close', (code) => {
      this.exitCode = code;
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** What a peer's process tells of its stream of sets. */
export interface SetReport {
  key: string;
  number: number;
}

export interface FailureReport extends SetReport {
  isError: boolean;
  text: string;
}

type Told =
  | { kind: 'message'; to: string | undefined; bytes: Uint8Array }
  | { kind: 'leader'; leaderId: string | undefined }
  | { kind: 'joined'; error: string | undefined }
  | { kind: 'error'; text: string }
  | ({ kind: 'acknowledged' } & SetReport)
  | ({ kind: 'failed' } & FailureReport)
  | { kind: 'finished' };

/** A process with one peer that has a remote map over Redis. */
export class PeerProcess {
  leaderId: string | undefined;
  joined = false;
  finished = false;
  exited = false;
  readonly acknowledged: SetReport[] = [];
  readonly failed: FailureReport[] = [];
  readonly errors: string[] = [];
  onMessage: (to: string | undefined, bytes: Uint8Array) => void = () => {};
  private readonly child: ChildProcess;

  constructor(
    readonly peerId: string,
    redisPort: number,
  ) {
    this.child = fork(script, ['redis', peerId, String(redisPort)], { serialization: 'advanced' });
    this.child.on('message', (told) => this.hear(told as Told));
    this.child.on('exit', () => {
      this.exited = true;
    });
  }

  tell(message: { kind: string; [field: string]: unknown }): void {
    if (!this.exited && this.child.connected) this.child.send(message, () => {});
  }

  /** Kills it with SIGKILL. What it had told before still arrives. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await until(() => this.exited, `${this.peerId} is gone`);
  }

  private hear(told: Told): void {
    switch (told.kind) {
      case 'message':
        this.onMessage(told.to, told.bytes);
        break;
      case 'leader':
        this.leaderId = told.leaderId;
        break;
      case 'joined':
        this.joined = told.error === undefined;
        if (told.error) this.errors.push(told.error);
        break;
      case 'error':
        this.errors.push(told.text);
        break;
      case 'acknowledged':
        this.acknowledged.push(told);
        break;
      case 'failed':
        this.failed.push(told);
        break;
      case 'finished':
        this.finished = true;
        break;
    }
  }
}

/** Starts a process for each peer and carries the messages between them. */
export function startPeerProcesses(peerIds: readonly string[], redisPort: number): PeerProcess[] {
  const peers = peerIds.map((peerId) => new PeerProcess(peerId, redisPort));

  for (const from of peers) {
    from.onMessage = (to, bytes) => {
      for (const peer of peers) {
        if (peer !== from && (to === undefined || to === peer.peerId)) peer.tell({ kind: 'message', bytes });
      }
    };
  }

  return peers;
}
