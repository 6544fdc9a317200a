/**
 * What a peer's process did, line by line in a file that outlives it: each operation before it is called, and again with
 * how it ended. Lines are written at once, so that SIGKILL loses none.
 */
import { openSync, writeSync } from 'node:fs';

/** Microseconds on the clock that all processes of a machine share. */
export function now() {
  return Number(process.hrtime.bigint() / 1000n);
}

export class Journal {
  /** Operations that have succeeded so far. */
  acknowledged = 0;
  #lastId = 0;
  #file;

  constructor(path) {
    this.#file = openSync(path, 'a');
  }

  /** Something that happened by itself, such as an event of the peer. */
  note(event, ...args) {
    this.#write({ event, args, at: now() });
  }

  /** Calls an operation. Resolves with its result, or with undefined when it rejected: then nobody knows what it did. */
  async operation(kind, details, call) {
    const id = ++this.#lastId;

    this.#write({ id, kind, ...details, at: now() });
    try {
      const result = await call();

      this.#write({ id, result, at: now() });
      this.acknowledged++;

      return result;
    } catch (error) {
      this.#write({ id, code: error.code ?? String(error), at: now() });

      return undefined;
    }
  }

  #write(line) {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
