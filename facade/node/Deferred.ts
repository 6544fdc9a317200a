/** A promise and what settles it. Settling it again does nothing. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A promise that nobody has asked for may reject without being an unhandled rejection; those who ask get it still.
    this.promise.catch(() => {});
  }
}
