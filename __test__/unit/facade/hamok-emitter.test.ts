import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { HamokEmitter, HamokEmitterEventMap } from '../../../facade/collections/HamokEmitter';
import {
  type Config,
  createEmitter,
  createEmitterAmong,
  dropped,
  type Events,
  endOf,
  HANDLE,
  none,
  others,
  peerJoins,
  peerLeaves,
  REMOVE_ALL,
  refused,
  SET_ALL,
  sent,
  uncaughtDuring,
  watch,
} from './emitter-bench';
import { closePeers, createPeer } from './fake-peers';
import { pause } from './pausing';

afterEach(closePeers);

describe('before the emitter is ready', () => {
  it('operations wait in order, however long', async () => {
    const bench = watch(createPeer(), { requestTimeoutInMs: 20 });
    const { hamok, native, emitter } = bench;
    const heard: unknown[] = [];
    const listener = (n: number) => heard.push(n);
    const results = [
      emitter.subscribe('a', listener, { n: 1 }),
      emitter.unsubscribe('a', listener),
      emitter.subscribe('a', listener, { n: 2 }),
      emitter.updateSubscriptionMetaData('a', { n: 3 }, { n: 2 }),
      emitter.hasSubscribers('a', true),
    ];

    await pause(40);
    expect(native.submitted).toEqual([]);
    hamok.join();
    native.join();
    expect(await Promise.all(results)).toEqual([undefined, undefined, undefined, true, true]);
    expect(emitter.export().subscriptions).toEqual([
      { event: 'a', subscribers: [{ peerId: 'me', metaData: { n: 3 } }] },
    ]);
    expect(sent(bench).slice(0, 3)).toEqual([
      [SET_ALL, 'a', '{"n":1}'],
      [REMOVE_ALL, 'a'],
      [SET_ALL, 'a', '{"n":2}'],
    ]);
  });

  it('an event waits with its arguments as they are at the call, and goes to nobody when nobody is there', async () => {
    const { hamok, native, emitter } = watch(createPeer());
    const argument = { n: 1 };
    const published = emitter.publish('any', argument);

    argument.n = 2;
    expect(emitter.notify('any')).toBe(false);
    hamok.join();
    native.join();
    await emitter.ready;
    await nextTurn();
    expect(native.published).toMatchObject([{ event: 'any', payload: '[{"n":1}]', peerIds: [] }]);
    native.received(native.published[0]!.token, []);
    expect(await published).toEqual([]);
  });

  it('closing sends nothing, and rejects what waits', async () => {
    const { emitter, native } = watch(createPeer());
    const results = [emitter.subscribe('a', none), emitter.publish('a', 1), emitter.cleanup(), emitter.clear()];

    emitter.close();
    for (const result of results) expect(await endOf(result)).toBe('CLOSED: Connection is closed');
    expect(native.submitted).toEqual([]);
  });
});

describe('publish', () => {
  it('goes to the subscribers in the grid, and resolves with those that have received it', async () => {
    const bench = await createEmitterAmong(['b', 'c', 'd']);
    const { emitter, native } = bench;

    for (const peerId of ['b', 'c', 'gone', 'd']) others(bench, 'a', peerId);
    await nextTurn();
    const published = emitter.publish('a', 1, 'x');
    await nextTurn();
    expect(native.published).toMatchObject([
      { handle: HANDLE, event: 'a', payload: '[1,"x"]', peerIds: ['b', 'c', 'd'] },
    ]);
    native.received(native.published[0]!.token, [0, 2]);
    expect(await published).toEqual(['b', 'd']);
    expect(emitter.stats).toEqual({
      numberOfSubscriptions: 1,
      numberOfReceivedEventInvocations: 0,
      numberOfSentEventInvocations: 1,
    });
  });

  it('calls the listeners of this peer at once, with the arguments themselves, and names it last', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;
    const argument = {};
    const heard: unknown[] = [];

    await emitter.subscribe('any', (it) => heard.push(it));
    expect(await emitter.publish('any', argument)).toEqual(['me']);
    expect(heard[0]).toBe(argument);
    expect(native.published).toEqual([]);
    others(bench, 'any', 'b');
    await nextTurn();
    const published = emitter.publish('any', 1);
    expect(heard[1]).toBe(1);
    await nextTurn();
    native.received(native.published[0]!.token, [0]);
    expect(await published).toEqual(['b', 'me']);
  });

  it('nobody subscribed: nobody received it', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;

    expect(await emitter.publish('a', 1)).toEqual([]);
    others(bench, 'a', 'gone');
    await nextTurn();
    expect(await emitter.publish('a', 1)).toEqual([]);
    expect(native.published).toEqual([]);
  });

  it('without a listener left, this peer is not named', async () => {
    const bench = await createEmitter();
    const { emitter, native } = bench;

    await emitter.subscribe('a', none);
    native.answers = false;
    emitter.unsubscribe('a', none).catch(none);
    expect(await emitter.publish('a', 1)).toEqual([]);
  });

  it('follows the peers and the subscriptions', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;
    const receivers = async () => {
      emitter.notify('a', 1);
      await nextTurn();
      return native.published.splice(0).flatMap(({ peerIds }) => peerIds);
    };

    for (const peerId of ['b', 'c']) others(bench, 'a', peerId);
    await nextTurn();
    expect(await receivers()).toEqual(['b']);
    peerJoins(bench, 'c');
    await nextTurn();
    expect(await receivers()).toEqual(['b', 'c']);
    peerLeaves(bench, 'b');
    peerJoins(bench, 'd');
    await nextTurn();
    expect(await receivers()).toEqual(['c']);
    others(bench, 'a', 'd');
    await nextTurn();
    expect(await receivers()).toEqual(['c', 'd']);
    dropped(bench, 'a', 'c');
    await nextTurn();
    expect(await receivers()).toEqual(['d']);
    emitter.subscriptions.removePeer('a', 'd');
    expect(await receivers()).toEqual([]);
  });

  it('times out when a subscriber does not answer', async () => {
    const bench = await createEmitterAmong(['b'], { requestTimeoutInMs: 20 });

    others(bench, 'a', 'b');
    await nextTurn();
    expect(await endOf(bench.emitter.publish('a', 1))).toMatch(/^TIMEOUT: Timeout/);
    expect(bench.native.calls.at(-1)).toMatch(/^abandon/);
  });

  it('undefined as an argument stays undefined', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;
    const heard: unknown[][] = [];

    others(bench, 'any', 'b');
    await emitter.subscribe('any', (...args) => heard.push(args));
    emitter.notify('any', undefined, 1, [undefined], undefined);
    emitter.notify('any');
    await nextTurn();
    for (const { payload } of native.published) native.delivery(HANDLE, 0, 'b', 'any', payload);
    await nextTurn();
    expect(heard.slice(2)).toEqual([[undefined, 1, [null], undefined], []]);
    expect(native.deliveryAnswers).toEqual([]);
  });

  it('rejects when the emitter was refused after it could be used, and calls nobody', async () => {
    const bench = await createEmitter();
    const heard: unknown[] = [];

    bench.hamok.on('error', none);
    await bench.emitter.subscribe('a', (n) => heard.push(n));
    refused(bench);
    await nextTurn();
    expect(await endOf(bench.emitter.publish('a', 1))).toBe('KIND_MISMATCH: Another kind');
    expect(heard).toEqual([]);
  });

  it('what cannot be encoded rejects', async () => {
    const { emitter } = await createEmitter();
    const circular: unknown[] = [];

    circular.push(circular);
    expect(await endOf(emitter.publish('any', circular))).toMatch(/^INVALID_ARGUMENT: .*circular.*\(encoding any\)/is);
    expect(await endOf(emitter.publish('any', 1n))).toMatch(/^INVALID_ARGUMENT/);
  });
});

describe('notify', () => {
  it('sends once and asks nobody', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;
    const heard: unknown[][] = [];

    others(bench, 'a', 'b');
    await nextTurn();
    expect(emitter.notify('a', 1)).toBe(true);
    await emitter.subscribe('a', (...args) => heard.push(args));
    expect(emitter.notify('a', 2, 'x')).toBe(true);
    expect(heard).toEqual([[2, 'x']]);
    await nextTurn();
    expect(native.published).toMatchObject([
      { token: 0, payload: '[1]', peerIds: ['b'] },
      { token: 0, payload: '[2,"x"]', peerIds: ['b'] },
    ]);
    expect(emitter.stats.numberOfSentEventInvocations).toBe(2);
  });

  it('says false when nobody subscribes, and throws what cannot be encoded', async () => {
    const bench = await createEmitterAmong(['b']);

    expect(bench.emitter.notify('any', 1)).toBe(false);
    await bench.emitter.subscribe('any', none);
    expect(bench.emitter.notify('any', 1)).toBe(true);
    others(bench, 'any', 'b');
    await nextTurn();
    expect(() => bench.emitter.notify('any', 1n)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('what was sent before the emitter is closed goes out before its end', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;

    others(bench, 'a', 'b');
    await nextTurn();
    emitter.notify('a', 1);
    native.shut = () => native.calls.push(`shut after ${native.published.length}`);
    emitter.close();
    expect(native.calls.at(-1)).toBe('shut after 1');
  });
});

describe('an event from another peer', () => {
  it('calls every listener, and the answer says whether there was one', async () => {
    const { emitter, native } = await createEmitterAmong(['b']);
    const heard: unknown[] = [];

    await emitter.subscribe('a', (...args) => heard.push(['one', ...args]));
    await emitter.subscribe('a', (...args) => heard.push(['two', ...args]));
    native.delivery(HANDLE, 1, 'b', 'a', '[1,"x"]');
    native.delivery(HANDLE, 2, 'b', 'b', '[]');
    native.delivery(HANDLE, 0, 'b', 'a', '[2]');
    await nextTurn();
    expect(heard).toEqual([
      ['one', 1, 'x'],
      ['two', 1, 'x'],
      ['one', 2],
      ['two', 2],
    ]);
    expect(native.deliveryAnswers).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(emitter.stats.numberOfReceivedEventInvocations).toBe(3);
  });

  it('a listener that throws stops no other, and its error comes up later', async () => {
    const { emitter, native } = await createEmitterAmong(['b']);
    const heard: unknown[] = [];

    await emitter.subscribe('a', () => {
      throw new Error('listener');
    });
    await emitter.subscribe('a', (n) => heard.push(n));

    const uncaught = await uncaughtDuring(async () => {
      native.delivery(HANDLE, 1, 'b', 'a', '[1]');
      await nextTurn();
      expect(await emitter.publish('a', 2)).toEqual(['me']);
    });

    expect(uncaught).toEqual(['listener', 'listener']);
    expect(heard).toEqual([1, 2]);
    expect(native.deliveryAnswers).toEqual([[1, true]]);
  });

  it('listeners may come and go while they are called', async () => {
    const { emitter, native } = await createEmitterAmong(['b']);
    const heard: string[] = [];
    const once = () => {
      heard.push('once');
      emitter.unsubscribe('b', once);
      emitter.subscribe('b', () => heard.push('late'));
    };

    await emitter.subscribe('b', once);
    await emitter.subscribe('b', () => heard.push('second'));
    native.delivery(HANDLE, 1, 'b', 'b', '[]');
    await nextTurn();
    expect(heard).toEqual(['once', 'second']);
    native.delivery(HANDLE, 2, 'b', 'b', '[]');
    await nextTurn();
    expect(heard.slice(2)).toEqual(['second', 'late']);
  });

  it('what cannot be decoded is reported, and counts as not received', async () => {
    const decode = (data: string): unknown[] => (data === 'no list' ? (data as never) : [data]);
    const { hamok, emitter, native } = await createEmitterAmong(['b'], {
      payloadsCodec: new Map([['any' as const, { encode: String, decode }]]),
    });
    const errors: unknown[] = [];
    const heard: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    await emitter.subscribe('a', (...args) => heard.push(args));
    await emitter.subscribe('any', (...args) => heard.push(args));
    native.delivery(HANDLE, 1, 'b', 'a', 'no JSON');
    native.delivery(HANDLE, 2, 'b', 'a', '7');
    native.delivery(HANDLE, 3, 'b', 'any', 'no list');
    native.delivery(HANDLE, 4, 'b', 'any', 'text');
    await nextTurn();
    expect(heard).toEqual([['text']]);
    expect(errors).toMatchObject(Array(3).fill({ code: 'INVALID_MESSAGE' }));
    expect(native.deliveryAnswers.map(([, received]) => received)).toEqual([false, false, false, true]);
  });
});

describe('an event whose list of undefined arguments is wrong', () => {
  it.each([
    [{ args: [1], undefinedAt: [4_000_000_000] }],
    [{ args: [1], undefinedAt: [1] }],
    [{ args: [1], undefinedAt: [-1] }],
    [{ args: [1], undefinedAt: [0.5] }],
    [{ args: [1], undefinedAt: ['length'] }],
    [{ args: [1], undefinedAt: 0 }],
    [{ args: [1] }],
    [{ args: { length: 1 }, undefinedAt: [0] }],
    [{ undefinedAt: [] }],
    [null],
  ])('%j is reported, and counts as not received', async (payload) => {
    const { hamok, emitter, native } = await createEmitterAmong(['b']);
    const errors: unknown[] = [];
    const heard: unknown[] = [];

    hamok.on('error', (error) => errors.push(error));
    await emitter.subscribe('any', (...args) => heard.push(args));
    native.delivery(HANDLE, 1, 'b', 'any', JSON.stringify(payload));
    await nextTurn();
    expect(heard).toEqual([]);
    expect(errors).toMatchObject([{ code: 'INVALID_MESSAGE' }]);
    expect(native.deliveryAnswers).toEqual([[1, false]]);
  });
});

describe('payloadsCodec', () => {
  it('encodes and decodes the events that it names', async () => {
    const payloadsCodec: Config['payloadsCodec'] = new Map([
      ['a', { encode: (n, text) => `${n}/${text}`, decode: (data) => data.split('/') }],
    ]);
    const bench = await createEmitterAmong(['b'], { payloadsCodec });
    const { emitter, native } = bench;

    expect(emitter.payloadsCodec).toBe(payloadsCodec);
    others(bench, 'a', 'b');
    others(bench, 'any', 'b');
    await nextTurn();
    emitter.notify('a', 1, 'ä');
    emitter.notify('any', 1);
    await nextTurn();
    expect(native.published.map(({ payload }) => payload)).toEqual(['1/ä', '[1]']);
  });

  it('must give text', async () => {
    const { emitter } = await createEmitter({
      payloadsCodec: new Map([['any' as const, { encode: () => 7 as never, decode: () => [] }]]),
    });

    expect(await endOf(emitter.publish('any'))).toBe(
      'INVALID_ARGUMENT: The codec of any must give a string, not number',
    );
  });
});

describe('hasSubscribers', () => {
  it('asks the grid first, and tells of this peer if asked', async () => {
    const bench = await createEmitterAmong(['other']);
    const { emitter, native } = bench;

    expect(await emitter.hasSubscribers('a')).toBe(false);
    expect(native.calls.at(-1)).toBe(`barrier(${HANDLE})`);
    others(bench, 'a', 'other');
    expect(await emitter.hasSubscribers('a')).toBe(true);
    expect(await emitter.hasSubscribers('a', true)).toBe(false);
    await emitter.subscribe('a', none);
    expect(await emitter.hasSubscribers('a', true)).toBe(true);
  });

  it('does not count those that are not in the grid', async () => {
    const bench = await createEmitterAmong(['other']);

    others(bench, 'a', 'departed');
    expect(await bench.emitter.hasSubscribers('a')).toBe(false);
    others(bench, 'a', 'other');
    expect(await bench.emitter.hasSubscribers('a')).toBe(true);
    peerLeaves(bench, 'other');
    expect(await bench.emitter.hasSubscribers('a')).toBe(false);
  });
});

describe('export and import', () => {
  const snapshot = {
    emitterId: 'emitter',
    subscriptions: [
      {
        event: 'a',
        subscribers: [
          { peerId: 'b', metaData: { n: 1 } },
          { peerId: 'c', metaData: null },
        ],
      },
      { event: 'b', subscribers: [{ peerId: 'me', metaData: null }] },
    ],
  };

  it('an import can be read at once, silently, and the shared list takes its place', async () => {
    const bench = watch(createPeer());
    const { hamok, native, emitter, heard } = bench;

    emitter.import(JSON.parse(JSON.stringify(snapshot)));
    expect(emitter.export()).toEqual(snapshot);
    expect(emitter.empty).toBe(false);
    hamok.join();
    native.join();
    await emitter.ready;
    expect(emitter.export()).toEqual({ emitterId: 'emitter', subscriptions: [] });
    await nextTurn();
    expect(native.submitted).toEqual([]);
    expect(heard).toEqual([]);
  });

  it('says why it refuses', async () => {
    const { emitter } = await createEmitter();
    const { emitter: other } = watch(createPeer());

    expect(() => emitter.import(snapshot)).toThrow('Cannot import data while connected');
    expect(() => other.import({ ...snapshot, emitterId: 'x' })).toThrow(
      'Cannot import data from a different emitter: x !== emitter',
    );
    for (const subscriptions of [undefined, [{ event: 1 }], [{ event: 'a' }], [{ event: 'a', subscribers: [{}] }]]) {
      const wrong = { emitterId: 'emitter', subscriptions } as never;
      expect(() => other.import(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    expect(other.empty).toBe(true);
  });
});

describe('close', () => {
  it('takes this peer off the list, rejects what waits, and lets the connection tell', async () => {
    const bench = await createEmitter();
    const { hamok, emitter, native } = bench;
    const closed: string[] = [];

    await Promise.all([emitter.subscribe('a', none), emitter.subscribe('b', none)]);
    others(bench, 'a', 'b');
    await nextTurn();
    native.answers = false;
    emitter.connection.on('close', () => closed.push(`close of ${emitter.connection.config.storageId}`));
    const pending = [emitter.unsubscribe('b', none), emitter.hasSubscribers('a')];
    emitter.close();
    emitter.close();
    expect(sent(bench).slice(2)).toEqual([
      [REMOVE_ALL, 'b'],
      [REMOVE_ALL, 'a,b'],
    ]);
    expect(native.calls.at(-1)).toBe(`shut(${HANDLE})`);
    for (const promise of pending) expect(await endOf(promise)).toBe('CLOSED: Connection is closed');
    expect(closed).toEqual(['close of emitter']);
    expect(emitter.closed).toBe(true);
    expect(hamok.storages.size).toBe(0);
    expect(emitter.subscriptions.hasEvent('a')).toBe(true);
  });

  it('every method says that the emitter is closed', async () => {
    const { emitter } = await createEmitter();

    emitter.close();
    expect(await endOf(emitter.subscribe('a', none))).toBe('CLOSED: Cannot subscribe on a closed emitter');
    expect(await endOf(emitter.unsubscribe('a', none))).toBe('CLOSED: Cannot unsubscribe on a closed emitter');
    expect(await endOf(emitter.publish('a', 1))).toBe('CLOSED: Cannot publish on a closed emitter');
    expect(await endOf(emitter.hasSubscribers('a'))).toBe('CLOSED: Cannot check subscribers on a closed emitter');
    expect(await endOf(emitter.cleanup())).toBe('CLOSED: Cannot clean up a closed emitter');
    expect(await endOf(emitter.updateSubscriptionMetaData('a', { n: 1 }))).toBe(
      'CLOSED: Cannot update a subscription on a closed emitter',
    );
    expect(() => emitter.notify('a', 1)).toThrow(
      expect.objectContaining({ code: 'CLOSED', message: 'Cannot publish on a closed emitter' }),
    );
    expect(() => emitter.export()).toThrow(
      expect.objectContaining({ code: 'CLOSED', message: 'Cannot export a closed emitter' }),
    );
    expect(() => emitter.import({ emitterId: 'emitter', subscriptions: [] })).toThrow(
      expect.objectContaining({ code: 'CLOSED', message: 'Cannot import data on a closed emitter' }),
    );
  });

  it('its listeners hear nothing any more', async () => {
    const { emitter, native } = await createEmitterAmong(['b']);
    const heard: unknown[] = [];

    await emitter.subscribe('a', (n) => heard.push(n));
    native.delivery(HANDLE, 1, 'b', 'a', '[1]');
    emitter.close();
    await nextTurn();
    expect(heard).toEqual([]);
    expect(native.deliveryAnswers).toEqual([[1, false]]);
  });
});

describe('wrong options and arguments', () => {
  it('an option says which it is', async () => {
    const { hamok } = createPeer();
    const create = (options: object) => () => hamok.createEmitter({ emitterId: 'emitter', ...options });
    const refusedFor = (name: string) =>
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(name) });

    expect(create({ emitterId: '' })).toThrow(refusedFor('emitterId'));
    expect(create({ autoClean: 1 })).toThrow(refusedFor('autoClean'));
    expect(create({ payloadsCodec: {} })).toThrow(refusedFor('payloadsCodec'));
    expect(create({ payloadsCodec: new Map([['a', { encode: String }]]) })).toThrow(
      refusedFor('payloadsCodec.get("a")'),
    );
    expect(create({ requestTimeoutInMs: -1 })).toThrow(refusedFor('requestTimeoutInMs'));
    expect(hamok.storages.size).toBe(0);
  });

  it('an argument is refused before anything is sent', async () => {
    const { emitter, native } = await createEmitter();
    const wrong = 'INVALID_ARGUMENT';

    expect(await endOf(emitter.subscribe(1 as never, none))).toMatch(wrong);
    expect(await endOf(emitter.subscribe('a', {} as never))).toMatch(wrong);
    expect(await endOf(emitter.subscribe('a', none, 'text' as never))).toMatch(wrong);
    expect(await endOf(emitter.subscribe('a', none, { n: 1n } as never))).toMatch(wrong);
    for (const noObject of [new Date(), new URL('http://a/'), { toJSON: () => 1 }]) {
      expect(await endOf(emitter.subscribe('a', none, noObject as never))).toMatch(wrong);
      expect(await endOf(emitter.updateSubscriptionMetaData('a', noObject as never))).toMatch(
        'INVALID_ARGUMENT: The meta data of a subscription is no object (encoding meta data)',
      );
    }
    for (const half of ['\ud800', 'a\udc00'] as unknown as 'any'[]) {
      expect(await endOf(emitter.subscribe(half, none))).toMatch(wrong);
      expect(await endOf(emitter.publish(half))).toMatch(wrong);
      expect(() => emitter.notify(half)).toThrow(expect.objectContaining({ code: wrong }));
    }
    expect(await endOf(emitter.unsubscribe('a', undefined as never))).toMatch(wrong);
    expect(await endOf(emitter.unsubscribe(undefined as never, none))).toMatch(wrong);
    expect(await endOf(emitter.publish(Symbol.iterator as unknown as 'any'))).toMatch(wrong);
    expect(await endOf(emitter.hasSubscribers({} as never))).toMatch(wrong);
    expect(await endOf(emitter.updateSubscriptionMetaData('a', undefined as never))).toMatch(wrong);
    expect(() => emitter.notify(1 as unknown as 'any')).toThrow(expect.objectContaining({ code: wrong }));
    expect(native.submitted).toEqual([]);
    expect(emitter.empty).toBe(true);
  });

  it('a second emitter of an id is refused, and found by getOrCreateEmitter', async () => {
    const { hamok } = createPeer();
    const emitter = hamok.createEmitter<Events>({ emitterId: 'emitter' });
    const existed: boolean[] = [];

    expect(() => hamok.createEmitter({ emitterId: 'emitter' })).toThrow('Emitter with id emitter already exists');
    expect(hamok.getOrCreateEmitter<Events>({ emitterId: 'emitter' }, (it) => existed.push(it))).toBe(emitter);
    expect(hamok.getOrCreateEmitter<Events>({ emitterId: 'other' }, (it) => existed.push(it)).id).toBe('other');
    expect(existed).toEqual([true]);
  });
});

describe('types', () => {
  it('events are an interface or an alias, with a name for each or for all', () => {
    const { hamok } = createPeer();
    const alias = hamok.createEmitter<{ a: [x: number, y?: string]; b: [] }>({ emitterId: 'alias' });
    const record = hamok.createEmitter<Record<string, [number]>>({ emitterId: 'record' });
    const untyped: HamokEmitter<HamokEmitterEventMap> = hamok.createEmitter({ emitterId: 'untyped' });
    const generic = <T extends HamokEmitterEventMap>(emitter: HamokEmitter<T>): string => emitter.id;
    const inferred: HamokEmitter<Events, { n: number }> = hamok.createEmitter({ emitterId: 'inferred' });
    // biome-ignore lint/suspicious/noExplicitAny: as applications have it
    const anything: HamokEmitter<any>[] = [alias, record, untyped, inferred];

    alias.subscribe('a', (x: number, y: string | undefined) => `${x}${y}`).catch(none);
    record.subscribe('whatever', (x: number) => x).catch(none);
    untyped.subscribe('whatever', (...args: unknown[]) => args).catch(none);
    alias.subscriptions.on('added', (event: 'a' | 'b', peerId: string) => `${event}${peerId}`);
    // @ts-expect-error: a wrong event
    alias.subscribe('c', none).catch(none);
    // @ts-expect-error: a wrong argument
    alias.publish('a', 'x').catch(none);
    // @ts-expect-error: an argument too many
    alias.publish('b', 1).catch(none);
    expect(generic(record)).toBe('record');
    expect(anything).toHaveLength(4);
  });
});
