/**
 * The requests of this peer that wait for an answer: who gets it, in which form, and until when.
 *
 * There is one timer for all of them. It is set for the earliest deadline and looks at every request when it fires, so
 * a request that is answered in time costs no timer at all. It never keeps the process alive.
 */
import { type HamokError, hamokError } from '../common/errors';
import { toError } from './guardedEmit';
import type { Outcome } from './Outcome';

/** Makes the caller's result of an answer. What it throws rejects the caller's promise. */
export type Convert<O, S, R> = (outcome: Outcome, owner: O, subject: S) => R;

/** What the requests need of the peer. */
export interface RequestsHost {
  /** Tells the native side that a caller has given up. */
  abandon(token: number): void;
  /** Handles what has arrived by now: answers that are there already are not late. */
  drain(): void;
  /** Whether somebody leads at the moment. */
  hasLeader(): boolean;
  /** Whether too few of the grid's peers can be reached to elect one. */
  hasLostQuorum(): boolean;
}

/** Largest token. Beyond it the tokens start again at 1; up to here they are small integers for the engine. */
const MAX_TOKEN = 0x3fff_ffff;

/** Deadlines this close together are looked at together. */
const SWEEP_SPACING_MS = 10;

/**
 * A timer that is later than this was held up by a busy event loop, which could not hear the answers either: then they get
 * as much time again as was lost.
 */
const STALL_MS = 250;

/** A request that waits for its answer. */
export class PendingRequest {
  /** When it times out; never, before it has been handed to the native side. Milliseconds of `performance.now()`. */
  deadline = Infinity;

  /** @param timeoutInMs 0: no timeout */
  constructor(
    readonly token: number,
    readonly handle: number,
    readonly timeoutInMs: number,
    readonly convert: Convert<unknown, unknown, unknown>,
    readonly owner: unknown,
    readonly subject: unknown,
    readonly resolve: (result: never) => void,
    readonly reject: (error: Error) => void,
  ) {}
}

export class Requests {
  private readonly pending = new Map<number, PendingRequest>();
  /** How many of them each handle has. */
  private readonly counts = new Map<number, number>();
  private lastToken = 0;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  private dueAt = Infinity;

  constructor(private readonly host: RequestsHost) {}

  /** Number of requests that wait. */
  get size(): number {
    return this.pending.size;
  }

  /** Number of requests of a handle that wait. */
  countOf(handle: number): number {
    return this.counts.get(handle) ?? 0;
  }

  /** Whether a request still waits. */
  has(request: PendingRequest): boolean {
    return this.pending.get(request.token) === request;
  }

  /** Takes in a request. Its time does not run before `start`. */
  add<O, S, R>(
    handle: number,
    timeoutInMs: number,
    convert: Convert<O, S, R>,
    owner: O,
    subject: S,
    resolve: (result: R) => void,
    reject: (error: Error) => void,
  ): PendingRequest {
    const request = new PendingRequest(
      this.nextToken(),
      handle,
      timeoutInMs,
      convert as Convert<unknown, unknown, unknown>,
      owner,
      subject,
      resolve as (result: never) => void,
      reject,
    );

    this.pending.set(request.token, request);
    this.count(handle, 1);

    return request;
  }

  /**
   * The request goes to the native side now.
   * @param deadline when it times out, if that was fixed earlier
   */
  start(request: PendingRequest, deadline = deadlineOf(request)): void {
    request.deadline = deadline;
    // One that has passed by now must not put off the timer for the others, however often there is one.
    if (deadline < this.dueAt && performance.now() + SWEEP_SPACING_MS < this.dueAt) this.wakeAt(deadline);
  }

  /** The answer is here. Does nothing when its request is gone. */
  complete(token: number, outcome: Outcome): void {
    const request = this.take(token);
    let result: unknown;

    if (!request) return;
    try {
      result = request.convert(outcome, request.owner, request.subject);
    } catch (error) {
      request.reject(toError(error));
      return;
    }
    request.resolve(result as never);
  }

  /** The request failed. Does nothing when it is gone. */
  fail(token: number, error: Error): void {
    this.take(token)?.reject(error);
  }

  /** Rejects every request of a handle, waiting ones too. */
  failHandle(handle: number, error: Error): void {
    for (const request of this.pending.values()) {
      if (request.handle === handle) this.fail(request.token, error);
    }
  }

  /** The leader works on the requests of a handle: they get their full time again, except the one it is stuck at. */
  progress(handle: number, headToken: number): void {
    for (const request of this.pending.values()) {
      // Only those under way: a request that has not started has no deadline to push.
      if (request.handle === handle && request.token !== headToken && request.deadline !== Infinity) {
        request.deadline = deadlineOf(request);
      }
    }
  }

  /** No request will be added any more: nothing is left that would hold the peer in memory. */
  close(): void {
    clearTimeout(this.timer);
    this.dueAt = Infinity;
  }

  private nextToken(): number {
    do {
      this.lastToken = this.lastToken === MAX_TOKEN ? 1 : this.lastToken + 1;
    } while (this.pending.has(this.lastToken));

    return this.lastToken;
  }

  private take(token: number): PendingRequest | undefined {
    const request = this.pending.get(token);

    if (!request) return undefined;
    this.pending.delete(token);
    this.count(request.handle, -1);

    return request;
  }

  private count(handle: number, difference: number): void {
    const count = this.countOf(handle) + difference;

    if (count === 0) this.counts.delete(handle);
    else this.counts.set(handle, count);
  }

  private wakeAt(deadline: number): void {
    const delay = Math.max(deadline - performance.now(), SWEEP_SPACING_MS);

    clearTimeout(this.timer);
    this.dueAt = performance.now() + delay;
    this.timer = setTimeout(() => this.sweep(), delay).unref();
  }

  private sweep(): void {
    const late = performance.now() - this.dueAt;

    this.dueAt = Infinity;
    this.host.drain();

    const now = performance.now();
    const earliest = late > STALL_MS ? now + late : 0;
    let next = Infinity;

    for (const request of this.pending.values()) {
      request.deadline = Math.max(request.deadline, earliest);
      if (request.deadline <= now) this.expire(request);
      else if (request.deadline < next) next = request.deadline;
    }
    if (next < this.dueAt) this.wakeAt(next);
  }

  private expire(request: PendingRequest): void {
    this.take(request.token);
    this.host.abandon(request.token);
    request.reject(this.lateError(request));
  }

  private lateError(request: PendingRequest): HamokError {
    if (this.host.hasLeader()) return timeoutError(request);

    return this.host.hasLostQuorum() ? noQuorumError(request) : noLeaderError(request);
  }
}

function deadlineOf(request: PendingRequest): number {
  return request.timeoutInMs > 0 ? performance.now() + request.timeoutInMs : Infinity;
}

function timeoutError({ token }: PendingRequest): HamokError {
  return hamokError('TIMEOUT', `Timeout. requestId: ${token}, number of received response: 0`);
}

function noLeaderError({ token, timeoutInMs }: PendingRequest): HamokError {
  return hamokError('NO_LEADER', `No leader is elected within ${timeoutInMs} ms. requestId: ${token}`);
}

function noQuorumError({ token, timeoutInMs }: PendingRequest): HamokError {
  return hamokError(
    'NO_QUORUM',
    // Begins as that of `NO_LEADER` does: programs look for it.
    `No leader is elected within ${timeoutInMs} ms: fewer than a majority of the grid's peers can be reached. ` +
      `Bring them back, start others in their place, or call forceReform(). requestId: ${token}`,
  );
}
