/** The listeners that an emitter has on one peer. */
import { throwLater } from '../../node/guardedEmit';

export type AnyListener = (...args: unknown[]) => void;

/** One listening: the same function may listen more than once. */
export interface Listening {
  readonly event: string;
  readonly listener: AnyListener;
}

export class LocalListeners {
  /** A list is never changed, only replaced: it may be in use while a listener subscribes or unsubscribes. */
  private readonly byEvent = new Map<string, readonly Listening[]>();

  /** The events that somebody listens to here. */
  events(): IterableIterator<string> {
    return this.byEvent.keys();
  }

  has(event: string): boolean {
    return this.byEvent.has(event);
  }

  add(event: string, listener: AnyListener): Listening {
    const listening = { event, listener };

    this.byEvent.set(event, [...(this.byEvent.get(event) ?? []), listening]);

    return listening;
  }

  /** What was added last of a function; undefined when it does not listen. */
  find(event: string, listener: AnyListener): Listening | undefined {
    return this.byEvent
      .get(event)
      ?.filter((listening) => listening.listener === listener)
      .at(-1);
  }

  /** Does nothing when it is gone already. */
  remove(listening: Listening): void {
    const left = this.byEvent.get(listening.event)?.filter((other) => other !== listening) ?? [];

    if (left.length > 0) this.byEvent.set(listening.event, left);
    else this.byEvent.delete(listening.event);
  }

  clear(): void {
    this.byEvent.clear();
  }

  /** Calls every listener of an event; what one throws comes up on the next tick. @returns whether there was one */
  call(event: string, args: readonly unknown[]): boolean {
    const listenings = this.byEvent.get(event);

    if (!listenings) return false;
    for (const { listener } of listenings) {
      try {
        listener(...args);
      } catch (error) {
        throwLater(error);
      }
    }

    return true;
  }
}
