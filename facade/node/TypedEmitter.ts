/** The `EventEmitter` of everything that users listen to: with typed events and no limit of listeners. */
import { EventEmitter } from 'node:events';

/** Event names and the arguments of their listeners. */
export type EventMap<M> = { [E in keyof M]: unknown[] };

/**
 * Node's `EventEmitter` with the events of `M`, and without a limit of listeners. What is not here, such as
 * `listenerCount` and `removeAllListeners`, is as Node.js has it.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: every method is there, the interface only narrows its types
// biome-ignore lint/correctness/noUnusedVariables: both declarations must have the same parameters
export abstract class TypedEmitter<M extends EventMap<M>> extends EventEmitter {
  /** @internal */
  constructor() {
    super();
    this.setMaxListeners(Infinity);
  }
}

export interface TypedEmitter<M extends EventMap<M>> {
  /** Calls a listener at every such event from now on, after those that are there. */
  on<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** Calls a listener at the next such event only. */
  once<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** Takes a listener off; one that was put on several times goes once. */
  off<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** The same as `on`. */
  addListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** The same as `off`. */
  removeListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** Calls a listener at every such event from now on, before those that are there. */
  prependListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** Calls a listener at the next such event only, before those that are there. */
  prependOnceListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  /** Calls the listeners of an event here, and tells no other peer. For tests. @returns whether there were any */
  emit<E extends keyof M & string>(event: E, ...args: M[E]): boolean;
}
