/** A map in Redis: a hash of its entries, and beside it what fences and recognises writes. */
import { hamokError } from '../../common/errors';
import { toError } from '../../node/guardedEmit';
import type { EncodedOperation, EncodedResult, StoreBackend, Writer } from '../core/StoreBackend';
import { textOf } from '../core/StoreBackend';
import type { RedisStoreClient } from '../redis';
import type { StaleWriteCode } from '../StaleWriteError';
import { acquireScript, applyScript, type Script } from './script';

type Argument = string | Buffer;

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
    const list: unknown[] = [writer !== undefined, writer?.epoch ?? 0, writer?.term ?? 0];
    const bytes: Buffer[] = [];

    for (const { kind, index, operationId, keys, values } of operations) {
      list.push(kind, index, operationId);
      for (const parts of [keys, values]) {
        list.push(parts.length);
        // One at a time: a call cannot have as many arguments as an operation may have keys.
        for (const part of parts) {
          list.push(part.length);
          bytes.push(part);
        }
      }
    }

    const [numbers, found] = (await this.run(
      applyScript,
      [this.entriesKey, this.fence, this.records, this.order],
      [JSON.stringify(list), Buffer.concat(bytes)],
    )) as [Buffer, Buffer];

    return readResults(JSON.parse(numbers.toString()), found);
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

    try {
      return ((await Promise.all(parts)) as (Buffer | null)[][]).flat();
    } catch (cause) {
      const { message } = toError(cause);

      throw message.startsWith('WRONGTYPE') ? hamokError('UNREADABLE_VALUE', message, { cause }) : cause;
    }
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

/** Takes apart what `applyScript` gives. */
function readResults(numbers: readonly number[], bytes: Buffer): EncodedResult[] {
  const results: EncodedResult[] = [];
  let next = 0;
  let at = 0;

  const number = () => numbers[next++] as number;
  const part = () => {
    const length = number();

    if (length < 0) return null;
    at += length;

    return bytes.subarray(at - length, at);
  };

  while (next < numbers.length) {
    const status = number();
    const repeated = number() === 1;

    results.push(resultOf(status, repeated, Array.from({ length: number() }, part)));
  }

  return results;
}

function resultOf(status: number, repeated: boolean, parts: (Buffer | null)[]): EncodedResult {
  if (status === 1) return { status: 'done', repeated, found: parts };
  if (status === 0) return { status: 'failed', repeated, text: String(parts[0]) };

  const [code, epoch, term, index] = parts.map(String);

  return {
    status: 'refused',
    code: code as StaleWriteCode,
    fence: { epoch: Number(epoch), term: Number(term), index: Number(index) },
  };
}
