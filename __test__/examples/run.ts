/** Runs examples as a reader of the documentation does: as processes of their own, to their end. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Several times what an example takes: a machine may be busy, but an example ends by itself. */
const EXAMPLE_TIMEOUT_MS = 25_000;

export const examplesFolder = join(__dirname, '..', '..', 'examples');

export interface Result {
  /** The exit code; the name of the signal if one ended it, as when it took too long. */
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the example is. */
  readonly folder?: string;
}

/** Runs an example to its end. */
export function run(example: string, { args = [], env = {}, folder = examplesFolder }: RunOptions = {}) {
  const file = join(folder, `${example}.mjs`);
  const options = { env: { ...process.env, ...env }, timeout: EXAMPLE_TIMEOUT_MS };

  return new Promise<Result>((resolve) => {
    execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}

/** The parts in parentheses of all places where the pattern matches. */
export function matches(text: string, pattern: RegExp): string[][] {
  return [...text.matchAll(pattern)].map(([, ...groups]) => groups);
}
