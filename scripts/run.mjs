// Runs commands for the other scripts. No dependencies: these scripts work before node_modules exists.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Something for the user to read and act upon: printed without a stack trace. */
export class Failure extends Error {}

// rustup installs here, and a shell that was open before does not know it yet.
const env = { ...process.env, PATH: [process.env.PATH, join(homedir(), '.cargo', 'bin')].join(delimiter) };

/**
 * Runs a command in the root folder and resolves with its exit code and, where it was kept, what it wrote to stdout.
 * `stdout` says where that goes: `show` to ours, `tee` to ours and kept, `keep` only kept, `stderr` to our stderr.
 */
export function run(command, args, { stdout = 'show', shell = false } = {}) {
  const stdio = ['inherit', { show: 'inherit', stderr: 2 }[stdout] ?? 'pipe', 'inherit'];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio, shell });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (stdout === 'tee') process.stdout.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, text }));
  });
}

/** Runs a JavaScript file; those of installed packages directly, as their .bin entries differ between platforms. */
export function runNode(file, args, options) {
  return run(process.execPath, [join(root, file), ...args], options);
}

export async function runCargo(args, options) {
  try {
    return await run('cargo', args, options);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const version = /^rust-version = "(.+)"/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))?.[1];
    throw new Failure(`cargo not found: building hamok from source needs Rust ${version} or newer: https://rustup.rs`);
  }
}

/** Runs a script's task, which resolves with the exit code. */
export async function main(task) {
  try {
    process.exitCode = await task();
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}
