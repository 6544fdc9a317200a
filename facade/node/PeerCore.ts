/**
 * One peer, without its public surface: puts the parts together, and says for each record of the native stream which
 * part it concerns.
 *
 *     calls:    Hamok, collections -> CollectionPort -> Requests, Outbox -> native
 *     records:  native -> NativeStream -> PeerCore -> Membership, Lifecycle, CollectionPort, Requests -> listeners, promises
 */
import type { NativePeer } from '../binding/native';
import type { HamokError } from '../common/errors';
import { createLogger } from '../common/logger';
import type { ResolvedConfig } from '../HamokConfig';
import type { HamokState } from '../HamokEventMap';
import { HamokGrid } from '../HamokGrid';
import { createNativeMessage } from '../messages/HamokMessage';
import { NativeLog } from '../raft/NativeLog';
import { RaftView } from '../raft/RaftView';
import type { CollectionPort } from './CollectionPort';
import { Collections } from './Collections';
import { DeliveryOutbox } from './DeliveryOutbox';
import { GridRequests } from './GridRequests';
import { toError } from './guardedEmit';
import { Lifecycle } from './Lifecycle';
import { type EmitHamokEvent, Membership } from './Membership';
import { NativeStream } from './NativeStream';
import { createNativePeer } from './nativePeerFactory';
import { Outbox } from './Outbox';
import type { Outcome } from './Outcome';
import { NO_HANDLE } from './protocol';
import type {
  Change,
  Claim,
  Commit,
  Delivery,
  EncodedEntry,
  Execution,
  LoggedEntry,
  Merge,
  RecordSink,
  Reform,
} from './RecordSink';
import { ReplyOutbox } from './ReplyOutbox';
import { Requests } from './Requests';

/** Where a peer's events go. */
export interface PeerEvents {
  readonly emit: EmitHamokEvent;
  /** Something failed that no caller waits for. */
  report(error: Error): void;
  /** Whether somebody listens to `commit`. */
  wantsCommits(): boolean;
  /** The native side has stopped by itself: nothing works any more. */
  stopped(): void;
}

/** Positions in `NativePeer.status()`. */
const COMMIT_INDEX = 1;
const ONGOING_OPERATIONS = 7;

const logger = createLogger('Hamok');

export class PeerCore implements RecordSink {
  readonly native: NativePeer;
  readonly grid: HamokGrid;
  readonly raft: RaftView;
  readonly membership: Membership;
  readonly lifecycle: Lifecycle;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly deliveries: DeliveryOutbox;
  readonly gridRequests: GridRequests;
  readonly collections: Collections;

  private readonly stream: NativeStream;
  private readonly events: PeerEvents;
  private readonly nativeLog: NativeLog;

  constructor(config: ResolvedConfig<Record<string, unknown>>, events: PeerEvents) {
    const native = createNativePeer(config.native);
    const drain = () => this.stream.drain();
    const report = (error: Error) => events.report(error);

    this.native = native;
    this.events = events;
    this.nativeLog = new NativeLog(native, config.raftLogs, {
      wantsCommits: () => events.wantsCommits(),
      commit: (commitIndex, message) => events.emit('commit', commitIndex, message),
    });
    this.stream = new NativeStream(native, this);
    this.outbox = new Outbox((packed) => this.send(() => native.submit(packed)));
    this.deliveries = new DeliveryOutbox((packed) => this.send(() => native.deliver(packed)));
    this.requests = new Requests({
      abandon: (token) => native.abandon(token),
      drain,
      hasLeader: () => this.membership.leaderId !== undefined,
      hasLostQuorum: () => this.membership.quorumLost,
    });
    this.membership = new Membership(config.raft.peerId, events.emit, {
      leaderChanged: (leaderId) => {
        this.eachPort((port) => port.onLeaderChanged(leaderId));
        this.gridRequests.onLeaderChanged(leaderId);
      },
      peerLeft: (peerId) => this.eachPort((port) => port.onPeerLeft(peerId)),
    });
    this.lifecycle = new Lifecycle({
      native,
      membership: this.membership,
      heartbeatInMs: config.raft.heartbeatInMs,
      emit: (event, ...args) => {
        if (event === 'heartbeat') this.nativeLog.beat();
        events.emit(event, ...args);
      },
      drain,
      flush: () => this.flush(),
      connectedChanged: (connected) => this.eachPort((port) => port.onConnectedChanged(connected)),
    });
    this.grid = this.createGrid();
    this.raft = this.createRaftView(config);
    this.gridRequests = new GridRequests({
      requests: this.requests,
      outbox: this.outbox,
      barrier: (token, handle) => native.barrier(token, handle),
      leaderId: () => this.membership.leaderId,
      attached: () => this.collections.attached(),
    });
    this.collections = new Collections({
      grid: this.grid,
      requests: this.requests,
      outbox: this.outbox,
      replies: new ReplyOutbox((packed) => this.send(() => native.reply(packed))),
      deliveries: this.deliveries,
      maxCommandBytes: config.native.maxCommandBytes,
      report,
      wantsCommits: () => this.nativeLog.wantsCommits(),
      commitIndex: () => native.status()[COMMIT_INDEX] ?? -1,
      barrier: (token, handle) => native.barrier(token, handle),
      open: (handle, kind, id, { fenced, maxPending }) => native.open(handle, kind, id, fenced, maxPending),
      waitingRemoteOperations: (handle) => native.waitingRemoteOperations(handle),
      shut: (handle) => this.shut(handle),
    });
  }

  /** Somebody listens to `commit` from now on. */
  watchCommits(): void {
    this.nativeLog.watchCommits();
  }

  /** Number of operations of remote maps that are committed and not executed. */
  ongoingOperations(): number {
    return Math.max(this.native.status()[ONGOING_OPERATIONS] ?? 0, 0);
  }

  /** See `Hamok.forceReform()`. A call that waits for `join()` would strike a grid that nobody has looked at. */
  forceReform(): void {
    if (this.lifecycle.followsGrid && this.membership.leaderId === undefined) this.native.forceReform();
  }

  /** Ends everything, with the events of that up to those of the collections. */
  close(): void {
    this.nativeLog.freeze();
    this.outbox.discard();
    this.deliveries.discard();
    this.lifecycle.close();
    this.gridRequests.close();
    this.collections.close();
    this.requests.close();
    this.nativeLog.close();
  }

  message(destinationId: string | undefined, payload: Uint8Array): void {
    // A copy: an application may keep the message, and would keep all that arrived with it.
    const message = createNativeMessage(this.membership.localPeerId, destinationId, new Uint8Array(payload));

    this.events.emit('message', message);
  }

  state(state: HamokState): void {
    if (this.lifecycle.followsGrid) this.membership.setState(state);
  }

  leader(peerId: string | undefined): void {
    if (this.lifecycle.followsGrid) this.membership.setLeader(peerId);
  }

  peerJoined(peerId: string): void {
    if (this.lifecycle.followsGrid) this.membership.addPeer(peerId);
  }

  peerLeft(peerId: string): void {
    if (this.lifecycle.followsGrid) this.membership.removePeer(peerId);
  }

  noHeartbeat(peerId: string): void {
    // Of a peer that is gone already, nobody expects a heartbeat.
    const expected = this.lifecycle.followsGrid && this.membership.remotePeers.has(peerId);

    if (expected) this.events.emit('no-heartbeat-from', peerId);
  }

  joined(): void {
    this.gridRequests.onJoined();
    this.lifecycle.onJoined();
  }

  rejoining(): void {
    this.lifecycle.onRejoining();
  }

  left(): void {
    if (this.lifecycle.followsGrid) {
      this.events.stopped();
      return;
    }
    // Nobody waits for what still runs here, and the lead is with another peer.
    this.eachPort((port) => {
      port.onHalt(Infinity, false);
      port.onLeft();
    });
    this.lifecycle.onLeft();
  }

  quorumLost(): void {
    if (this.lifecycle.followsGrid) this.membership.loseQuorum();
  }

  quorumRestored(): void {
    if (this.lifecycle.followsGrid) this.membership.restoreQuorum();
  }

  reformed(reform: Reform): void {
    if (this.lifecycle.followsGrid) this.membership.reform(reform);
  }

  gridMerged(merge: Merge): void {
    if (this.lifecycle.followsGrid) this.events.emit('grid-merged', merge);
  }

  ready(handle: number, revision: number, fill: readonly EncodedEntry[] | undefined): void {
    this.collections.port(handle)?.onReady(revision, fill);
  }

  refused(handle: number, error: Error): void {
    this.collections.port(handle)?.onRefused(error);
  }

  changes(handle: number, revision: number, changes: readonly Change[]): void {
    this.collections.port(handle)?.onChanges(revision, changes);
  }

  completed(token: number, outcome: Outcome): void {
    this.requests.complete(token, outcome);
  }

  requestFailed(token: number, error: Error): void {
    this.requests.fail(token, error);
  }

  commit(commit: Commit): void {
    this.nativeLog.commit(commit);
  }

  claim(claim: Claim): void {
    if (!this.lifecycle.closed) this.collections.port(claim.handle)?.onClaim(claim);
  }

  execute(execution: Execution): void {
    if (!this.lifecycle.closed) this.collections.port(execution.handle)?.onExecute(execution);
  }

  halt(handle: number, term: number): void {
    const letRunningFinish = this.lifecycle.leaving;

    if (handle === NO_HANDLE) this.eachPort((port) => port.onHalt(term, letRunningFinish));
    else this.collections.port(handle)?.onHalt(term, letRunningFinish);
  }

  remoteEvents(handle: number, operationId: string, packed: Buffer): void {
    this.collections.port(handle)?.onRemoteEvents(operationId, packed);
  }

  progress(handle: number, headToken: number): void {
    this.requests.progress(handle, headToken);
  }

  eventsLost(handle: number): void {
    this.collections.port(handle)?.onEventsLost();
  }

  delivery(delivery: Delivery): void {
    const received = this.collections.port(delivery.handle)?.onDelivery(delivery) ?? false;

    if (delivery.id !== 0 && !this.lifecycle.closed) this.deliveries.answer(delivery.id, received);
  }

  logRemoved(entries: readonly LoggedEntry[], expired: boolean): void {
    this.nativeLog.removed(entries, expired);
  }

  error(error: HamokError): void {
    // That is an answer to `join()`.
    if (error.code === 'PEER_ID_IN_USE' && this.lifecycle.failJoining(error)) return;
    this.events.report(error);
  }

  log(level: number, module: string, text: string): void {
    const moduleLogger = createLogger(module);

    if (level >= 50) moduleLogger.error(text);
    else if (level >= 40) moduleLogger.warn(text);
    else if (level >= 30) moduleLogger.info(text);
    else if (level >= 20) moduleLogger.debug(text);
    else moduleLogger.trace(text);
  }

  failed(error: unknown): void {
    this.events.report(toError(error));
  }

  private eachPort(action: (port: CollectionPort) => void): void {
    for (const port of this.collections.ports()) action(port);
  }

  /** The native side refuses only what is packed wrongly: a defect of ours, which must not go unheard. */
  private send(call: () => void): void {
    if (this.lifecycle.closed) return;
    try {
      call();
    } catch (error) {
      logger.error(error);
      this.failed(error);
    }
  }

  private shut(handle: number): void {
    if (this.lifecycle.closed) return;
    // What was called before the collection was closed comes before its end.
    this.flush();
    this.native.shut(handle);
  }

  private flush(): void {
    this.outbox.flush();
    this.deliveries.flush();
  }

  private createGrid(): HamokGrid {
    const { membership, lifecycle, requests } = this;

    return new HamokGrid({
      localPeerId: membership.localPeerId,
      remotePeers: membership.remotePeers,
      pendingRequests: requests,
      get leaderId() {
        return membership.leaderId;
      },
      get connected() {
        return lifecycle.joined;
      },
    });
  }

  private createRaftView(config: ResolvedConfig<Record<string, unknown>>): RaftView {
    const { membership, native } = this;

    return new RaftView(config.raft, config.raftLogs, {
      localPeerId: membership.localPeerId,
      remotePeers: membership.remotePeers,
      status: () => native.status(),
      get leaderId() {
        return membership.leaderId;
      },
      get state() {
        return membership.state;
      },
    });
  }
}
