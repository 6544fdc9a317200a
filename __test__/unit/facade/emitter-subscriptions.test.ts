import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  COMPARE,
  createEmitter,
  createEmitterAmong,
  dropped,
  endOf,
  fails,
  HANDLE,
  INSERT_ALL,
  keyOf,
  leads,
  none,
  others,
  peerJoins,
  peerLeaves,
  REMOVE_ALL,
  SET_ALL,
  sent,
  uncaughtDuring,
  watch,
} from './emitter-bench';
import { closePeers, createJoinedPeer } from './fake-peers';

afterEach(closePeers);

describe('subscribing', () => {
  it('registers with the first listener of an event, and resolves when that is applied', async () => {
    const bench = await createEmitter();
    const { emitter, heard } = bench;
    const subscribed = emitter.subscribe('a', none, { n: 1 }).then(() => heard.push(['resolved']));

    expect(emitter.subscriptions.size).toBe(0);
    await subscribed;
    expect(sent(bench)).toEqual([[SET_ALL, 'a', '{"n":1}']]);
    expect(heard).toEqual([['added', 'a', 'me', { n: 1 }], ['resolved']]);
    await emitter.subscribe('b', none);
    expect(sent(bench).at(-1)).toEqual([SET_ALL, 'b', 'null']);
  });

  it('a further listener waits for that, and changes the meta data only if it has some', async () => {
    const bench = await createEmitter();
    const { emitter, native, heard } = bench;
    const order: string[] = [];

    native.answers = false;
    for (const name of ['first', 'second']) emitter.subscribe('a', none).then(() => order.push(name));
    await nextTurn();
    expect(order).toEqual([]);
    expect(native.submitted).toHaveLength(1);
    others(bench, 'a', 'me');
    native.received(native.submitted[0]!.token, []);
    await nextTurn();
    await nextTurn();
    expect(order).toEqual(['first', 'second']);

    native.answers = true;
    await emitter.subscribe('a', none);
    await emitter.subscribe('a', none, { n: 2 });
    expect(sent(bench).slice(1)).toEqual([[SET_ALL, 'a', '{"n":2}']]);
    expect(heard).toEqual([
      ['added', 'a', 'me', null],
      ['updated', 'a', 'me', { n: 2 }, null],
    ]);
  });

  it('a rejection takes off the listeners that waited for it, and no others', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;
    const calls: string[] = [];

    native.answers = false;
    const ends = ['one', 'two'].map((name) => endOf(emitter.subscribe('a', () => calls.push(name))));
    await nextTurn();
    fails(bench, native.submitted[0]!.token, 'COMMAND_TOO_LARGE');
    expect(await Promise.all(ends)).toEqual(Array(2).fill('COMMAND_TOO_LARGE: COMMAND_TOO_LARGE'));
    native.delivery(HANDLE, 5, 'b', 'a', '[1]');
    await nextTurn();
    expect(native.deliveryAnswers).toEqual([[5, false]]);

    native.answers = true;
    await emitter.subscribe('a', () => calls.push('three'));
    native.answers = false;
    const end = endOf(emitter.subscribe('a', () => calls.push('four'), { n: 4 }));
    await nextTurn();
    fails(bench, native.submitted.at(-1)!.token, 'COMMAND_TOO_LARGE');
    await end;
    native.delivery(HANDLE, 6, 'b', 'a', '[1]');
    await nextTurn();
    expect(calls).toEqual(['three']);
  });

  it('what was refused in time and applied later is taken back', async () => {
    const bench = await createEmitter({ requestTimeoutInMs: 20 });
    const { emitter, native } = bench;

    native.answers = false;
    expect(await endOf(emitter.subscribe('a', none))).toMatch(/^TIMEOUT: Timeout/);
    native.answers = true;
    others(bench, 'a', 'me');
    await nextTurn();
    await emitter.hasSubscribers('a');
    expect(emitter.empty).toBe(true);
    expect(sent(bench).at(-1)).toEqual([REMOVE_ALL, 'a']);
  });

  it('a subscription that a former process has left is replaced, or taken off when nobody listens', async () => {
    const { hamok, native } = await createJoinedPeer();

    native.opens = false;
    const bench = watch({ hamok, native });
    const { emitter, heard } = bench;
    const subscribed = emitter.subscribe('a', none, { n: 2 });

    others(bench, 'a', 'me', { n: 1 });
    others(bench, 'b', 'me', { n: 1 });
    others(bench, 'b', 'other');
    await nextTurn();
    heard.length = 0;
    native.ready(HANDLE, [keyOf('a', 'me'), '{"n":1}', keyOf('b', 'me'), '{"n":1}', keyOf('b', 'other'), 'null']);
    await subscribed;
    await emitter.hasSubscribers('b');
    expect(heard).toEqual([
      ['updated', 'a', 'me', { n: 2 }, { n: 1 }],
      ['removed', 'b', 'me', { n: 1 }],
    ]);
  });
});

describe('unsubscribing', () => {
  it('takes off the one event when its last listener goes', async () => {
    const bench = await createEmitter();
    const { emitter, heard } = bench;
    const [one, two] = [() => {}, () => {}];

    await Promise.all([emitter.subscribe('a', one), emitter.subscribe('a', two), emitter.subscribe('b', one)]);
    await emitter.unsubscribe('a', one);
    expect(sent(bench)).toHaveLength(2);
    await emitter.unsubscribe('a', two);
    expect(sent(bench).slice(2)).toEqual([[REMOVE_ALL, 'a']]);
    expect(heard.at(-1)).toEqual(['removed', 'a', 'me', null]);
    expect(emitter.subscriptions.getAllPeerIds()).toEqual(new Set(['me']));
  });

  it('what does not listen is no error, and a function that listens twice goes once', async () => {
    const bench = await createEmitter();
    const { emitter } = bench;

    await emitter.unsubscribe('a', none);
    await emitter.subscribe('a', none);
    await emitter.subscribe('a', none);
    await emitter.unsubscribe('a', () => {});
    await emitter.unsubscribe('a', none);
    expect(sent(bench)).toEqual([[SET_ALL, 'a', 'null']]);
    await emitter.unsubscribe('a', none);
    expect(emitter.empty).toBe(true);
  });

  it('a removal that failed is made up for', async () => {
    const bench = await createEmitter({ requestTimeoutInMs: 20 });
    const { emitter, native } = bench;

    await emitter.subscribe('a', none);
    native.answers = false;
    const unsubscribed = endOf(emitter.unsubscribe('a', none));
    await nextTurn();
    native.answers = true;
    expect(await unsubscribed).toMatch(/^TIMEOUT/);
    await emitter.hasSubscribers('a');
    expect(emitter.empty).toBe(true);
  });

  it('clear takes off everything in one step, and its rejection needs no handler', async () => {
    const bench = await createEmitter();
    const { emitter, native } = bench;

    await Promise.all([emitter.subscribe('a', none), emitter.subscribe('b', none), emitter.subscribe('b', none)]);
    others(bench, 'a', 'other');
    await nextTurn();
    await emitter.clear();
    expect(sent(bench).slice(2)).toEqual([[REMOVE_ALL, 'a,b']]);
    expect(emitter.export().subscriptions).toEqual([
      { event: 'a', subscribers: [{ peerId: 'other', metaData: null }] },
    ]);
    await emitter.clear();
    expect(native.submitted).toHaveLength(3);

    emitter.subscribe('a', none).catch(none);
    emitter.clear();
    emitter.close();
    expect(await endOf(emitter.clear())).toBe('CLOSED: Cannot clear a closed emitter');
    await nextTurn();
  });
});

describe("the peer's own subscriptions", () => {
  it('are registered again with their meta data when others have taken them off', async () => {
    const bench = await createEmitter();
    const { emitter, heard } = bench;

    await emitter.subscribe('a', none, { n: 1 });
    await emitter.updateSubscriptionMetaData('a', { n: 2 });
    dropped(bench, 'a', 'me');
    await nextTurn();
    await emitter.hasSubscribers('a');
    expect(sent(bench).at(-1)).toEqual([INSERT_ALL, 'a', '{"n":2}']);
    expect(heard.slice(2)).toEqual([
      ['removed', 'a', 'me', { n: 2 }],
      ['added', 'a', 'me', { n: 2 }],
    ]);
    expect(emitter.subscriptions.getEventPeersMap('a')).toEqual(new Map([['me', { n: 2 }]]));
  });

  it('are not registered again when this peer itself has taken them off', async () => {
    const bench = await createEmitter();
    const { emitter } = bench;

    await emitter.subscribe('a', none);
    await Promise.all([emitter.unsubscribe('a', none), emitter.subscribe('a', none), emitter.unsubscribe('a', none)]);
    await emitter.hasSubscribers('a');
    expect(sent(bench)).toEqual([
      [SET_ALL, 'a', 'null'],
      [REMOVE_ALL, 'a'],
      [SET_ALL, 'a', 'null'],
      [REMOVE_ALL, 'a'],
    ]);
  });

  it('are looked at again when what was under way has ended', async () => {
    const bench = await createEmitter();
    const { emitter, native } = bench;

    await emitter.subscribe('a', none, { n: 1 });
    native.answers = false;
    const subscribed = emitter.subscribe('a', none, { n: 2 });
    await nextTurn();
    // Set, then taken off by another peer; the answer to the first comes last.
    others(bench, 'a', 'me', { n: 2 });
    dropped(bench, 'a', 'me');
    native.received(native.submitted.at(-1)!.token, [0]);
    native.answers = true;
    await subscribed;
    await emitter.hasSubscribers('a');
    expect(emitter.subscriptions.getEventPeersMap('a')).toEqual(new Map([['me', { n: 2 }]]));
  });

  it('that cannot be registered again are reported, and tried once more after the next connection', async () => {
    const bench = await createEmitter();
    const { hamok, emitter, native } = bench;
    const errors: string[] = [];

    hamok.on('error', ({ message }) => errors.push(message));
    await emitter.subscribe('a', none);
    native.answers = false;
    dropped(bench, 'a', 'me');
    await nextTurn();
    await nextTurn();
    fails(bench, native.submitted.at(-1)!.token, 'OUTCOME_UNKNOWN');
    await nextTurn();
    expect(errors).toEqual(['OUTCOME_UNKNOWN']);
    expect(native.submitted).toHaveLength(2);

    native.answers = true;
    native.put().u8(8, 7);
    await nextTurn();
    await emitter.hasSubscribers('a');
    expect(emitter.subscriptions.hasPeerOnEvent('a', 'me')).toBe(true);
    expect(errors).toHaveLength(1);
  });
});

describe('updateSubscriptionMetaData', () => {
  it('sets them, or only if they are what is expected', async () => {
    const bench = await createEmitter();
    const { emitter, heard } = bench;

    await emitter.subscribe('a', none);
    heard.length = 0;
    expect(await emitter.updateSubscriptionMetaData('a', { n: 1 }, { n: 0 })).toBe(false);
    expect(await emitter.updateSubscriptionMetaData('a', { n: 1 }, null)).toBe(true);
    expect(await emitter.updateSubscriptionMetaData('a', { n: 2 }, { n: 1 })).toBe(true);
    expect(await emitter.updateSubscriptionMetaData('a', { n: 3 })).toBe(true);
    expect(heard).toEqual([
      ['updated', 'a', 'me', { n: 1 }, null],
      ['updated', 'a', 'me', { n: 2 }, { n: 1 }],
      ['updated', 'a', 'me', { n: 3 }, { n: 2 }],
    ]);
  });

  it('looks again when the subscription has changed since', async () => {
    const bench = await createEmitter();
    const { emitter, native } = bench;

    await emitter.subscribe('a', none, { n: 1 });
    const updated = emitter.updateSubscriptionMetaData('a', { n: 3 }, { n: 2 });
    others(bench, 'a', 'me', { n: 2 });
    expect(await updated).toBe(true);
    expect(native.submitted.filter(({ opcode }) => opcode === COMPARE)).toHaveLength(2);
  });

  it('rejects without a listener of this peer', async () => {
    const bench = await createEmitter();

    others(bench, 'a', 'other');
    await nextTurn();
    expect(await endOf(bench.emitter.updateSubscriptionMetaData('a', { n: 1 }))).toBe(
      'INVALID_ARGUMENT: Cannot update a non-existing subscription',
    );
  });
});

describe('cleanup', () => {
  it('takes off the peers that are not in the grid, in one step', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, heard } = bench;

    expect(await emitter.cleanup()).toBe(undefined);
    await emitter.subscribe('a', none);
    for (const peerId of ['b', 'gone', 'too']) others(bench, 'a', peerId);
    others(bench, 'b', 'gone', { n: 1 });
    await nextTurn();
    heard.length = 0;
    expect(await emitter.cleanup()).toEqual(new Set(['gone', 'too']));
    expect(sent(bench).at(-1)).toEqual([REMOVE_ALL, 'a,a,b']);
    expect(heard).toEqual([
      ['removed', 'a', 'gone', null],
      ['removed', 'a', 'too', null],
      ['removed', 'b', 'gone', { n: 1 }],
    ]);
    expect(await emitter.cleanup()).toBe(undefined);
  });

  it('names nobody when another peer was faster', async () => {
    const bench = await createEmitter();
    const { emitter, native } = bench;

    emitter.subscriptions.addPeer('a', 'gone');
    expect(await emitter.cleanup()).toBe(undefined);
    expect(native.submitted).toHaveLength(1);
  });

  it('waits while this peer is out of the grid, where everybody looks departed', async () => {
    const bench = await createEmitterAmong(['b']);
    const { emitter, native } = bench;

    others(bench, 'a', 'b');
    others(bench, 'a', 'gone');
    peerLeaves(bench, 'b');
    native.put().u8(8);
    const cleaned = emitter.cleanup();
    await nextTurn();
    await nextTurn();
    expect(native.submitted).toEqual([]);
    peerJoins(bench, 'b');
    native.put().u8(7);
    expect(await cleaned).toEqual(new Set(['gone']));
  });

  it('rejects in time when the grid can be asked and is not there for this peer', async () => {
    const bench = await createEmitterAmong(['b'], { requestTimeoutInMs: 30 });
    const { emitter, native } = bench;
    const barriers = () => native.calls.filter((call) => call === `barrier(${HANDLE})`).length;

    others(bench, 'a', 'b');
    native.put().u8(8);
    await nextTurn();
    expect(await endOf(emitter.cleanup())).toMatch(/^TIMEOUT: Timeout/);
    expect(barriers()).toBe(1);
    native.put().u8(3, 0);
    await nextTurn();
    expect(await endOf(emitter.cleanup())).toMatch(/^NO_LEADER/);
    expect(barriers()).toBe(2);
    expect(native.submitted).toEqual([]);
  });

  it('ends with the emitter while it waits for the grid', async () => {
    const bench = await createEmitter();

    bench.native.put().u8(8);
    const cleaned = endOf(bench.emitter.cleanup());
    await nextTurn();
    await nextTurn();
    bench.emitter.close();
    expect(await cleaned).toBe('CLOSED: Connection is closed');
  });

  it('with autoClean the leader does it when a peer leaves, and when it becomes the leader', async () => {
    const bench = await createEmitterAmong(['b', 'c'], { autoClean: true });
    const { emitter } = bench;

    expect(emitter.autoClean).toBe(true);
    for (const peerId of ['b', 'c']) others(bench, 'a', peerId);
    peerLeaves(bench, 'b');
    await nextTurn();
    await emitter.hasSubscribers('a');
    await nextTurn();
    expect(emitter.subscriptions.getPeerIds('a')).toEqual(new Set(['c']));

    leads(bench, 'c');
    peerLeaves(bench, 'c');
    await nextTurn();
    await emitter.hasSubscribers('a');
    await nextTurn();
    expect(emitter.subscriptions.getPeerIds('a')).toEqual(new Set(['c']));
    leads(bench, 'me');
    await nextTurn();
    await emitter.hasSubscribers('a');
    await nextTurn();
    expect(emitter.empty).toBe(true);
  });

  it('with autoClean errors are reported unless they are to be expected, and the next occasion is another try', async () => {
    const bench = await createEmitterAmong(['b', 'c', 'd', 'e'], { autoClean: true });
    const { hamok, emitter, native } = bench;
    const errors: string[] = [];

    hamok.on('error', ({ message }) => errors.push(message));
    for (const peerId of ['b', 'c', 'd', 'e']) others(bench, 'a', peerId);
    await nextTurn();
    for (const [peerId, code] of [
      ['b', 'NO_LEADER'],
      ['c', 'NO_QUORUM'],
      ['d', 'OUTCOME_UNKNOWN'],
    ] as const) {
      peerLeaves(bench, peerId);
      await nextTurn();
      native.answers = false;
      await nextTurn();
      await nextTurn();
      fails(bench, native.submitted.at(-1)!.token, code);
      await nextTurn();
      native.answers = true;
    }
    expect(errors).toEqual(['OUTCOME_UNKNOWN']);
    peerLeaves(bench, 'e');
    await nextTurn();
    await emitter.hasSubscribers('a');
    await nextTurn();
    expect(emitter.empty).toBe(true);
  });

  it('with autoClean, and for the receivers and what this peer subscribes to, nothing hangs on the connection', async () => {
    const bench = await createEmitterAmong(['b', 'c'], { autoClean: true });
    const { emitter, native } = bench;

    emitter.connection.removeAllListeners();
    await emitter.subscribe('b', none);
    for (const peerId of ['b', 'c']) others(bench, 'a', peerId);
    await nextTurn();
    emitter.notify('a', 1);
    peerLeaves(bench, 'b');
    peerJoins(bench, 'd');
    await nextTurn();
    emitter.notify('a', 1);
    await emitter.hasSubscribers('a');
    await nextTurn();
    expect(native.published.map(({ peerIds }) => peerIds)).toEqual([['b', 'c'], ['c']]);
    expect(emitter.subscriptions.getPeerIds('a')).toEqual(new Set(['c']));

    native.put().u8(8);
    dropped(bench, 'b', 'me');
    native.put().u8(7);
    await nextTurn();
    await emitter.hasSubscribers('b');
    expect(emitter.subscriptions.getPeerIds('b')).toEqual(new Set(['me']));
  });

  it('without autoClean nobody does it', async () => {
    const bench = await createEmitterAmong(['b']);

    expect(bench.emitter.autoClean).toBe(false);
    others(bench, 'a', 'b');
    peerLeaves(bench, 'b');
    await nextTurn();
    await bench.emitter.hasSubscribers('a');
    expect(bench.native.submitted).toEqual([]);
  });
});

describe('subscriptions', () => {
  it('show who subscribes to what', async () => {
    const bench = await createEmitter();
    const { subscriptions } = bench.emitter;

    others(bench, 'a', 'b', { n: 1 });
    others(bench, 'a', 'c');
    others(bench, 'b', 'b');
    await nextTurn();
    expect(subscriptions.size).toBe(2);
    expect([...subscriptions.events()]).toEqual(['a', 'b']);
    expect(subscriptions.hasEvent('a')).toBe(true);
    expect(subscriptions.hasEvent('any')).toBe(false);
    expect(subscriptions.hasPeerOnEvent('b', 'b')).toBe(true);
    expect(subscriptions.hasPeerOnEvent('b', 'c')).toBe(false);
    expect(subscriptions.getPeerIds('a')).toEqual(new Set(['b', 'c']));
    expect(subscriptions.getPeerIds('any')).toBe(undefined);
    expect(subscriptions.getAllPeerIds()).toEqual(new Set(['b', 'c']));
    expect(subscriptions.getEventPeersMap('any')).toBe(undefined);
    expect([...subscriptions.entries()]).toEqual([
      [
        'a',
        new Map([
          ['b', { n: 1 }],
          ['c', null],
        ]),
      ],
      ['b', new Map([['b', null]])],
    ]);
  });

  it('can be changed locally, with the events of that', async () => {
    const { emitter, heard, native } = await createEmitter();
    const { subscriptions } = emitter;

    expect(subscriptions.updatePeer('a', 'b', { n: 1 })).toBe(false);
    expect(subscriptions.addPeer('a', 'b')).toBe(true);
    expect(subscriptions.addPeer('a', 'b', { n: 1 })).toBe(false);
    expect(subscriptions.updatePeer('a', 'b', { n: 1 })).toBe(true);
    subscriptions.addPeer('b', 'b');
    subscriptions.addPeer('b', 'c');
    expect(subscriptions.removePeer('any', 'b')).toBe(false);
    expect(subscriptions.removePeerFromAllEvent('b')).toBe(true);
    expect(subscriptions.removePeerFromAllEvent('b')).toBe(false);
    expect(subscriptions.removePeer('b', 'c')).toBe(true);
    expect(subscriptions.size).toBe(0);
    expect(heard).toEqual([
      ['added', 'a', 'b', null],
      ['updated', 'a', 'b', { n: 1 }, null],
      ['added', 'b', 'b', null],
      ['added', 'b', 'c', null],
      ['removed', 'a', 'b', { n: 1 }],
      ['removed', 'b', 'b', null],
      ['removed', 'b', 'c', null],
    ]);
    await nextTurn();
    expect(native.submitted).toEqual([]);
  });

  it('put their changes in words for who wants to know', async () => {
    const bench = await createEmitter();
    const debug: string[] = [];

    bench.emitter.subscriptions.on('debug', (text) => debug.push(text));
    others(bench, 'a', 'b', { n: 1 });
    others(bench, 'a', 'b', { n: 2 });
    dropped(bench, 'a', 'b');
    await nextTurn();
    expect(debug).toEqual([
      'b has subscribed to a: {"n":1}',
      'b has other meta data for a: {"n":2}',
      'b no longer subscribes to a: {"n":2}',
    ]);
  });

  it('have no limit of listeners, and one that throws stops nothing', async () => {
    const bench = await createEmitter();

    expect(bench.emitter.subscriptions.getMaxListeners()).toBe(Infinity);
    bench.emitter.subscriptions.prependListener('added', () => {
      throw new Error('listener');
    });
    const uncaught = await uncaughtDuring(async () => {
      others(bench, 'a', 'b');
      await nextTurn();
    });
    expect(uncaught).toEqual(['listener']);
    expect(bench.heard).toEqual([['added', 'a', 'b', null]]);
  });

  it('an entry that is none is reported, and keeps the others from nobody', async () => {
    const bench = await createEmitter();
    const errors: unknown[] = [];

    bench.hamok.on('error', (error) => errors.push(error));
    for (const key of ['x', '{}', '["a"]', '["a",1]']) bench.native.change(HANDLE, key, 'null');
    others(bench, 'a', 'b', 1);
    others(bench, 'a', 'c');
    await nextTurn();
    expect(errors).toMatchObject(Array(5).fill({ code: 'INVALID_MESSAGE' }));
    expect(bench.emitter.subscriptions.getPeerIds('a')).toEqual(new Set(['c']));
  });

  it('events may have any name', async () => {
    const { hamok, native } = await createJoinedPeer();
    const emitter = hamok.createEmitter({ emitterId: 'emitter' });
    const names = ['__proto__', 'constructor', 'toString', '', 'hasOwnProperty', '\ud83d\ude00', 'a,b"'];
    const heard: unknown[] = [];

    for (const name of names) {
      expect(emitter.notify(name)).toBe(false);
      await emitter.subscribe(name, (...args: unknown[]) => heard.push(...args));
      expect(await emitter.publish(name, name)).toEqual(['me']);
    }
    expect(heard).toEqual(names);
    expect([...emitter.subscriptions.events()]).toEqual(names);
    expect(native.submitted).toHaveLength(names.length);
  });
});
