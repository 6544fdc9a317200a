/** The `EventEmitter` of everything that users listen to: with typed events and no limit of listeners. */
import { EventEmitter } from 'node:events';

/** Event names and the arguments of their listeners. */
export type EventMap<M> = { [E in keyof M]: unknown[] };

/** Node's `EventEmitter` with the events of `M`. */
export interface TypedEventEmitter<M extends EventMap<M>> extends EventEmitter {
  on<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  once<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  off<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  addListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  removeListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  prependListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  prependOnceListener<E extends keyof M & string>(event: E, listener: (...args: M[E]) => void): this;
  emit<E extends keyof M & string>(event: E, ...args: M[E]): boolean;
}

// Types only: at run time this is Node's class itself. (Its own type parameter does not exist in older @types/node.)
const TypedBase = EventEmitter as unknown as new <M extends EventMap<M>>() => TypedEventEmitter<M>;

export class TypedEmitter<M extends EventMap<M>> extends TypedBase<M> {
  constructor() {
    super();
    this.setMaxListeners(Infinity);
  }
}
