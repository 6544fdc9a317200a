/**
 * The network between the processes of a grid: every peer has one TCP connection to it, and it delivers by peer id. Tests
 * break it from outside. What is cut is cut for messages under way, too.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { frame, frameReader, readAddressed } from './child/frames.mjs';
import type { Random } from './random';

/** What happens to messages between peers that reach each other. */
export interface Noise {
  /** Probability that a message does not arrive. */
  loss: number;
  /** Probability that a message arrives twice. */
  duplication: number;
  /** Every message takes up to as long, at random: messages overtake each other. */
  jitterMs: number;
  /** Probability that a message takes up to `lateMs` instead. */
  lateness: number;
  lateMs: number;
}

export const NO_NOISE: Noise = { loss: 0, duplication: 0, jitterMs: 0, lateness: 0, lateMs: 0 };

export class Hub {
  noise: Noise = NO_NOISE;
  /** Whether messages of the one do not reach the other. */
  private isCut: (from: string, to: string) => boolean = () => false;
  private readonly peerIds = new Map<Socket, string>();

  private constructor(
    private readonly server: Server,
    private readonly random: Random,
  ) {
    server.on('connection', (socket) => this.connect(socket));
  }

  static async start(random: Random): Promise<Hub> {
    const server = createServer({ noDelay: true });

    server.listen(0, '127.0.0.1');
    await once(server, 'listening');

    return new Hub(server, random);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Peers reach only those of their own group; a peer that is in none reaches nobody. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.isCut = (from, to) => !groups.some((group) => group.includes(from) && group.includes(to));
  }

  /** Nothing goes from these to those; the other way is as it was. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    const before = this.isCut;

    this.isCut = (source, target) => (from.includes(source) && to.includes(target)) || before(source, target);
  }

  /** Each reaches only the one before and the one after it. */
  ring(peerIds: readonly string[]): void {
    this.isCut = (from, to) => {
      const distance = Math.abs(peerIds.indexOf(from) - peerIds.indexOf(to));

      return distance !== 1 && distance !== peerIds.length - 1;
    };
  }

  /** Ends all faults. */
  heal(): void {
    this.isCut = () => false;
    this.noise = NO_NOISE;
  }

  close(): void {
    this.server.close();
    for (const socket of this.peerIds.keys()) socket.destroy();
  }

  private connect(socket: Socket): void {
    let peerId: string | undefined;

    // A process that was killed resets its connection.
    socket.on('error', () => {});
    socket.on('close', () => this.peerIds.delete(socket));
    socket.on(
      'data',
      frameReader((content) => {
        if (peerId === undefined) {
          peerId = content.toString();
          this.peerIds.set(socket, peerId);
        } else {
          this.route(socket, content);
        }
      }),
    );
  }

  private route(source: Socket, content: Buffer): void {
    const { destinationId, message } = readAddressed(content);
    const bytes = frame(message);

    for (const [target, peerId] of this.peerIds) {
      if (target !== source && (destinationId === undefined || destinationId === peerId)) {
        this.carry(source, target, bytes);
      }
    }
  }

  private carry(source: Socket, target: Socket, bytes: Buffer): void {
    const { loss, duplication, jitterMs, lateness, lateMs } = this.noise;
    const copies = this.random.chance(loss) ? 0 : this.random.chance(duplication) ? 2 : 1;

    if (this.isCutBetween(source, target)) return;
    for (let copy = 0; copy < copies; copy++) {
      const waitMs = this.random.next() * (this.random.chance(lateness) ? lateMs : jitterMs);

      if (waitMs === 0) target.write(bytes);
      else setTimeout(() => this.deliver(source, target, bytes), waitMs);
    }
  }

  private deliver(source: Socket, target: Socket, bytes: Buffer): void {
    if (target.writable && !this.isCutBetween(source, target)) target.write(bytes);
  }

  private isCutBetween(source: Socket, target: Socket): boolean {
    const from = this.peerIds.get(source);
    const to = this.peerIds.get(target);

    return from === undefined || to === undefined || this.isCut(from, to);
  }
}
