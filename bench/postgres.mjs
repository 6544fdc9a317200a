// The Postgres that a scenario runs on: a server of its own with its usual settings, so each commit waits for the disk.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Resolves with a running server, or with nothing when Postgres is not installed. */
export async function startPostgres() {
  const [initdb, postgres] = ['initdb', 'postgres'].map(binary);
  if (!initdb || !postgres) return undefined;

  const folder = mkdtempSync(join(tmpdir(), 'hamok-bench-'));
  const data = join(folder, 'data');
  const options = { ...userOf(folder), cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] };
  const port = await freePort();
  execFileSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'], options);
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((setting) => ['-c', setting]);
  const child = spawn(postgres, ['-D', data, '-p', `${port}`, ...settings], options);
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  await ready(child);
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}

/** Postgres does not run as root. */
function userOf(folder) {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  chownSync(folder, Number(uid), Number(gid));
  return { uid: Number(uid), gid: Number(gid) };
}

function binary(name) {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((a, b) => b - a) : [];
  const folders = [
    ...versions.map((version) => join(DEBIAN_FOLDER, version, 'bin')),
    ...process.env.PATH.split(delimiter),
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function ready(child) {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`postgres ended with code ${code}`)));
    child.stderr.setEncoding('utf8').on('data', (text) => {
      if (text.includes('ready to accept connections')) resolve();
    });
  });
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
