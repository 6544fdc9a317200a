/** How the store of a remote map does, as its leader sees it: figures, and a word when it is slow or does not answer. */
import { Deadline } from './Deadline';

/** A call that takes longer is worth a word, in milliseconds. */
const SLOW_MS = 1000;
/** So many of the last calls make the percentiles. */
const SAMPLES = 1024;

/** Figures of a remote map; see `HamokRemoteMap.stats`. */
export interface HamokRemoteMapStats {
  /** Operations of this peer that have no answer yet; `sync()` and what waits as it does are among them. */
  readonly pending: number;
  /** Operations of all peers that are ordered and not known to be executed. */
  readonly lag: number;
  /** Operations that this peer has executed as the leader, failed ones included. */
  readonly executed: number;
  /** Those of them that ended in an error for their caller. */
  readonly failed: number;
  /**
   * Those of them that had been executed before: an exact store has recognised them; of another store, all that may have
   * been.
   */
  readonly repeated: number;
  /**
   * How long the last 1,024 calls of the store took on this peer as the leader, in milliseconds; reads are not among them. 0
   * when there was none.
   */
  readonly storeTimeInMs: {
    /** Half of them took no longer. */
    readonly p50: number;
    /** Of a hundred, one took longer. */
    readonly p99: number;
  };
}

/** Who is told. */
export interface WatchListener {
  /** A call has taken so long, and goes on. */
  slow(ms: number): void;
  /** The store does not carry out what it is asked; it is asked again. */
  down(error: Error): void;
  /** It does again. */
  up(): void;
}

export class StoreWatch {
  executed = 0;
  failed = 0;
  repeated = 0;

  private readonly times = new Float64Array(SAMPLES);
  private calls = 0;
  private isDown = false;
  private readonly slow = new Deadline(SLOW_MS);

  constructor(private readonly listener: WatchListener) {}

  /** A call of the store begins. @returns to be called when it has ended, whatever came of it */
  call(): () => void {
    const start = performance.now();

    this.slow.begin(() => this.listener.slow(performance.now() - start));

    return () => {
      this.slow.end();
      this.times[this.calls++ % SAMPLES] = performance.now() - start;
    };
  }

  /** The store has failed, and is asked again. */
  down(error: Error): void {
    if (this.isDown) return;
    this.isDown = true;
    this.listener.down(error);
  }

  /** The store has done what it was asked. */
  up(): void {
    if (!this.isDown) return;
    this.isDown = false;
    this.listener.up();
  }

  /** Nothing more is executed for now. */
  rest(): void {
    this.slow.rest();
  }

  get storeTimeInMs(): { p50: number; p99: number } {
    const sorted = this.times.slice(0, Math.min(this.calls, SAMPLES)).sort();
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;

    return { p50: at(0.5), p99: at(0.99) };
  }
}
