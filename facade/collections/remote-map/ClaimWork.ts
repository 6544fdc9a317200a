/** Asks a store for the epoch under which this grid may write. It is asked until it answers. */
import { hamokError } from '../../common/errors';
import type { Claim } from '../../node/RecordSink';
import { Retrying } from './Retrying';
import type { Work, Workplace } from './Work';

export class ClaimWork<K, V> implements Work {
  readonly term: number;
  readonly size = 0;

  private readonly retrying: Retrying;

  constructor(
    private readonly workplace: Workplace<K, V>,
    private readonly claim: Claim,
  ) {
    this.term = claim.term;
    this.retrying = new Retrying(workplace, claim);
  }

  async run(): Promise<void> {
    const { replies, inTurn } = this.workplace;
    const epoch = await this.retrying.until(
      () => this.acquire(),
      () => false,
    );

    if (epoch !== undefined) inTurn(() => replies.acquired(this.claim, epoch));
  }

  stop(): void {
    this.retrying.stop();
  }

  private async acquire(): Promise<number> {
    const { store } = this.workplace.tools;
    const epoch: unknown = await store.acquire?.(this.claim.claim);

    if (Number.isSafeInteger(epoch) && (epoch as number) >= 0) return epoch as number;
    throw hamokError('CALLBACK_FAILED', `remoteMap.acquire must give a whole number, 0 or more, not ${String(epoch)}`);
  }
}
