/**
 * One operation, by the functions of any store. It ends with its result, with an error for its caller, or, when the store
 * never settles, by being given up. Only one that was stopped has no end here: it is the next leader's.
 */
import { hamokError } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult } from '../../node/ReplyOutbox';
import { ExecutionContext } from './RemoteMapContext';
import { ExecutionStopped, executeRemotely } from './remoteMapMethods';
import { isStale, type Work, type Workplace } from './Work';

export class SingleWork<K, V> implements Work {
  readonly term: number;
  readonly size = 1;

  private readonly context: ExecutionContext;
  private ended = false;

  constructor(
    private readonly workplace: Workplace<K, V>,
    private readonly execution: Execution,
  ) {
    this.term = execution.term;
    this.context = new ExecutionContext(execution);
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      const { deadline, replies, watch } = this.workplace;
      const called = watch.call();

      const end = (reply: () => void) => {
        if (this.ended) return;
        this.ended = true;
        deadline.end();
        called();
        reply();
        resolve();
      };

      deadline.begin(() => end(() => this.abandon()));
      this.execute().then(
        (result) => end(() => this.count(() => replies.succeeded(this.execution, result))),
        (error) => end(() => this.fail(error)),
      );
    });
  }

  stop(): void {
    this.context.stop();
  }

  private async execute(): Promise<RemoteResult> {
    return executeRemotely(this.workplace.tools, this.execution, this.context);
  }

  private count(reply: () => void): void {
    const { watch } = this.workplace;

    watch.executed++;
    if (this.execution.attempt > 1) watch.repeated++;
    reply();
  }

  private fail(thrown: unknown): void {
    const { mapId, tools } = this.workplace;

    // A store that gives up because its signal was aborted has not failed: the next leader tries again.
    if (thrown instanceof ExecutionStopped || this.context.stopped) return;
    if (tools.fenced && isStale(thrown, 'STALE_EPOCH')) {
      this.workplace.refused(this.execution, toError(thrown));
      return;
    }

    const text = toError(thrown).message || `A callback of the remote map ${mapId} failed`;
    // It was given up by a former leader, and a later one was carried out.
    const code = tools.fenced && isStale(thrown, 'STALE_INDEX') ? 'ABANDONED' : 'CALLBACK_FAILED';

    this.failed(code, text);
  }

  private abandon(): void {
    const { mapId, abandonAfterMs, report } = this.workplace;
    const text = `A callback of the remote map ${mapId} did not settle within ${abandonAfterMs} ms`;

    if (this.context.stopped) return;
    this.context.stop();
    this.failed('ABANDONED', text);
    report(hamokError('ABANDONED', text));
  }

  private failed(code: string, text: string): void {
    this.workplace.watch.failed++;
    this.count(() => this.workplace.replies.failed(this.execution, code, text));
  }
}
