/**
 * How events reach the users' listeners: a listener that throws must stop neither the other listeners nor what comes
 * after the event.
 */
import type { EventEmitter } from 'node:events';

/** Calls every listener of an event; what one throws goes to `onThrow`, and the others are called all the same. */
export function guardedEmit(
  emitter: EventEmitter,
  event: string,
  args: readonly unknown[],
  onThrow: (error: unknown) => void = throwLater,
): void {
  if (emitter.listenerCount(event) < 2) {
    try {
      emitter.emit(event, ...args);
    } catch (error) {
      onThrow(error);
    }
    return;
  }

  // `emit` stops at the first listener that throws. The raw list has the wrappers that remove `once` listeners.
  for (const listener of emitter.rawListeners(event)) {
    try {
      Reflect.apply(listener, emitter, args);
    } catch (error) {
      onThrow(error);
    }
  }
}

/** Makes an error of a listener what it would have been without us: an uncaught exception, on the next tick. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** What was thrown, as an `Error`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error || isErrorLike(thrown) ? thrown : new Error(String(thrown));
}

/** Errors of another realm, as under jest, are not instances of this realm's `Error`. */
function isErrorLike(thrown: unknown): thrown is Error {
  return Object.prototype.toString.call(thrown) === '[object Error]';
}
