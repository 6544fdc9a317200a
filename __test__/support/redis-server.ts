/**
 * A real Redis for a test: a `redis-server` of its own on a free port, that a test may stop, kill, freeze and start
 * again on the same port. It keeps nothing on disk unless it is asked to, so after a restart it is empty.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Another process may take the free port before Redis does. */
const MAX_PORT_ATTEMPTS = 5;

const START_TIMEOUT_MS = 10_000;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Ends it the way an operator would, and forgets its files. */
  stop(): Promise<void>;
  /** Ends it without a farewell: connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port; kills it before if it still runs. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
}

/**
 * Starts one and resolves when it accepts connections. `options` are those of redis-server's command line and win over
 * ours: `startRedisServer('--appendonly', 'yes')` keeps its entries over a restart.
 */
export async function startRedisServer(...options: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'hamok-redis-'));
  const launch = (port: number) =>
    launchRedis('--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no', ...options);
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const { port, child: first } = await launchOnFreePort(launch).catch((error) => {
    removeFolder();
    throw error;
  });
  let child = first;
  let stopped = false;

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;

    const exited = once(child, 'exit');

    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  };

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      stopped = true;
      await end('SIGTERM');
      removeFolder();
    },
    kill: () => end('SIGKILL'),
    async restart() {
      if (stopped) throw new Error('this redis-server was stopped for good: its folder is gone');
      await end('SIGKILL');
      child = await launch(port);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

async function launchOnFreePort(launch: (port: number) => Promise<ChildProcess>) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();

    try {
      return { port, child: await launch(port) };
    } catch (error) {
      if (attempt === MAX_PORT_ATTEMPTS || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function launchRedis(...args: string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', ['--bind', '127.0.0.1', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const killAtExit = () => void child.kill('SIGKILL');
  let output = '';

  // A test run that is broken off must not leave servers behind.
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));

  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`redis-server ${reason}\n${output}`));
    };
    const timer = setTimeout(() => fail(`accepted no connections within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);

    child.once('error', (error) => fail(`could not be started (is it installed?): ${error.message}`));
    child.once('exit', (code) => fail(`ended with code ${code}`));
    // Read to the end: a full pipe would stop the server.
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4096);
      if (!output.includes('Ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
  });

  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');

  await once(server, 'listening');

  const address = server.address();

  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');

  return address.port;
}
