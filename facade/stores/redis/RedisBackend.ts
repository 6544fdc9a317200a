/** A map in Redis: a hash of its entries, and beside it what fences and recognises writes. */
import type { EncodedOperation, EncodedResult, StoreBackend, Writer } from '../core/StoreBackend';
import { textOf } from '../core/StoreBackend';
import type { RedisStoreClient } from '../redis';
import type { StaleWriteCode } from '../StaleWriteError';
import { acquireScript, applyScript, type Script } from './script';

type Argument = string | Buffer | number;

/** What the script gives for an operation. */
type Reply =
  | [status: 0, repeated: number, text: Buffer]
  | [status: 1, repeated: number, found: (Buffer | null)[]]
  | [status: 2, repeated: number, code: Buffer, epoch: Buffer, term: Buffer, index: Buffer];

/** Of a large map, this many entries are read at a time. */
const SCAN_COUNT = 512;

/** A command has no more keys: one that blocks Redis for long blocks everybody. */
const MAX_KEYS = 1000;

export class RedisBackend implements StoreBackend {
  private readonly fence: string;
  private readonly records: string;
  private readonly order: string;
  private readonly grids: string;

  /**
   * @param tag the part of all keys that makes a cluster keep them together
   * @param entries the hash of the entries
   */
  constructor(
    private readonly client: RedisStoreClient,
    tag: string,
    private readonly entriesKey: string,
  ) {
    this.fence = `${tag}:fence`;
    this.records = `${tag}:records`;
    this.order = `${tag}:order`;
    this.grids = `${tag}:grids`;
  }

  async acquire(gridId: string): Promise<number> {
    return (await this.run(acquireScript, [this.fence, this.grids], [gridId])) as number;
  }

  async apply(operations: readonly EncodedOperation[], writer: Writer | undefined): Promise<EncodedResult[]> {
    const args: Argument[] = [operations.length, writer ? 1 : 0, writer?.epoch ?? 0, writer?.term ?? 0];

    for (const { kind, index, operationId, keys, values } of operations) {
      args.push(kind, index, operationId, keys.length, values.length);
      // One at a time: a call cannot have as many arguments as an operation may have keys.
      for (const key of keys) args.push(key);
      for (const value of values) args.push(value);
    }

    const replies = await this.run(applyScript, [this.entriesKey, this.fence, this.records, this.order], args);

    return (replies as Reply[]).map(resultOf);
  }

  async size(): Promise<number> {
    return (await this.client.callBuffer('hlen', [this.entriesKey])) as number;
  }

  async keys(): Promise<Buffer[]> {
    return (await this.client.callBuffer('hkeys', [this.entriesKey])) as Buffer[];
  }

  async read(keys: readonly Buffer[]): Promise<(Buffer | null)[]> {
    const parts: Promise<unknown>[] = [];

    for (let first = 0; first < keys.length; first += MAX_KEYS) {
      parts.push(this.client.callBuffer('hmget', [this.entriesKey, ...keys.slice(first, first + MAX_KEYS)]));
    }

    return ((await Promise.all(parts)) as (Buffer | null)[][]).flat();
  }

  /** HSCAN gives what is there throughout, some of it twice while the hash grows or shrinks. */
  async *entries(): AsyncGenerator<readonly [Buffer, Buffer]> {
    const seen = new Set<string>();
    let cursor = '0';

    do {
      const reply = await this.client.callBuffer('hscan', [this.entriesKey, cursor, 'COUNT', SCAN_COUNT]);
      const [next, found] = reply as [Buffer, Buffer[]];

      for (let at = 0; at < found.length; at += 2) {
        const key = found[at] as Buffer;
        const text = textOf(key);

        if (seen.has(text)) continue;
        seen.add(text);
        yield [key, found[at + 1] as Buffer];
      }
      cursor = next.toString();
    } while (cursor !== '0');
  }

  /** A Redis that was started again, or took over, does not know the script: it has done nothing then. */
  private async run({ text, sha1 }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];

    try {
      return await this.client.callBuffer('evalsha', [sha1, ...rest]);
    } catch (error) {
      if (!(error as Error).message?.startsWith('NOSCRIPT')) throw error;

      return this.client.callBuffer('eval', [text, ...rest]);
    }
  }
}

function resultOf(reply: Reply): EncodedResult {
  if (reply[0] === 2) {
    const [, , code, epoch, term, index] = reply;

    return {
      status: 'refused',
      code: code.toString() as StaleWriteCode,
      fence: { epoch: Number(epoch), term: Number(term), index: Number(index) },
    };
  }

  const repeated = reply[1] === 1;

  return reply[0] === 1
    ? { status: 'done', repeated, found: reply[2] }
    : { status: 'failed', repeated, text: reply[2].toString() };
}
