/**
 * Calls of an exact store that are repeated until there is an answer: what the store has carried out it recognises, so a
 * repetition does no harm, and nothing that was committed is given up.
 */
import { toError } from '../../node/guardedEmit';
import type { Claim, Execution } from '../../node/RecordSink';
import type { Workplace } from './Work';

/** The first pause between two attempts; each is twice as long as the one before, up to the longest. */
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;

export class Retrying {
  private controller = new AbortController();
  private isStopped = false;
  private endPause: (() => void) | undefined;

  constructor(
    // biome-ignore lint/suspicious/noExplicitAny: keys and values do not matter
    private readonly workplace: Workplace<any, any>,
    /** What it is done for. */
    private readonly order: Execution | Claim,
  ) {}

  get stopped(): boolean {
    return this.isStopped;
  }

  /**
   * Calls until the store answers. Gives undefined when it was stopped.
   * @param call one attempt; its signal is aborted when it is given up
   * @throws what `isFinal` says is an answer too
   */
  async until<R>(
    call: (signal: AbortSignal, attempt: number) => Promise<R>,
    isFinal: (error: unknown) => boolean,
  ): Promise<R | undefined> {
    const { replies, watch, inTurn } = this.workplace;

    for (let attempt = 1; !this.isStopped; attempt++) {
      try {
        const answer = await this.attempt(call, attempt);

        if (this.isStopped) break;
        watch.up();

        return answer;
      } catch (error) {
        if (this.isStopped) break;
        if (isFinal(error)) throw error;
        watch.down(toError(error));
        if (attempt === 1) inTurn(() => replies.standsStill(this.order));
        await this.pause(Math.min(SHORTEST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS));
      }
    }

    return undefined;
  }

  stop(): void {
    this.isStopped = true;
    this.controller.abort();
    this.endPause?.();
  }

  /** An answer of an attempt that is being stopped still counts: what the store has done, it has done. */
  private attempt<R>(call: (signal: AbortSignal, attempt: number) => Promise<R>, attempt: number): Promise<R> {
    const { watch, deadline, abandonAfterMs, mapId } = this.workplace;
    const called = watch.call();

    this.controller = new AbortController();

    const { signal } = this.controller;

    return new Promise<R>((resolve, reject) => {
      deadline.begin(() => {
        reject(new Error(`The store of the remote map ${mapId} did not answer within ${abandonAfterMs} ms`));
        this.controller.abort();
      });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      start(() => call(signal, attempt)).then(resolve, reject);
    }).finally(() => {
      deadline.end();
      called();
    });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();

      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What a call throws at once is a rejection like any other. */
async function start<R>(call: () => Promise<R>): Promise<R> {
  return call();
}
