/**
 * A real Postgres for a test: a server of its own on a free port, that a test may stop, kill, freeze and start again on the
 * same port. What was committed survives a kill. It is the first that is found in PATH or where Debian has it.
 *
 * Postgres does not run as root: then it runs as the user `postgres`, or else as `nobody`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Another process may take the free port before Postgres does. */
const MAX_PORT_ATTEMPTS = 5;

const START_TIMEOUT_MS = 20_000;

/** Where Debian has its servers, a folder for each version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';

export interface PostgresServer {
  readonly port: number;
  /** Of the database `postgres` and the user `postgres`, without a password. */
  readonly url: string;
  /** Ends it the way an operator would, and forgets its files. */
  stop(): Promise<void>;
  /** Ends it without a farewell: connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port; kills it before if it still runs. */
  restart(): Promise<void>;
}

/**
 * Starts one and resolves when it accepts connections. `settings` are those of postgresql.conf and win over ours:
 * `startPostgresServer('fsync=off')` is quicker, and keeps what was committed when the server is killed, but not when
 * the machine is.
 */
export async function startPostgresServer(...settings: string[]): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'hamok-postgres-'));
  const data = join(folder, 'data');
  const user = userOf(folder);
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  const launch = (port: number) => launchPostgres(data, port, user, settings);
  const { port, child: first } = await createData(data, user)
    .then(() => launchOnFreePort(launch))
    .catch((error) => {
      removeFolder();
      throw error;
    });
  let child = first;
  let stopped = false;

  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;

    const exited = once(child, 'exit');

    child.kill(signal);
    await exited;
  };

  return {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      stopped = true;
      // A fast shutdown: connections are closed.
      await end('SIGINT');
      removeFolder();
    },
    kill: () => end('SIGKILL'),
    async restart() {
      if (stopped) throw new Error('this Postgres was stopped for good: its folder is gone');
      await end('SIGKILL');
      child = await relaunch(() => launch(port));
    },
  };
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** The user as whom Postgres runs, who owns its folder. */
function userOf(folder: string): User {
  if (process.getuid?.() !== 0) return {};

  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] =
    ['postgres', 'nobody'].map((name) => users.find(([known]) => known === name)).find(Boolean) ?? [];

  if (!uid || !gid) throw new Error('Postgres does not run as root, and there is neither a user postgres nor nobody');
  chownSync(folder, Number(uid), Number(gid));

  return { uid: Number(uid), gid: Number(gid) };
}

async function createData(data: string, user: User): Promise<void> {
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];

  await new Promise<void>((resolve, reject) => {
    // The folder from which a test runs may be closed to that user.
    execFile(binary('initdb'), args, { ...user, cwd: tmpdir() }, (error, _, stderr) => {
      if (error) reject(new Error(`initdb failed (is postgresql installed?): ${error.message}\n${stderr}`));
      else resolve();
    });
  });
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

/** After a kill, the processes of the old server end by themselves, and Postgres waits for none of them. */
async function relaunch(launch: () => Promise<ChildProcess>): Promise<ChildProcess> {
  const deadline = performance.now() + START_TIMEOUT_MS;

  for (;;) {
    try {
      return await launch();
    } catch (error) {
      const isOccupied = /still in use|already in use|lock file/.test(String(error));

      if (!isOccupied || performance.now() > deadline) throw error;
      await pause(50);
    }
  }
}

async function launchPostgres(
  data: string,
  port: number,
  user: User,
  settings: readonly string[],
): Promise<ChildProcess> {
  const all = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=32MB', ...settings];
  const args = ['-D', data, '-p', `${port}`, ...all.flatMap((setting) => ['-c', setting])];
  const child = spawn(binary('postgres'), args, { ...user, cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] });
  const killAtExit = () => void child.kill('SIGKILL');
  let output = '';

  // A test run that is broken off must not leave servers behind.
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));

  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`postgres ${reason}\n${output}`));
    };
    const timer = setTimeout(() => fail(`accepted no connections within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);

    child.once('error', (error) => fail(`could not be started: ${error.message}`));
    // Not `exit`: what it has said last is of interest.
    child.once('close', (code) => fail(`ended with code ${code}`));
    // Read to the end: a full pipe would stop the server.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4096);
      if (!output.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
  });

  return child;
}

/** The path of one of its programs. */
function binary(name: string): string {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(DEBIAN_FOLDER, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];

  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');

  await once(server, 'listening');

  const address = server.address();

  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');

  return address.port;
}
