/** How a collection changes something only if it is as the caller expects. */
import type { CollectionPort, Send } from '../../node/CollectionPort';
import { conflicted } from './results';

/** What a look at the mirror gave. */
export interface Finding {
  /** Whether it is as expected. */
  readonly equal: boolean;
  /** Asks the grid to act on that, or only to confirm it, if nothing has changed since the mirror was looked at. */
  readonly send: Send;
}

/**
 * The user's equality decides in `look`, on the mirror; then the grid acts, if nothing has changed since. Otherwise the
 * mirror is looked at again. A `false` is confirmed in the same way.
 * @returns whether it was as expected, and thus done; rejects with what `look` throws
 */
export async function compareAndAct(port: CollectionPort, look: () => Finding): Promise<boolean> {
  let equal = false;
  let deadline: number | undefined;

  const send: Send = (outbox, request) => {
    const finding = look();

    deadline = request.deadline;
    equal = finding.equal;
    finding.send(outbox, request);
  };

  // All rounds share the deadline of the first.
  while (await port.request(send, conflicted, undefined, undefined, deadline));

  return equal;
}
