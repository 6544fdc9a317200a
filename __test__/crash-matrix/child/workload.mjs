/**
 * What a peer does with the remote map while leaders die: several loops at once. Every value that it writes names the
 * process and the number of the call, and no value is written twice. So whatever a call gives back tells which call of
 * whom it came after.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { now } from '../../black-box/child/journal.mjs';

/** Between two rounds of a loop. Different, so that the loops of a peer do not run in step. */
const PAUSE_MS = { pipeline: 37, awaited: 5, counter: 7, claims: 23, slots: 19 };

/** Sets that are called at once, without waiting for one another. */
const BURST = 24;

/** Of each kind. Few, so that peers get in each other's way. */
const KEYS = 4;

/** For so long, all peers claim the same key. */
const CLAIM_MS = 50;

export class Workload {
  #map;
  #name;
  #journal;
  #calls = 0;
  #loops = [];
  #resting = true;
  #pauses = 1;

  /** @param name of this start of this peer; no other has it, also not under the same peer id */
  constructor(map, name, journal) {
    this.#map = map;
    this.#name = name;
    this.#journal = journal;
  }

  start(pauses) {
    if (!this.#resting) return;
    this.#resting = false;
    this.#pauses = pauses;
    this.#loops = [
      this.#loop(PAUSE_MS.pipeline, () => Promise.all(Array.from({ length: BURST }, (_, at) => this.#set(at)))),
      this.#loop(PAUSE_MS.awaited, () => this.#set(this.#calls)),
      this.#loop(PAUSE_MS.counter, () => this.#count(`count/${this.#calls % 2}`)),
      this.#loop(PAUSE_MS.claims, () => this.#claim()),
      this.#loop(PAUSE_MS.slots, () => (this.#calls % 2 === 0 ? this.#fill() : this.#take())),
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

  /** The old value tells which set it came after. */
  #set(number) {
    const [key, value] = [`chain/${number % KEYS}`, this.#value()];

    return this.#journal.operation('set', { key, value }, () => this.#map.set(key, value));
  }

  /** One attempt to raise a counter by one. Its value names who has raised it. */
  async #count(key) {
    // The store may be away.
    const oldValue = await this.#map.get(key).catch(() => undefined);

    if (oldValue === undefined) {
      const value = `${this.#value()} 1`;

      await this.#journal.operation('insert', { key, value }, () => this.#map.insert(key, value));
    } else {
      const value = `${this.#value()} ${Number(oldValue.split(' ')[1]) + 1}`;

      await this.#journal.operation('updateIf', { key, value, oldValue }, () =>
        this.#map.updateIf(key, value, oldValue),
      );
    }
  }

  /** All peers do this with the same key, and one of them succeeds. */
  #claim() {
    const [key, value] = [`claim/${Math.floor(now() / 1000 / CLAIM_MS)}`, this.#value()];

    return this.#journal.operation('insert', { key, value }, () => this.#map.insert(key, value));
  }

  /** Two slots in one step. What was in them is given to one caller, of this or of `#take`. */
  #fill() {
    const entries = this.#slots().map((key) => [key, this.#value()]);

    return this.#journal.operation('setAll', { entries }, async () => [...(await this.#map.setAll(new Map(entries)))]);
  }

  #take() {
    const keys = this.#slots();

    return this.#journal.operation('removeAll', { keys }, async () => [...(await this.#map.removeAll(keys))]);
  }

  #slots() {
    return [0, 1].map((distance) => `slot/${(this.#calls + distance) % KEYS}`);
  }

  #value() {
    return `${this.#name}/${++this.#calls}`;
  }
}
