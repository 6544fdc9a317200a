import { beforeEach, describe, expect, it } from 'vitest';
import { PackReader } from '../../../facade/binding/packing';
import { Outbox } from '../../../facade/node/Outbox';
import { ChangeKind } from '../../../facade/node/protocol';
import { ReplyOutbox } from '../../../facade/node/ReplyOutbox';

const bytes = (text: string) => Buffer.from(text);

describe('outbox', () => {
  let sent: Buffer[];
  let outbox: Outbox;

  beforeEach(() => {
    sent = [];
    outbox = new Outbox((packed) => sent.push(Buffer.from(packed)));
  });

  it('what is called in one turn travels together, in order', async () => {
    outbox.entries(1, 1, 7, [bytes('a')], [bytes('1')]);
    outbox.removal(2, 7, [bytes('b')]);
    await Promise.resolve();
    expect(sent).toHaveLength(1);
    outbox.clear(3, 7);

    const reader = new PackReader(sent[0]!);
    const head = () => [reader.u8(), reader.u32(), reader.u32()];

    expect([head(), reader.u32(), reader.str(), reader.str()]).toEqual([[1, 1, 7], 1, 'a', '1']);
    expect([head(), reader.u32(), reader.str()]).toEqual([[3, 2, 7], 1, 'b']);
    expect(reader.done).toBe(true);
    await Promise.resolve();
    expect(sent).toHaveLength(2);
  });

  it('packs every operation as the native side reads it', () => {
    outbox.compare(1, 7, { key: bytes('k'), seenRevision: 2 ** 40, present: true, action: 1, value: bytes('v') });
    outbox.compare(2, 7, { key: bytes('k'), seenRevision: 0, present: false, action: 0, value: undefined });
    outbox.remote(9, 3, 7, [bytes('k')], [bytes('new'), bytes('old')]);
    outbox.message(4, bytes('message'));
    outbox.flush();

    const reader = new PackReader(sent[0]!);
    const head = () => [reader.u8(), reader.u32(), reader.u32()];
    const compare = () => [reader.str(), reader.f64(), reader.u8(), reader.u8(), reader.str()];

    expect([head(), compare()]).toEqual([
      [5, 1, 7],
      ['k', 2 ** 40, 1, 1, 'v'],
    ]);
    expect([head(), compare()]).toEqual([
      [5, 2, 7],
      ['k', 0, 0, 0, ''],
    ]);
    expect([head(), reader.u8(), reader.u32(), reader.str()]).toEqual([[6, 3, 7], 9, 1, 'k']);
    expect([reader.u32(), reader.str(), reader.str()]).toEqual([2, 'new', 'old']);
    expect([head(), reader.str(), reader.done]).toEqual([[7, 4, 0], 'message', true]);
  });

  it('a megabyte goes at once', () => {
    for (let token = 1; token <= 5; token++) outbox.entries(1, token, 1, [bytes('k')], [Buffer.alloc(400_000)]);
    expect(sent.map(({ length }) => length > 1_048_576)).toEqual([true]);
    outbox.flush();
    outbox.flush();
    expect(sent).toHaveLength(2);
  });

  it('what is discarded is not sent', async () => {
    outbox.clear(1, 1);
    outbox.discard();
    await Promise.resolve();
    expect(sent).toEqual([]);
  });
});

describe('reply outbox', () => {
  it('packs results, events, failures and what a store says of epochs as the native side reads them, those of one turn together', async () => {
    const sent: Buffer[] = [];
    const outbox = new ReplyOutbox((packed) => sent.push(Buffer.from(packed)));
    const [key, value, oldValue] = [bytes('k'), bytes('new'), bytes('old')];

    outbox.succeeded(
      { handle: 1, term: 2, position: 3 },
      {
        entries: [
          { index: 0, value: undefined },
          { index: 5, value },
        ],
        events: [
          { kind: ChangeKind.INSERT, key, value, oldValue: undefined },
          { kind: ChangeKind.UPDATE, key, value, oldValue },
          { kind: ChangeKind.REMOVE, key, value: undefined, oldValue },
          { kind: ChangeKind.CLEAR, key: undefined, value: undefined, oldValue: undefined },
        ],
      },
    );
    outbox.failed({ handle: 1, term: 2, position: 4 }, 'CALLBACK_FAILED', 'boom');
    outbox.acquired({ handle: 1, term: 2, claim: 'grid' }, 7);
    outbox.refused({ handle: 1, term: 2, epoch: 7 });
    await Promise.resolve();
    expect(sent).toHaveLength(1);

    const reader = new PackReader(sent[0]!);
    const head = () => [reader.u32(), reader.f64(), reader.u8(), reader.f64()];

    expect([head(), reader.u32()]).toEqual([[1, 2, 1, 3], 2]);
    expect([reader.u32(), reader.u8()]).toEqual([0, 0]);
    expect([reader.u32(), reader.u8(), reader.str()]).toEqual([5, 1, 'new']);
    expect(reader.u32()).toBe(4);
    expect([reader.u8(), reader.str(), reader.str()]).toEqual([1, 'k', 'new']);
    expect([reader.u8(), reader.str(), reader.str(), reader.str()]).toEqual([2, 'k', 'old', 'new']);
    expect([reader.u8(), reader.str(), reader.str()]).toEqual([3, 'k', 'old']);
    expect(reader.u8()).toBe(4);
    expect([head(), reader.str(), reader.str()]).toEqual([[1, 2, 0, 4], 'CALLBACK_FAILED', 'boom']);
    expect([reader.u32(), reader.f64(), reader.u8(), reader.str(), reader.f64()]).toEqual([1, 2, 2, 'grid', 7]);
    expect([reader.u32(), reader.f64(), reader.u8(), reader.f64()]).toEqual([1, 2, 3, 7]);
    expect(reader.done).toBe(true);
  });
});
