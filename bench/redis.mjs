// The Redis that a scenario runs on: a redis-server of its own, so that nobody else's load is measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Resolves with a running server, or with nothing when redis-server is not installed. */
export async function startRedis() {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    await once(child, 'spawn');
  } catch {
    return undefined;
  }
  process.once('exit', () => child.kill());
  await ready(child);
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() };
}

function ready(child) {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`redis-server ended with code ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      if (text.includes('Ready to accept connections')) resolve();
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
