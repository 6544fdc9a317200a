/** What users ask of the grid itself, and not of a collection. */
import { hamokError } from '../common/errors';
import { Deferred } from './Deferred';
import type { Outbox } from './Outbox';
import { NO_HANDLE } from './protocol';
import type { PendingRequest, Requests } from './Requests';

/** As long as the operations of a collection wait by default. */
const REQUEST_TIMEOUT_MS = 5000;

/** What the requests need of the peer. */
export interface GridRequestsHost {
  readonly requests: Requests;
  readonly outbox: Outbox;
  barrier(token: number, handle: number): void;
  leaderId(): string | undefined;
  /** Resolves when every collection shows what this peer has applied; undefined when they do. */
  attached(): Promise<unknown> | undefined;
}

export class GridRequests {
  private readonly leaderWaiters = new Set<Deferred<void>>();
  /** What was submitted before this peer joined for the first time; undefined from then on. */
  private waiting: (() => void)[] | undefined = [];

  constructor(private readonly host: GridRequestsHost) {}

  /** Orders a message of the application's. */
  submit(message: Uint8Array): Promise<void> {
    return this.request((request) => {
      const start = () => {
        this.host.requests.start(request);
        this.host.outbox.message(request.token, message);
      };

      if (this.waiting) this.waiting.push(start);
      else start();
    });
  }

  /** Resolves when all that is committed by now is applied here, and the collections show it. */
  commitHead(): Promise<void> {
    return this.request((request) => {
      const begin = () => {
        if (!this.host.requests.has(request)) return;
        this.host.outbox.flush();
        this.host.barrier(request.token, NO_HANDLE);
      };
      const attached = this.host.attached();

      this.host.requests.start(request);
      if (attached) attached.then(begin);
      else begin();
    });
  }

  /** Resolves when somebody leads. @param timeoutInMs undefined: waits as long as it takes */
  async leader(timeoutInMs: number | undefined): Promise<void> {
    if (this.host.leaderId() !== undefined) return;

    const waiter = new Deferred<void>();
    const giveUp = () => waiter.reject(hamokError('TIMEOUT', `Timeout. No leader is elected within ${timeoutInMs} ms`));
    const timer = timeoutInMs === undefined ? undefined : setTimeout(giveUp, timeoutInMs).unref();

    this.leaderWaiters.add(waiter);
    try {
      await waiter.promise;
    } finally {
      clearTimeout(timer);
      this.leaderWaiters.delete(waiter);
    }
  }

  onLeaderChanged(leaderId: string | undefined): void {
    if (leaderId === undefined) return;
    for (const waiter of this.leaderWaiters) waiter.resolve();
  }

  onJoined(): void {
    const { waiting } = this;

    this.waiting = undefined;
    for (const start of waiting ?? []) start();
  }

  close(): void {
    const error = hamokError('CLOSED', 'Connection is closed');

    this.waiting &&= [];
    this.host.requests.failHandle(NO_HANDLE, error);
    for (const waiter of this.leaderWaiters) waiter.reject(error);
  }

  private request(begin: (request: PendingRequest) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const { requests } = this.host;

      begin(requests.add(NO_HANDLE, REQUEST_TIMEOUT_MS, nothing, undefined, undefined, resolve, reject));
    });
  }
}

function nothing(): void {}
