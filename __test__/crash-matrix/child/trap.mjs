/**
 * Where a process ends or stops itself: a place on the way of a batch from the leader to the store and back. It does so
 * synchronously, so nothing of what would have come next happens.
 */
import { now } from '../../black-box/child/journal.mjs';

/**
 * - `before`: the store is about to be called.
 * - `during`: the batch is sent, and there is no answer yet.
 * - `answered`: the store has answered, and the library does not know it yet.
 * - `replied`: the library knows it, and the marks of the operations cannot be committed: nothing leaves this peer any more.
 * - `marked`: the marks are committed, and a peer that has called one of the operations cannot know it: nothing of this peer
 *   gets there any more.
 * - `frozen`: as `before`, but the process only stops.
 * - `frozen-during`: as `during`, but the process only stops.
 * @typedef {'before' | 'during' | 'answered' | 'replied' | 'marked' | 'frozen' | 'frozen-during'} Point
 */

export class Trap {
  #journal;
  #peerId;
  #tell;
  /** @type {{ point: Point, skip: number, waitMs: number } | undefined} */
  #snare;
  /** What it has gone into: the snare, the operations of the batch, the one whose caller must not hear of it. */
  #caught;
  #isMute = false;

  constructor(journal, peerId, tell) {
    this.#journal = journal;
    this.#peerId = peerId;
    this.#tell = tell;
  }

  /** Sets it for a batch after `skip` others. `waitMs`: how long it waits with `replied`. */
  arm(snare) {
    this.#snare = snare;
  }

  /**
   * Gives whether it could be taken away: nothing has gone into it, or something that may never be marked, because this
   * peer leads no more.
   */
  disarm() {
    this.#snare = undefined;
    if (this.#caught?.awaited) this.#caught = undefined;

    return this.#caught === undefined;
  }

  /** Whether a message may leave. */
  passes(destinationId) {
    const { awaited } = this.#caught ?? {};

    return !this.#isMute && (!awaited || destinationId !== callerOf(awaited));
  }

  /** The store is about to be called. */
  async before(operations) {
    const { point, skip } = this.#snare ?? {};

    if (point === undefined) return;
    if (skip > 0) {
      this.#snare.skip--;
      return;
    }

    const awaited = point === 'marked' ? this.#setOfAnother(operations) : undefined;

    if (point === 'marked' && !awaited) return;
    this.#caught = { ...this.#snare, operations, awaited };
    this.#snare = undefined;
    if (point === 'before') this.#die();
    if (!point.startsWith('frozen')) return;
    await this.#announce();
    if (point === 'frozen') this.#stop();
  }

  /** The batch was given to the store. What it does before it sends takes no turn of the event loop. */
  sent(operations) {
    if (!this.#isCaught(operations)) return;

    const { point } = this.#caught;

    if (point === 'during') setImmediate(() => this.#die());
    if (point === 'frozen-during') setImmediate(() => this.#stop());
  }

  /** The store has answered. */
  answered(operations, isRefused) {
    if (!this.#isCaught(operations)) return;

    const { point, waitMs } = this.#caught;

    if (isRefused) this.failed(operations);
    else if (point.startsWith('frozen')) this.#caught = undefined;
    else if (point === 'replied') {
      this.#isMute = true;
      // What it answers now is with the native side before the next turn.
      setImmediate(() => this.#wait(waitMs));
    } else if (point !== 'marked') this.#die();
  }

  /** The store has not done it. So it goes into the trap with the next batch, if there is one. */
  failed(operations) {
    if (!this.#isCaught(operations)) return;
    if (!this.#caught.point.startsWith('frozen')) this.#snare = { ...this.#caught, skip: 0 };
    this.#caught = undefined;
  }

  /** A set of this value is marked. */
  marked(value) {
    const { awaited } = this.#caught ?? {};

    if (awaited?.value !== value) return;
    this.#caught.operations = [awaited];
    this.#die();
  }

  #isCaught(operations) {
    return this.#caught?.operations === operations;
  }

  /** One that another peer has called, and that all hear of when it is marked. */
  #setOfAnother(operations) {
    return operations.find((operation) => operation.method === 'set' && callerOf(operation) !== this.#peerId);
  }

  #wait(ms) {
    if (ms > 0) setTimeout(() => this.#die(), ms);
    else this.#die();
  }

  #die() {
    this.#note('died');
    process.kill(process.pid, 'SIGKILL');
    // In case that it does not come at once.
    for (;;);
  }

  /** Tells the parent, before it is too late, that this process stops itself. */
  async #announce() {
    const event = { event: 'freezes', args: [this.#caught.point], at: now() };

    this.#note('freezes');
    await new Promise((told) => this.#tell(event, told));
  }

  /** Returns when the process was thawed. */
  #stop() {
    process.kill(process.pid, 'SIGSTOP');
  }

  #note(event) {
    const { point, operations } = this.#caught;
    const ids = operations.map(({ operationId }) => operationId);

    this.#journal.note(event, point, ids);
  }
}

/** The peer that has called a set: its value names the process. */
function callerOf({ value }) {
  return value.slice(0, value.lastIndexOf('-'));
}
