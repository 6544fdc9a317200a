/** A proxy between a store and its server, that can lose answers and hold up requests. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** The next answer is lost: the server has sent it, and all connections break. */
  loseNextAnswer(): void;
  /** Number of answers that were lost. */
  readonly lost: number;
  /** Requests wait here from now on, as if they were long on their way. */
  hold(): void;
  /** Number of bytes that wait. */
  readonly held: number;
  /** The clients are gone. What they had sent still waits. */
  cutClients(): void;
  /** What waits goes on its way, also that of clients that are gone. */
  release(): void;
  /** Number of answers for clients that are gone. */
  readonly unheard: number;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; target: Socket; waiting: Buffer[] }>();
  let losing = false;
  let holding = false;
  let lost = 0;
  let unheard = 0;

  const server = createServer((client) => {
    const pair = { client, target: connect(targetPort, '127.0.0.1'), waiting: [] as Buffer[] };
    const { target, waiting } = pair;

    pairs.add(pair);
    for (const socket of [client, target]) socket.on('error', () => socket.destroy());
    client.on('data', (bytes) => {
      if (holding) waiting.push(bytes);
      else target.write(bytes);
    });
    target.on('data', (bytes) => {
      if (client.destroyed) unheard++;
      if (!losing) {
        client.write(bytes);
        return;
      }
      losing = false;
      lost++;
      for (const other of pairs) other.client.destroy();
    });
    // What is held up is on its way, whether its sender lives or not.
    client.on('close', () => waiting.length === 0 && target.destroy());
    target.on('close', () => {
      pairs.delete(pair);
      client.destroy();
    });
  }).listen(0, '127.0.0.1');

  await once(server, 'listening');

  return {
    port: (server.address() as { port: number }).port,
    loseNextAnswer() {
      losing = true;
    },
    get lost() {
      return lost;
    },
    hold() {
      holding = true;
    },
    get held() {
      return [...pairs].flatMap(({ waiting }) => waiting).reduce((sum, { length }) => sum + length, 0);
    },
    cutClients() {
      for (const { client } of pairs) client.destroy();
    },
    get unheard() {
      return unheard;
    },
    release() {
      holding = false;
      for (const { target, waiting } of pairs) for (const bytes of waiting.splice(0)) target.write(bytes);
    },
    async close() {
      for (const { client, target } of pairs) {
        client.destroy();
        target.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
