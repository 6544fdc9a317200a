/**
 * What this peer knows of its grid: its own role, the leader, the other peers. Each change emits its events, and what is
 * no change emits nothing, so it does not matter whether the native side or the application told it first.
 */
import type { HamokEventMap, HamokState } from '../HamokEventMap';

/** Emits an event of `Hamok`. */
export type EmitHamokEvent = <E extends keyof HamokEventMap>(event: E, ...args: HamokEventMap[E]) => void;

/** Hears of changes after their events. */
export interface MembershipObserver {
  leaderChanged(leaderId: string | undefined): void;
  peerLeft(peerId: string): void;
}

export class Membership {
  private currentState: HamokState = 'empty';
  private currentLeader: string | undefined;
  private isQuorumLost = false;
  private readonly peers = new Set<string>();

  constructor(
    readonly localPeerId: string,
    private readonly emit: EmitHamokEvent,
    private readonly observer: MembershipObserver,
  ) {}

  get state(): HamokState {
    return this.currentState;
  }

  get leaderId(): string | undefined {
    return this.currentLeader;
  }

  /** Whether too few of the grid's peers can be reached to elect a leader, as far as this is known. */
  get quorumLost(): boolean {
    return this.isQuorumLost;
  }

  /** The other peers' ids; live. */
  get remotePeers(): ReadonlySet<string> {
    return this.peers;
  }

  /** Emits `state-changed`, then the state's own event. */
  setState(state: HamokState): void {
    const previous = this.currentState;

    if (state === previous) return;
    this.currentState = state;
    this.emit('state-changed', state, previous);
    // A listener may have closed the peer, which is then in another state.
    if (state !== 'empty' && this.currentState === state) this.emit(state);
  }

  setLeader(leaderId: string | undefined): void {
    const previous = this.currentLeader;

    if (leaderId === previous) return;
    this.currentLeader = leaderId;
    // Whoever leads has a quorum, whether or not it is that of the same grid.
    if (leaderId !== undefined) this.isQuorumLost = false;
    this.emit('leader-changed', leaderId, previous);
    this.observer.leaderChanged(leaderId);
  }

  addPeer(peerId: string): void {
    if (peerId === this.localPeerId || this.peers.has(peerId)) return;
    this.peers.add(peerId);
    this.emit('remote-peer-joined', peerId);
  }

  removePeer(peerId: string): void {
    if (!this.peers.delete(peerId)) return;
    this.emit('remote-peer-left', peerId);
    this.observer.peerLeft(peerId);
  }

  loseQuorum(): void {
    this.isQuorumLost = true;
    this.emit('quorum-lost');
  }

  restoreQuorum(): void {
    this.isQuorumLost = false;
    this.emit('quorum-restored');
  }

  /** The grid went on without its majority. */
  reform(reform: HamokEventMap['reformed'][0]): void {
    this.isQuorumLost = false;
    this.emit('reformed', reform);
  }

  /** This peer no longer belongs to a grid: emits what that means, in the order that users may rely on. */
  depart(): void {
    this.isQuorumLost = false;
    this.setLeader(undefined);
    this.setState('empty');
    for (const peerId of [...this.peers]) this.removePeer(peerId);
  }
}
