/**
 * Joining, leaving and closing: when the native peer runs, which promises wait for it, and the order of the events
 * around it. Only a running peer has timers, so nothing keeps the process alive before `join()` and after the end.
 */
import type { NativePeer } from '../binding/native';
import { hamokError } from '../common/errors';
import { createLogger } from '../common/logger';
import { Deferred } from './Deferred';
import { toError } from './guardedEmit';
import { type HamokJoinProcessParams, JoinProcess } from './JoinProcess';
import type { EmitHamokEvent, Membership } from './Membership';

const logger = createLogger('Hamok');

/** What the lifecycle needs of the peer around it. */
export interface LifecycleHost {
  readonly native: NativePeer;
  readonly membership: Membership;
  readonly heartbeatInMs: number;
  readonly emit: EmitHamokEvent;
  /** Handles what the native side has to tell. */
  drain(): void;
  /** The peer belongs to a grid with a leader, or no longer does. */
  connectedChanged(connected: boolean): void;
  /** Sends what was called before. */
  flush(): void;
}

export class Lifecycle {
  /** `left` lasts while the events of the end of leaving are emitted; then comes `idle`. */
  private phase: 'idle' | 'running' | 'leaving' | 'left' | 'closed' = 'idle';
  private isJoined = false;
  private joining: JoinProcess | undefined;
  private leavingDone = new Deferred<void>();
  private joinedDeferred = new Deferred<void>();
  private heartbeat: NodeJS.Timeout | undefined;
  /** Counts the calls of `leave()`. */
  private leaves = 0;

  constructor(private readonly host: LifecycleHost) {}

  get closed(): boolean {
    return this.phase === 'closed';
  }

  /** From `join()` until the peer has left. */
  get running(): boolean {
    return this.phase === 'running' || this.phase === 'leaving';
  }

  /** From `leave()` until the peer has left. */
  get leaving(): boolean {
    return this.phase === 'leaving';
  }

  /** Whether the native side's view of the grid is the users' view: not while leaving, whose events come at its end. */
  get followsGrid(): boolean {
    return this.phase === 'running';
  }

  /** Whether the peer belongs to a grid with a leader. */
  get joined(): boolean {
    return this.isJoined;
  }

  /** Resolves when `joined` is or becomes true; rejects when the peer is closed first. */
  get whenJoined(): Promise<void> {
    return this.joinedDeferred.promise;
  }

  join(params?: HamokJoinProcessParams): Promise<void> {
    if (this.phase === 'leaving' || this.phase === 'left') return this.joinAfterLeaving(params);
    if (this.joining) return this.joining.promise;
    if (this.isJoined) {
      logger.warn('join() was called on a peer that has joined already');
      return Promise.resolve();
    }

    let attempt: JoinProcess;

    try {
      attempt = new JoinProcess(params);
    } catch (error) {
      return Promise.reject(error);
    }

    this.joining = attempt;
    if (this.phase === 'idle') {
      try {
        this.start();
      } catch (error) {
        this.failJoining(toError(error));
        this.stopRunning();
      }
    }
    // A listener of the first events may have closed the peer, which has aborted the process then.
    if (this.joining === attempt) {
      attempt.start(() => {
        this.joining = undefined;
      });
    }

    return attempt.promise;
  }

  leave(): Promise<void> {
    this.leaves++;
    if (this.phase === 'leaving' || this.phase === 'left') return this.leavingDone.promise;
    if (this.phase !== 'running') return Promise.resolve();

    this.phase = 'leaving';
    this.leavingDone = new Deferred();
    this.abortJoining();
    // There is no native peer yet while `start` tells of the first state.
    if (this.heartbeat !== undefined) {
      this.host.flush();
      this.host.native.leave();
    }

    return this.leavingDone.promise;
  }

  /** Ends everything at once; the events of `close()` up to those of the collections. */
  close(): void {
    this.phase = 'closed';
    this.abortJoining();
    this.host.native.stop();
    this.host.drain();
    this.stopRunning();
    this.joinedDeferred.reject(hamokError('CLOSED', 'Cannot join: the hamok is closed'));
    this.leavingDone.resolve();
  }

  /** Rejects the `join()` that is under way. @returns whether there was one */
  failJoining(error: Error): boolean {
    const { joining } = this;

    this.joining = undefined;
    joining?.fail(error);

    return joining !== undefined;
  }

  /** The native side: there is a grid with a leader. */
  onJoined(): void {
    if (this.phase !== 'running' || this.isJoined) return;

    const { joining } = this;

    this.isJoined = true;
    this.joining = undefined;
    this.host.connectedChanged(true);
    this.host.emit('joined');
    joining?.succeed();
    this.joinedDeferred.resolve();
  }

  /** The native side: the leader is lost. */
  onRejoining(): void {
    if (this.phase !== 'running') return;
    this.disconnect();
    this.host.emit('rejoining');
  }

  /** The native side: leaving is done. */
  onLeft(): void {
    if (!this.running) return;

    this.phase = 'left';
    this.abortJoining();
    this.stopRunning();
    this.host.emit('left');
    // A listener may have closed the peer.
    if (!this.closed) this.phase = 'idle';
    this.leavingDone.resolve();
  }

  private start(): void {
    const { host } = this;

    this.phase = 'running';
    host.membership.setState('follower');
    // A listener may have closed the peer, or had it leave.
    if (this.closed) return;
    if (this.leaving) {
      this.onLeft();
      return;
    }

    host.native.start(() => host.drain());
    this.heartbeat = setInterval(() => {
      host.native.beat();
      host.emit('heartbeat');
    }, host.heartbeatInMs);
  }

  private async joinAfterLeaving(params?: HamokJoinProcessParams): Promise<void> {
    const { leaves } = this;

    await this.leavingDone.promise;
    if (this.closed) throw hamokError('CLOSED', 'Cannot execute join on a closed hamok');
    if (this.leaves !== leaves) throw hamokError('CLOSED', 'Joining process is aborted: leave() was called again');

    return this.join(params);
  }

  private abortJoining(): void {
    const { joining } = this;

    this.joining = undefined;
    joining?.abort();
  }

  /** Ends the timer that keeps the process alive, and emits what it means that this peer no longer runs. */
  private stopRunning(): void {
    clearInterval(this.heartbeat);
    this.heartbeat = undefined;
    if (this.phase === 'running') this.phase = 'idle';
    this.disconnect();
    this.host.membership.depart();
  }

  private disconnect(): void {
    if (!this.isJoined) return;
    this.isJoined = false;
    this.joinedDeferred = new Deferred();
    this.host.connectedChanged(false);
  }
}
