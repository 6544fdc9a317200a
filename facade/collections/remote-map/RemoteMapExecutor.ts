/**
 * Runs the operations that the native side hands to the leader: one at a time for each map, in order. Whatever the user's
 * store does, each operation ends: with its result, with an error for its caller, or, when it never settles, by being
 * given up. Only an operation that was stopped has no end here: it is the next leader's.
 */
import { hamokError } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult, ReplyOutbox } from '../../node/ReplyOutbox';
import { ExecutionContext } from './RemoteMapContext';
import { ExecutionStopped, executeRemotely, type RemoteMapTools } from './remoteMapMethods';

/** What an executor needs besides the store. */
export interface ExecutorHost {
  readonly replies: Pick<ReplyOutbox, 'succeeded' | 'failed'>;
  /** How long an operation may take before the next one starts, in milliseconds. */
  readonly abandonAfterMs: number;
  /** An operation was given up. */
  report(error: Error): void;
}

/** The operation that runs. */
interface Running {
  readonly execution: Execution;
  readonly context: ExecutionContext;
}

export class RemoteMapExecutor<K, V> {
  /** In order. Bounded by what the native side hands over without an answer. */
  private queue: Execution[] = [];
  private running: Running | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly mapId: string,
    private readonly tools: RemoteMapTools<K, V>,
    private readonly host: ExecutorHost,
  ) {}

  /** Number of operations that run or wait. */
  get size(): number {
    return this.queue.length + (this.running ? 1 : 0);
  }

  /** Runs an operation after the earlier ones. */
  execute(execution: Execution): void {
    this.queue.push(execution);
    if (!this.running) this.next();
  }

  /**
   * Drops what was handed over in this term or before and does not run yet.
   * @param letRunningFinish whether what runs may take its next steps: when the lead is handed over in peace. Otherwise
   *   its signal is aborted and it calls the store no more
   */
  halt(term: number, letRunningFinish: boolean): void {
    this.queue = this.queue.filter((execution) => execution.term > term);
    if (!letRunningFinish && this.running && this.running.execution.term <= term) this.running.context.stop();
  }

  private next(): void {
    const execution = this.queue.shift();

    if (!execution) {
      clearTimeout(this.timer);
      this.timer = undefined;
      return;
    }

    const running = { execution, context: new ExecutionContext(execution.term, execution.index, execution.attempt) };

    this.running = running;
    this.startTimer();
    this.start(running).then(
      (result) => this.finish(running, () => this.host.replies.succeeded(execution, result)),
      (error) => this.finish(running, () => this.fail(running, error)),
    );
  }

  private async start({ execution, context }: Running): Promise<RemoteResult> {
    return executeRemotely(this.tools, execution, context);
  }

  private finish(running: Running, reply: () => void): void {
    // Given up before: the next one runs already.
    if (this.running !== running) return;

    this.running = undefined;
    reply();
    this.next();
  }

  private fail({ execution, context }: Running, thrown: unknown): void {
    // A store that gives up because its signal was aborted has not failed: the next leader tries again.
    if (thrown instanceof ExecutionStopped || context.stopped) return;

    const text = toError(thrown).message || `A callback of the remote map ${this.mapId} failed`;

    this.host.replies.failed(execution, 'CALLBACK_FAILED', text);
  }

  private abandon(running: Running): void {
    const { execution, context } = running;
    const text = `A callback of the remote map ${this.mapId} did not settle within ${this.host.abandonAfterMs} ms`;

    this.finish(running, () => {
      if (context.stopped) return;
      context.stop();
      this.host.replies.failed(execution, 'ABANDONED', text);
      this.host.report(hamokError('ABANDONED', text));
    });
  }

  /** One timer, set anew for each operation; it never keeps the process alive. */
  private startTimer(): void {
    if (this.timer) {
      this.timer.refresh();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.running) this.abandon(this.running);
    }, this.host.abandonAfterMs).unref();
  }
}
