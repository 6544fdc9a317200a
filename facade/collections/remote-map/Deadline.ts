/** One timer for many short spans, one after the other. It is set anew for each, and never keeps the process alive. */
export class Deadline {
  private timer: NodeJS.Timeout | undefined;
  private onPassed: (() => void) | undefined;

  constructor(private readonly ms: number) {}

  /** A span begins; one that has not ended is forgotten. @param onPassed called once if it lasts too long */
  begin(onPassed: () => void): void {
    this.onPassed = onPassed;
    if (this.timer) this.timer.refresh();
    else this.timer = setTimeout(() => this.passed(), this.ms).unref();
  }

  /** The span has ended. */
  end(): void {
    this.onPassed = undefined;
  }

  /** No further span is expected soon. */
  rest(): void {
    this.end();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private passed(): void {
    const { onPassed } = this;

    this.timer = undefined;
    this.onPassed = undefined;
    onPassed?.();
  }
}
