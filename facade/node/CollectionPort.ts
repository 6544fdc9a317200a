/**
 * What a collection is made on: its handle at the native side, its connection, and its way in and out. Requests wait
 * here, in their order, until the collection is ready. A collection gives the port a sink for what comes in.
 */
import { type ConnectionStatus, HamokConnection } from '../collections/HamokConnection';
import { hamokError } from '../common/errors';
import type { HamokGrid } from '../HamokGrid';
import { Deferred } from './Deferred';
import type { DeliveryOutbox } from './DeliveryOutbox';
import { guardedEmit, toError } from './guardedEmit';
import type { Outbox } from './Outbox';
import { mergeOutcomes, NOTHING, type Outcome } from './Outcome';
import type { CollectionKind } from './protocol';
import type { Change, Claim, Delivery, EncodedEntry, Execution } from './RecordSink';
import type { ReplyOutbox } from './ReplyOutbox';
import type { Convert, PendingRequest, Requests } from './Requests';

/** What comes in for a collection. A kind implements what it uses. */
export interface CollectionSink {
  /** @param fill the whole content, to be taken over silently; undefined: the mirror is up to date */
  ready?(revision: number, fill: readonly EncodedEntry[] | undefined): void;
  changes?(revision: number, changes: readonly Change[]): void;
  /** An operation to be executed, or a store to be claimed. */
  execute?(order: Execution | Claim): void;
  /** @param letRunningFinish whether the operation that runs may still take its next steps */
  halt?(term: number, letRunningFinish: boolean): void;
  remoteEvents?(operationId: string, packed: Buffer): void;
  eventsLost?(): void;
  /** The connection is about to emit `connected`. */
  connected?(): void;
  /** The connection is about to emit `leader-changed`. */
  leaderChanged?(leaderId: string | undefined): void;
  /** The connection is about to emit `remote-peer-removed`. */
  peerLeft?(peerId: string): void;
  /** @returns whether a listener was called */
  delivery?(delivery: Delivery): boolean;
  /** Number of operations that this peer has been given to execute, and has not answered. */
  executing?(): number;
}

/** What a port needs of the peer. */
export interface PortHost {
  readonly grid: HamokGrid;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly replies: ReplyOutbox;
  readonly deliveries: DeliveryOutbox;
  /** The most bytes of one write. */
  readonly maxCommandBytes: number;
  /** Asks the native side for a barrier. */
  barrier(token: number, handle: number): void;
  /** Log index up to which this peer has applied everything; -1 when nothing. */
  commitIndex(): number;
  /** Number of operations of a remote map that are ordered and not known to be executed. */
  waitingRemoteOperations(handle: number): number;
  /** The collection is closed. */
  closed(port: CollectionPort): void;
  /** Whether somebody listens to commits. */
  wantsCommits(): boolean;
  /** Something failed that no caller waits for. */
  report(error: Error): void;
}

/** What users may set for the requests of a collection; see `CollectionConfig`. */
export interface RequestLimits {
  readonly requestTimeoutInMs: number;
  /** Most keys of one request; Infinity: no limit. */
  readonly maxKeys: number;
}

/** What the native side has to know of a remote map. */
export interface RemoteOptions {
  /** Whether its store hands out epochs, and refuses whoever has a lower one. */
  readonly fenced: boolean;
  /** When so many operations wait for their execution, or for their answer here, further ones of this peer are refused. */
  readonly maxPending: number;
}

const NOT_REMOTE: RemoteOptions = { fenced: false, maxPending: Infinity };

/** Hands a request to the native side. May throw: then the request fails with that. */
export type Send = (outbox: Outbox, request: PendingRequest) => void;

/** Writes a part of a batch into the outbox. @param values empty when the operation has none */
export type SendBatch = (
  outbox: Outbox,
  token: number,
  handle: number,
  keys: readonly Uint8Array[],
  values: readonly Uint8Array[],
) => void;

export class CollectionPort {
  readonly connection: HamokConnection;
  readonly limits: RequestLimits;

  private readonly status: ConnectionStatus = { connected: false, closed: false, highestSeenCommitIndex: -1 };
  private sink: CollectionSink = {};
  private remoteOptions = NOT_REMOTE;
  /** What waits until the collection is ready; undefined from then on. */
  private waiting: (() => void)[] | undefined = [];
  private refusal: Error | undefined;
  private readyDeferred = new Deferred<void>();
  /** Whether READY has come since the peer last joined. */
  private isAttached = false;
  /** What waits until the peer belongs to a grid with a leader. */
  private unconnected: PendingRequest[] = [];

  constructor(
    private readonly host: PortHost,
    readonly handle: number,
    readonly kind: CollectionKind,
    readonly id: string,
    limits: RequestLimits,
  ) {
    this.limits = limits;
    this.connection = new HamokConnection(id, host.grid, this.status);
  }

  get closed(): boolean {
    return this.status.closed;
  }

  /** Whether the collection has been ready once. */
  get opened(): boolean {
    return !this.waiting;
  }

  /** Whether requests are rejected because another peer has another kind of collection under this id. */
  get refused(): boolean {
    return this.refusal !== undefined;
  }

  /** Whether the mirror is kept up to date: not between a join and READY. */
  get attached(): boolean {
    return this.isAttached;
  }

  /** Resolves when the collection can be used; rejects when it was refused or closed before. */
  get whenReady(): Promise<void> {
    return this.readyDeferred.promise;
  }

  get replies(): ReplyOutbox {
    return this.host.replies;
  }

  get deliveries(): DeliveryOutbox {
    return this.host.deliveries;
  }

  /** The most bytes of one write. */
  get maxCommandBytes(): number {
    return this.host.maxCommandBytes;
  }

  /** The peer that this collection belongs to, and the others. */
  get grid(): HamokGrid {
    return this.host.grid;
  }

  /** Where records go from now on. Called once, while the collection is made. */
  attach(sink: CollectionSink, remote = NOT_REMOTE): void {
    this.sink = sink;
    this.remoteOptions = remote;
  }

  get remote(): RemoteOptions {
    return this.remoteOptions;
  }

  /** Log index up to which this peer has applied everything; -1 when nothing. */
  commitIndex(): number {
    return this.host.commitIndex();
  }

  /** Number of operations of a remote map, of all peers, that are ordered and not known to be executed. */
  get lag(): number {
    return this.closed ? 0 : this.host.waitingRemoteOperations(this.handle);
  }

  /** Number of requests that wait for their answer. */
  get pending(): number {
    return this.host.requests.countOf(this.handle);
  }

  /** Something failed that no caller waits for. */
  report(error: unknown): void {
    this.host.report(toError(error));
  }

  /**
   * One request.
   * @param convert makes the caller's result of the answer, with `owner` and `subject`
   * @param deadline if it was fixed earlier; see `Requests.start`
   */
  request<O, S, R>(send: Send, convert: Convert<O, S, R>, owner: O, subject: S, deadline?: number): Promise<R> {
    return new Promise((resolve, reject) => {
      const request = this.add(convert, owner, subject, resolve, reject);

      if (request) this.whenOpen(() => this.start(request, send, deadline));
    });
  }

  /**
   * One request for keys and values, split when the limits ask for it; the answers are merged.
   * @param timeoutInMs 0: no timeout
   */
  batch<O, S, R>(
    send: SendBatch,
    keys: readonly Uint8Array[],
    values: readonly Uint8Array[],
    convert: Convert<O, S, R>,
    owner: O,
    subject: S,
    timeoutInMs = this.limits.requestTimeoutInMs,
  ): Promise<R> {
    const { maxKeys } = this.limits;

    if (keys.length <= maxKeys) return this.part(send, keys, values, convert, owner, subject, timeoutInMs);

    const parts: Promise<Outcome>[] = [];
    const count = Math.ceil(keys.length / maxKeys);

    if (this.pending + count > this.remoteOptions.maxPending) return Promise.reject(tooManyPending(this.remoteOptions));
    for (let start = 0; start < keys.length; start += maxKeys) {
      const partKeys = keys.slice(start, start + maxKeys);
      const partValues = values.slice(start, start + maxKeys);
      parts.push(this.part(send, partKeys, partValues, asItIs, undefined, undefined, timeoutInMs));
    }

    return Promise.all(parts).then((outcomes) => convert(mergeOutcomes(outcomes, maxKeys), owner, subject));
  }

  /** The answer to a request is known before the native side gives it. Who listens to commits hears before callers do. */
  answer(token: number, outcome: Outcome): void {
    if (!this.host.wantsCommits()) this.host.requests.complete(token, outcome);
  }

  /** Resolves when everything that was committed before is applied here, and executed, wherever that is done. */
  barrier(): Promise<void> {
    return this.request(this.sendBarrier, nothing, undefined, undefined);
  }

  /** As `barrier`, and the peer belongs to a grid with a leader when it resolves. One deadline for all of it. */
  async connectedBarrier(): Promise<void> {
    let deadline: number | undefined;

    const send: Send = (outbox, request) => {
      deadline = request.deadline;
      this.sendBarrier(outbox, request);
    };

    for (;;) {
      await this.request(send, nothing, undefined, undefined, deadline);
      if (this.grid.connected) return;
      await this.request(this.awaitConnected, nothing, undefined, undefined, deadline);
    }
  }

  /** The collection can be used. */
  onReady(revision: number, fill: readonly EncodedEntry[] | undefined): void {
    if (this.closed) return;

    const { waiting } = this;

    if (this.refusal) {
      this.refusal = undefined;
      this.readyDeferred = new Deferred();
    }
    this.isAttached = true;
    this.seen(revision);
    this.sink.ready?.(revision, fill);
    // Codecs and a `baseMap` are code of users.
    if (this.closed) return;
    this.waiting = undefined;
    for (const start of waiting ?? []) start();
    this.setConnected(true);
    this.readyDeferred.resolve();
  }

  /** Another peer has another kind of collection under this id. */
  onRefused(error: Error): void {
    if (this.closed) return;
    this.refusal = error;
    this.isAttached = false;
    this.waiting &&= [];
    this.host.requests.failHandle(this.handle, error);
    this.readyDeferred.reject(error);
    this.setConnected(false);
    this.host.report(error);
  }

  onChanges(revision: number, changes: readonly Change[]): void {
    if (this.closed) return;
    this.seen(revision);
    this.sink.changes?.(revision, changes);
  }

  onExecute(execution: Execution): void {
    this.seen(execution.index);
    this.sink.execute?.(execution);
  }

  onClaim(claim: Claim): void {
    this.sink.execute?.(claim);
  }

  onHalt(term: number, letRunningFinish: boolean): void {
    this.sink.halt?.(term, letRunningFinish);
  }

  onRemoteEvents(operationId: string, packed: Buffer): void {
    this.sink.remoteEvents?.(operationId, packed);
  }

  /** Number of operations that this peer has been given to execute, and has not answered. */
  get executing(): number {
    return this.sink.executing?.() ?? 0;
  }

  onEventsLost(): void {
    this.sink.eventsLost?.();
  }

  /** An event of an emitter. @returns whether a listener was called */
  onDelivery(delivery: Delivery): boolean {
    return this.sink.delivery?.(delivery) ?? false;
  }

  /** The peer belongs to a grid with a leader, or no longer does. */
  onConnectedChanged(connected: boolean): void {
    if (connected) for (const { token } of this.unconnected.splice(0)) this.host.requests.complete(token, NOTHING);
    // After a join, READY says when.
    if (!connected || this.isAttached) this.setConnected(connected);
  }

  /** The peer has left: when it joins again, the collection is brought up to date, and READY tells. */
  onLeft(): void {
    if (!this.isAttached) return;
    this.isAttached = false;
    this.readyDeferred = new Deferred();
  }

  onLeaderChanged(leaderId: string | undefined): void {
    if (this.closed) return;
    this.sink.leaderChanged?.(leaderId);
    guardedEmit(this.connection, 'leader-changed', [leaderId]);
  }

  onPeerLeft(peerId: string): void {
    if (this.closed) return;
    this.sink.peerLeft?.(peerId);
    guardedEmit(this.connection, 'remote-peer-removed', [peerId]);
  }

  /** Ends everything: pending requests reject, the connection emits `close`. */
  close(): void {
    const error = closedError();

    this.status.closed = true;
    this.status.connected = false;
    this.waiting &&= [];
    this.unconnected = [];
    this.host.closed(this);
    this.host.requests.failHandle(this.handle, error);
    this.readyDeferred.reject(error);
    guardedEmit(this.connection, 'close', []);
    this.connection.removeAllListeners();
  }

  private readonly sendBarrier: Send = (outbox, { token }) => {
    outbox.flush();
    this.host.barrier(token, this.handle);
  };

  private readonly awaitConnected: Send = (_outbox, request) => {
    const { requests } = this.host;

    if (this.grid.connected) requests.complete(request.token, NOTHING);
    else this.unconnected = [...this.unconnected.filter((other) => requests.has(other)), request];
  };

  private part<O, S, R>(
    send: SendBatch,
    keys: readonly Uint8Array[],
    values: readonly Uint8Array[],
    convert: Convert<O, S, R>,
    owner: O,
    subject: S,
    timeoutInMs: number,
  ): Promise<R> {
    if (this.pending >= this.remoteOptions.maxPending) return Promise.reject(tooManyPending(this.remoteOptions));

    return new Promise((resolve, reject) => {
      const request = this.add(convert, owner, subject, resolve, reject, timeoutInMs);

      if (!request) return;
      if (this.waiting) {
        // An encoder may use the same memory again, for the next operation.
        const keptKeys = keys.map(copy);
        const keptValues = values.map(copy);
        this.waiting.push(() => this.startPart(request, send, keptKeys, keptValues));
      } else {
        this.startPart(request, send, keys, values);
      }
    });
  }

  private add<O, S, R>(
    convert: Convert<O, S, R>,
    owner: O,
    subject: S,
    resolve: (result: R) => void,
    reject: (error: Error) => void,
    timeoutInMs = this.limits.requestTimeoutInMs,
  ): PendingRequest | undefined {
    const failure = this.closed ? closedError() : this.refusal;

    if (!failure) {
      return this.host.requests.add(this.handle, timeoutInMs, convert, owner, subject, resolve, reject);
    }
    reject(failure);

    return undefined;
  }

  private whenOpen(start: () => void): void {
    if (this.waiting) this.waiting.push(start);
    else start();
  }

  private start(request: PendingRequest, send: Send, deadline: number | undefined): void {
    this.host.requests.start(request, deadline);
    try {
      send(this.host.outbox, request);
    } catch (error) {
      this.host.requests.fail(request.token, toError(error));
    }
  }

  private startPart(
    request: PendingRequest,
    send: SendBatch,
    keys: readonly Uint8Array[],
    values: readonly Uint8Array[],
  ): void {
    this.host.requests.start(request);
    send(this.host.outbox, request.token, this.handle, keys, values);
  }

  private seen(index: number): void {
    if (index > this.status.highestSeenCommitIndex) this.status.highestSeenCommitIndex = index;
  }

  private setConnected(connected: boolean): void {
    if (this.closed || this.status.connected === connected) return;
    this.status.connected = connected;
    if (connected) this.sink.connected?.();
    guardedEmit(this.connection, connected ? 'connected' : 'disconnected', []);
  }
}

function closedError(): Error {
  return hamokError('CLOSED', 'Connection is closed');
}

function tooManyPending({ maxPending }: RemoteOptions): Error {
  return hamokError('TOO_MANY_PENDING', `${maxPending} operations of this peer wait: that is maxPendingOperations`);
}

function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function asItIs(outcome: Outcome): Outcome {
  return outcome;
}

function nothing(): void {}
