/**
 * Takes the subscriptions of peers that are no longer in the grid off the shared list: when the user asks for it, or by
 * itself while this peer leads.
 *
 * It first makes sure that this peer knows the list and the grid as they are now. If a peer is taken off that is just
 * coming back, it puts itself on the list again.
 */
import type { CollectionPort } from '../../node/CollectionPort';
import { toError } from '../../node/guardedEmit';
import type { Outcome } from '../../node/Outcome';
import { removeAll } from '../entries/entrySenders';
import { encodeSubscriptionKey } from './SubscriptionCodec';
import type { SubscriptionTable } from './SubscriptionTable';

/** They mean that this peer leads no longer, or will hear of it: whoever leads then cleans up. */
const EXPECTED_ERRORS: readonly unknown[] = ['TIMEOUT', 'NO_LEADER', 'NO_QUORUM'];

export class SubscriptionCleaner {
  private running = false;
  /** Something has happened while it was running. */
  private again = false;

  constructor(
    private readonly port: CollectionPort,
    private readonly table: SubscriptionTable<unknown>,
  ) {}

  /** @returns the ids of the peers that were taken off; undefined: none */
  async clean(): Promise<ReadonlySet<string> | undefined> {
    // Out of the grid, all others look departed.
    await this.port.connectedBarrier();

    return this.removeDeparted();
  }

  /** There may be something to clean up: does it if this peer leads. Never rejects. */
  async cleanAsLeader(): Promise<void> {
    if (!this.leads) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    do {
      this.again = false;
      try {
        await this.port.connectedBarrier();
        if (this.leads) await this.removeDeparted();
      } catch (error) {
        this.failed(toError(error));
      }
    } while (this.again && this.leads);
    this.running = false;
  }

  private get leads(): boolean {
    const { leaderId, localPeerId } = this.port.grid;

    return leaderId === localPeerId && !this.port.closed;
  }

  private async removeDeparted(): Promise<ReadonlySet<string> | undefined> {
    const { localPeerId, remotePeerIds } = this.port.grid;
    const departed = [...this.table.events()].flatMap((event) =>
      [...(this.table.subscribers(event)?.keys() ?? [])]
        .filter((peerId) => peerId !== localPeerId && !remotePeerIds.has(peerId))
        .map((peerId) => ({ peerId, key: encodeSubscriptionKey(event, peerId) })),
    );

    if (departed.length === 0) return undefined;

    const keys = departed.map(({ key }) => key);
    const peerIds = departed.map(({ peerId }) => peerId);

    return this.port.batch(removeAll, keys, [], removedPeers, undefined, peerIds);
  }

  private failed(error: Error & { code?: unknown }): void {
    if (!this.port.closed && !EXPECTED_ERRORS.includes(error.code)) this.port.report(error);
  }
}

function removedPeers(
  { indexes }: Outcome,
  _owner: undefined,
  peerIds: readonly string[],
): ReadonlySet<string> | undefined {
  return indexes.length > 0 ? new Set(indexes.map((index) => peerIds[index] as string)) : undefined;
}
