/** The subscriptions of an emitter as plain data. */
import { invalidArgument } from '../../common/errors';
import type { HamokEmitterSnapshot } from '../../HamokSnapshot';
import type { SubscriptionTable } from './SubscriptionTable';

export function writeSnapshot<M extends object>(emitterId: string, table: SubscriptionTable<M>): HamokEmitterSnapshot {
  const subscriptions = [...table.events()].map((event) => ({
    event,
    subscribers: [...(table.subscribers(event) ?? [])].map(([peerId, metaData]) => ({
      peerId,
      metaData: metaData as Record<string, unknown> | null,
    })),
  }));

  return { emitterId, subscriptions };
}

/** @throws TypeError `INVALID_ARGUMENT` when it is no snapshot */
export function readSnapshot<M extends object>({
  subscriptions,
}: HamokEmitterSnapshot): { event: string; peerId: string; metaData: M | null }[] {
  if (!Array.isArray(subscriptions)) throw wrong('its subscriptions must be a list');

  return subscriptions.flatMap(({ event, subscribers }) => {
    if (typeof event !== 'string') throw wrong('an event must be named by a string');
    if (!Array.isArray(subscribers)) throw wrong('the subscribers of an event must be a list');

    return subscribers.map(({ peerId, metaData = null }) => {
      if (typeof peerId !== 'string') throw wrong('a peer id must be a string');
      if (typeof metaData !== 'object') throw wrong('meta data must be an object');

      return { event, peerId, metaData: metaData as M | null };
    });
  });
}

function wrong(text: string): TypeError {
  return invalidArgument(`A snapshot of an emitter: ${text}`);
}
