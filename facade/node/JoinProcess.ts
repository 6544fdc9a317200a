/** One call of `join()`: waits for a leader, attempt after attempt. The peer itself goes on looking when it gives up. */
import { hamokError, invalidArgument } from '../common/errors';
import { createLogger } from '../common/logger';
import { Deferred } from './Deferred';

const logger = createLogger('JoinProcess');

/** How long `join()` waits for a leader. */
export type HamokJoinProcessParams = {
  /** How long one attempt waits, in milliseconds. Default 5000. */
  fetchRemotePeerTimeoutInMs?: number;
  /** How many more attempts there are after the first; 0: none, -1: no end of them. Default 3. */
  maxRetry?: number;
};

/** The peers that an attempt has heard. Kept for old code. */
export type HamokFetchRemotePeersResponse = {
  /** Their ids. */
  remotePeers: string[];
};

const MAX_TIME_MS = 0x7fff_ffff;

export class JoinProcess {
  private readonly done = new Deferred<void>();
  private readonly timeoutInMs: number;
  private readonly maxRetry: number;
  private retries = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @throws TypeError `INVALID_ARGUMENT` */
  constructor({ fetchRemotePeerTimeoutInMs = 5000, maxRetry = 3 }: HamokJoinProcessParams = {}) {
    const timeoutInMs = fetchRemotePeerTimeoutInMs;

    if (!(timeoutInMs > 0 && timeoutInMs <= MAX_TIME_MS)) {
      throw invalidArgument(`fetchRemotePeerTimeoutInMs must be a number greater than 0, not ${timeoutInMs}`);
    }
    if (!Number.isInteger(maxRetry) || maxRetry < -1) {
      throw invalidArgument(`maxRetry must be a whole number, -1 or greater, not ${maxRetry}`);
    }
    this.timeoutInMs = timeoutInMs;
    this.maxRetry = maxRetry;
  }

  /** Resolves when there is a leader; rejects when the attempts are used up, and when it is aborted. */
  get promise(): Promise<void> {
    return this.done.promise;
  }

  /** Begins the first attempt. @param onExhausted called before the promise rejects for want of a leader */
  start(onExhausted: () => void): void {
    this.timer = setTimeout(() => {
      if (this.maxRetry !== -1 && this.retries >= this.maxRetry) {
        onExhausted();
        this.done.reject(hamokError('TIMEOUT', 'Timeout waiting for leader'));
        return;
      }
      this.retries++;
      logger.info('No leader within %d ms, retry %d of %d', this.timeoutInMs, this.retries, this.maxRetry);
      this.start(onExhausted);
    }, this.timeoutInMs);
  }

  succeed(): void {
    clearTimeout(this.timer);
    this.done.resolve();
  }

  abort(): void {
    this.fail(hamokError('CLOSED', 'Joining process is aborted or the hamok is closed'));
  }

  fail(error: Error): void {
    clearTimeout(this.timer);
    this.done.reject(error);
  }
}
