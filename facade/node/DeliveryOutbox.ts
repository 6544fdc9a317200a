/** The way of an emitter's events to the native side, and of the answers to those that came from other peers. */
import { PackedCalls } from './PackedCalls';
import { DeliveryCall } from './protocol';

/** An event that goes directly to other peers. */
export interface OutgoingEvent {
  readonly event: string;
  /** The arguments, encoded. */
  readonly payload: Uint8Array;
  /** The ids of the peers that are to get it. */
  readonly peerIds: readonly string[];
}

export class DeliveryOutbox extends PackedCalls {
  /**
   * Sends an event.
   * @param token whose COMPLETED lists the positions of the peers that have received it; 0: nobody waits for that
   */
  publish(token: number, handle: number, { event, payload, peerIds }: OutgoingEvent): void {
    const { writer } = this;

    writer.u8(DeliveryCall.PUBLISH);
    writer.u32(token);
    writer.u32(handle);
    writer.str(event);
    writer.bytes(payload);
    writer.u32(peerIds.length);
    for (const peerId of peerIds) writer.str(peerId);
    this.end();
  }

  /** Answers a delivery whose sender waits. @param received whether a listener was called */
  answer(delivery: number, received: boolean): void {
    this.writer.u8(DeliveryCall.ANSWER);
    this.writer.u32(delivery);
    this.writer.u8(received ? 1 : 0);
    this.end();
  }
}
