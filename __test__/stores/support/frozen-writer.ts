/** A writer that can be frozen in the moment in which it is about to write: see frozen-writer.child.mjs. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BatchContext, StoreOperation } from 'hamok/lib/stores/redis';
import type { StoreServer } from './StoreServer';

const script = fileURLToPath(new URL('frozen-writer.child.mjs', import.meta.url));

export interface FrozenWriter {
  freeze(): void;
  thaw(): void;
  /** Tells it to write, frozen or not. Resolves with the code of the refusal, or the result, of each operation. */
  write(operations: readonly StoreOperation<string, unknown>[], context: BatchContext): Promise<unknown[]>;
  kill(): void;
}

/** Resolves when it is connected. */
export async function startFrozenWriter({ kind, port }: StoreServer, name: string): Promise<FrozenWriter> {
  const child = spawn(process.execPath, [script, kind, `${port}`, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await lines.next();

    if (done) throw new Error('the writer has ended');

    return value;
  };

  await next();

  return {
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async write(operations, context) {
      child.stdin.write(`${JSON.stringify({ operations, context })}\n`);

      return JSON.parse(await next());
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
