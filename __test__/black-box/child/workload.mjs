/**
 * What a peer does while things break: several loops at once, each with one kind of operation. What they write says who
 * wrote it and as which of its writes, so that the history alone tells whether all of it adds up.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** Between two rounds of a loop. Different, so that the loops of a peer do not run in step. */
const PAUSE_MS = { shared: 23, own: 31, sets: 29, pushes: 37, pops: 19, reads: 53 };

/** Sets that are called at once, without waiting for one another. */
const BURST = 3;

export class Workload {
  #hamok;
  #name;
  #journal;
  #map;
  #queue;
  #loops = [];
  #resting = true;
  #pauses = 1;

  /** @param name of this start of this peer; no other has it, also not under the same peer id */
  constructor(hamok, name, journal) {
    this.#hamok = hamok;
    this.#name = name;
    this.#journal = journal;
    this.#map = hamok.createMap({ mapId: 'map' });
    // A pop that is waited for until the end leaves no doubt about who has the item.
    this.#queue = hamok.createQueue({ queueId: 'queue', requestTimeoutInMs: 0 });
    this.#watchOrder();
  }

  /** What this peer has of the collections. */
  get content() {
    return { map: [...this.#map], queue: [...this.#queue] };
  }

  /** Sets a key of no other use, for measurements. */
  set(key, value) {
    return this.#map.set(key, value);
  }

  start(pauses) {
    if (!this.#resting) return;
    this.#resting = false;
    this.#pauses = pauses;
    this.#loops = [
      this.#loop(PAUSE_MS.shared, () => this.#increment('count/shared')),
      this.#loop(PAUSE_MS.own, () => this.#increment(`count/${this.#name}`)),
      this.#loop(PAUSE_MS.sets, this.#sets()),
      this.#loop(PAUSE_MS.pushes, this.#pushes()),
      this.#loop(PAUSE_MS.pops, () => this.#pop()),
      this.#loop(PAUSE_MS.reads, this.#reads()),
    ];
  }

  /** Begins nothing more. Resolves when all that was begun has ended. */
  async rest() {
    this.#resting = true;
    await Promise.all(this.#loops);
  }

  async #loop(pauseMs, round) {
    while (!this.#resting) {
      await round();
      await pause(pauseMs * this.#pauses);
    }
  }

  /** One attempt to raise a counter by one: `true` when this peer did. */
  #increment(key) {
    const from = this.#map.get(key);

    return this.#journal.operation('increment', { key, to: (from ?? 0) + 1 }, async () =>
      from === undefined
        ? (await this.#map.insert(key, 1)) === undefined
        : await this.#map.updateIf(key, from + 1, from),
    );
  }

  /** Keys that are set once, in ascending order, and one that is set to all of their numbers. */
  #sets() {
    let number = 0;
    const set = (key, value) =>
      this.#journal.operation('set', { key, value }, () => this.#map.set(key, value).then(nothing));

    return () => {
      const calls = [];

      for (let count = 0; count < BURST; count++) {
        number++;
        calls.push(set(`once/${this.#name}/${number}`, number), set(`last/${this.#name}`, number));
      }

      return Promise.all(calls);
    };
  }

  /** Items that no other has, one or two in one step. */
  #pushes() {
    let number = 0;

    return () => {
      const items = Array.from({ length: 1 + (number % 2) }, () => `${this.#name}/${++number}`);

      return this.#journal.operation('push', { items }, () => this.#queue.push(...items).then(nothing));
    };
  }

  #pop() {
    return this.#journal.operation('pop', {}, () => this.#queue.pop());
  }

  /** What any peer has set last, as this peer sees it once it has everything that was acknowledged. */
  #reads() {
    let number = 0;

    return async () => {
      const keys = [...this.#map.keys()].filter((key) => key.startsWith('last/'));
      const key = keys[number++ % keys.length];

      if (key === undefined) return;
      await this.#journal.operation('read', { key }, async () => {
        await this.#hamok.waitUntilCommitHead();

        return this.#map.get(key);
      });
    };
  }

  /** A peer's own sets are applied in their order, so this key never goes back for whoever watches. */
  #watchOrder() {
    const seen = new Map();
    const watch = (key, value) => {
      if (!key.startsWith('last/')) return;
      if (value < (seen.get(key) ?? 0)) this.#journal.note('went-back', key, seen.get(key), value);
      seen.set(key, value);
    };

    this.#map.on('insert', watch);
    this.#map.on('update', (key, _old, value) => watch(key, value));
  }
}

/** The value before is no matter of the history. */
function nothing() {}
