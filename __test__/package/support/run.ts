/** Runs the programs of users to their end. */
import { spawn } from 'node:child_process';

/** Several times what a program takes: a machine may be busy, but a program ends by itself. */
const LIMIT_MS = 45_000;

/** What this test run sets for itself, and would make of a user's program a part of it. */
const OWN_VARIABLES =
  /^(VITEST|VITE_|TEST$|NODE_ENV$|NODE_OPTIONS$|NODE_V8_COVERAGE$|JEST_|FORCE_COLOR$|npm_(lifecycle|package)_)/;

export interface RunOptions {
  readonly cwd: string;
  readonly limitMs?: number;
  readonly shell?: boolean;
}

/** How a program ended. */
export interface Ended {
  /** The exit code; otherwise the signal, which is SIGKILL for a program that did not end by itself in time. */
  code: number | NodeJS.Signals | null;
  stdout: string;
  /** Both streams, as they came. */
  output: string;
}

export function run(command: string, args: readonly string[], { cwd, limitMs = LIMIT_MS, shell }: RunOptions) {
  const variables = Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.test(name));
  const env = { ...Object.fromEntries(variables), NO_COLOR: '1' };
  const stdio = ['ignore', 'pipe', 'pipe'] as const;

  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, shell, stdio: [...stdio], timeout: limitMs, killSignal: 'SIGKILL' });
    const ended: Ended = { code: null, stdout: '', output: '' };

    child.stdout?.setEncoding('utf8').on('data', (text) => {
      ended.stdout += text;
      ended.output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      ended.output += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ ...ended, code: code ?? signal }));
  });
}

/** Runs a JavaScript file in a project, by default with the Node.js of the tests. */
export function runNode(project: string, [file, ...args]: readonly string[], node = process.execPath): Promise<Ended> {
  return run(node, [file as string, ...args], { cwd: project });
}

/** Runs a JavaScript file that must end by itself with exit code 0. @returns what it printed, which is JSON */
export async function report(project: string, command: readonly string[], node?: string): Promise<unknown> {
  const { code, stdout, output } = await runNode(project, command, node);

  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output}`);

  return JSON.parse(stdout);
}
