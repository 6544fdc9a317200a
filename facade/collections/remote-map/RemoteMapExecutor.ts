/**
 * Runs what the native side hands to the leader on the user's store, in order: one operation at a time, or several at once
 * if the store takes batches.
 */
import { hamokError } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import type { Claim, Execution } from '../../node/RecordSink';
import { BatchWork } from './BatchWork';
import { ClaimWork } from './ClaimWork';
import { Deadline } from './Deadline';
import type { RemoteMapTools } from './remoteMapMethods';
import { SingleWork } from './SingleWork';
import type { RefusedWrite, Work, Workplace } from './Work';

/** What an executor needs besides the store. */
export type ExecutorHost<K, V> = Pick<Workplace<K, V>, 'replies' | 'watch' | 'done' | 'abandonAfterMs' | 'report'>;

export class RemoteMapExecutor<K, V> {
  /** In order. Bounded by what the native side hands over without an answer. */
  private queue: (Execution | Claim)[] = [];
  private running: Work | undefined;
  /** Resolves when all that has ended is told, in its order. */
  private told: Promise<void> = Promise.resolve();
  /** What comes with this epoch and term, or lower ones, would be refused again. */
  private lastRefused: Pick<RefusedWrite, 'epoch' | 'term'> | undefined;

  private readonly workplace: Workplace<K, V>;

  constructor(
    mapId: string,
    private readonly tools: RemoteMapTools<K, V>,
    private readonly host: ExecutorHost<K, V>,
  ) {
    const deadline = new Deadline(host.abandonAfterMs);

    this.workplace = {
      ...host,
      mapId,
      tools,
      deadline,
      inTurn: (tell) => this.inTurn(tell),
      refused: (write, error) => this.refused(write, error),
    };
  }

  /** Number of operations that run or wait. */
  get size(): number {
    return this.queue.filter(isExecution).length + (this.running?.size ?? 0);
  }

  /** Runs an operation, or asks the store for an epoch, after what came earlier. */
  execute(order: Execution | Claim): void {
    if (!isExecution(order)) {
      this.lastRefused = undefined;
    } else if (this.lastRefused && !outranks(order, this.lastRefused)) {
      // A leader that left office for a while, or was not told yet, has to hear it again.
      this.inTurn(() => this.host.replies.refused(order));
      return;
    }
    this.queue.push(order);
    if (!this.running) this.next();
  }

  /**
   * Drops what was handed over in this term or before and does not run yet.
   * @param letRunningFinish whether what runs may take its next steps: when the lead is handed over in peace. Otherwise
   *   its signal is aborted and it calls the store no more
   */
  halt(term: number, letRunningFinish: boolean): void {
    this.queue = this.queue.filter((order) => order.term > term);
    if (!letRunningFinish && this.running && this.running.term <= term) this.running.stop();
  }

  private next(): void {
    const work = this.take();

    this.running = work;
    if (!work) {
      this.workplace.deadline.rest();
      this.workplace.watch.rest();
      return;
    }
    work.run().then(() => {
      this.next();
      if (work.tell) this.inTurn(() => work.tell?.());
    });
  }

  /** What has ended before is told first. */
  private inTurn(tell: () => Promise<void> | void): void {
    this.told = this.told.then(tell).catch((error) => this.host.report(toError(error)));
  }

  private take(): Work | undefined {
    const { queue, tools, workplace } = this;
    const [first] = queue;

    if (!first) return undefined;
    if (!isExecution(first)) {
      queue.shift();
      return new ClaimWork(workplace, first);
    }
    if (!tools.batches) {
      queue.shift();
      return new SingleWork(workplace, first);
    }

    const claim = queue.findIndex((order) => !isExecution(order));
    const executions = (claim < 0 ? queue : queue.slice(0, claim)) as Execution[];
    const batch = queue.splice(0, BatchWork.length(tools, executions)) as [Execution, ...Execution[]];

    return new BatchWork(workplace, batch);
  }

  /** The native side hands the operations over again when it gets a later epoch, or leads again in a later term. */
  private refused(write: RefusedWrite, error: Error): void {
    this.lastRefused = write;
    this.queue = this.queue.filter((order) => !isExecution(order) || outranks(order, write));
    this.inTurn(() => this.host.replies.refused(write));
    this.host.report(hamokError('STALE_EPOCH', error.message, { cause: error }));
  }
}

function outranks(order: Execution, { epoch, term }: Pick<RefusedWrite, 'epoch' | 'term'>): boolean {
  return order.epoch > epoch || (order.epoch === epoch && order.term > term);
}

function isExecution(order: Execution | Claim): order is Execution {
  return 'operationId' in order;
}
