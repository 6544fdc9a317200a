/**
 * Who subscribes to what: every method that changes or asks it, and that all peers know the same subscriptions, from
 * the creation of the emitter, before join or late, to its close; and its snapshots.
 */
import { type Hamok, HamokEmitter } from 'hamok';
import { describe, expect, it } from 'vitest';
import {
  alike,
  type Config,
  createEmitters,
  type Emitter,
  type Events,
  idOf,
  idsOf,
  listenEverywhere,
  listOf,
  type Meta,
  none,
} from '../support/emitters';
import { createGrid, ending, until, useGrid } from '../support/grid';

describe.each(['leader', 'follower'] as const)('every method and its result, on a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  /** The emitters of all, the peer's first. */
  const create = (config: Config = {}) =>
    createEmitters([peer(), ...grid().peers.filter((it) => it !== peer())], config) as Promise<
      [Emitter, Emitter, Emitter]
    >;

  it('subscribe puts the peer on the list of everybody, with its meta data', async () => {
    const emitters = await create();
    const [emitter, other] = emitters;

    await emitter.subscribe('ping', none, { n: 1 });
    expect(emitter.subscriptions.hasPeerOnEvent('ping', idOf(emitter))).toBe(true);
    await emitter.subscribe('ping', none);
    await emitter.subscribe('pong', none);
    await other.subscribe('ping', none);
    await alike(emitters, {
      ping: Object.fromEntries(
        [
          [idOf(emitter), { n: 1 }],
          [idOf(other), null],
        ].sort(),
      ),
      pong: { [idOf(emitter)]: null },
    });
    await emitter.subscribe('pong', none, { n: 2 });
    expect(listOf(emitter).pong).toEqual({ [idOf(emitter)]: { n: 2 } });
    expect(emitter.empty).toBe(false);
  });

  it('unsubscribe takes the peer off one event, with its last listener', async () => {
    const emitters = await create();
    const [emitter] = emitters;
    const other = () => {};

    await emitter.subscribe('ping', none);
    await emitter.subscribe('ping', other);
    await emitter.subscribe('pong', none);
    await emitter.unsubscribe('ping', none);
    expect(emitter.subscriptions.hasEvent('ping')).toBe(true);
    await emitter.unsubscribe('ping', other);
    await emitter.unsubscribe('ping', other);
    await alike(emitters, { pong: { [idOf(emitter)]: null } });
  });

  it('without awaiting, subscribe and unsubscribe keep their order', async () => {
    const emitters = await create();
    const [emitter] = emitters;
    const calls: Promise<unknown>[] = [];

    for (let n = 0; n < 20; n++) {
      calls.push(emitter.subscribe('ping', none, { n }), emitter.subscribe('pong', none, { n }));
      calls.push(emitter.unsubscribe('ping', none), emitter.unsubscribe('pong', none));
      if (n === 19) calls.push(emitter.subscribe('ping', none, { n }));
    }
    await Promise.all(calls);
    await alike(emitters, { ping: { [idOf(emitter)]: { n: 19 } } });
  });

  it('updateSubscriptionMetaData sets them, or only if they are what is expected', async () => {
    const emitters = await create();
    const [emitter, other] = emitters;

    await emitter.subscribe('ping', none);
    expect(await emitter.updateSubscriptionMetaData('ping', { n: 1 })).toBe(true);
    expect(await emitter.updateSubscriptionMetaData('ping', { n: 2 }, { n: 0 })).toBe(false);
    expect(await emitter.updateSubscriptionMetaData('ping', { n: 2 }, { n: 1 })).toBe(true);
    // Only one of those that expect the same comes true.
    const results = [3, 4, 5].map((n) => emitter.updateSubscriptionMetaData('ping', { n }, { n: 2 }));
    expect(await Promise.all(results)).toEqual([true, false, false]);
    await alike(emitters, { ping: { [idOf(emitter)]: { n: 3 } } });
    await expect(other.updateSubscriptionMetaData('ping', { n: 1 })).rejects.toThrow(
      'Cannot update a non-existing subscription',
    );
  });

  it('hasSubscribers knows of every subscription that was acknowledged before', async () => {
    const [emitter, other, third] = await create();

    expect(await emitter.hasSubscribers('ping')).toBe(false);
    await other.subscribe('ping', none);
    expect(await Promise.all([emitter, third].map((it) => it.hasSubscribers('ping')))).toEqual([true, true]);
    expect(await Promise.all([emitter, other].map((it) => it.hasSubscribers('ping', true)))).toEqual([false, true]);
    await other.unsubscribe('ping', none);
    expect(await emitter.hasSubscribers('ping')).toBe(false);
  });

  it('clear drops what this peer listens to', async () => {
    const emitters = await create({ maxOutboundMessageKeys: 2 });
    const [emitter, other] = emitters;
    const heard = await listenEverywhere(emitters, 'ping');

    for (const event of ['pong', 'any'] as const) await emitter.subscribe(event, none);
    await emitter.clear();
    await alike(emitters, { ping: Object.fromEntries(idsOf(emitters.slice(1)).map((id) => [id, null])) });
    expect((await other.publish('ping', 1)).sort()).toEqual(idsOf(emitters.slice(1)));
    expect(heard[0]).toEqual([]);
    await emitter.clear();
  });

  it('cleanup finds nobody when all are there', async () => {
    const emitters = await create();

    await listenEverywhere(emitters, 'ping');
    expect(await emitters[0].cleanup()).toBe(undefined);
    expect(emitters[0].subscriptions.getPeerIds('ping')?.size).toBe(3);
  });

  it('subscriptions tell every peer of every change, in the same order, before the promise', async () => {
    const emitters = await create();
    const [emitter, other] = emitters;
    const heard: unknown[][] = emitters.map(() => []);
    const [me, you] = [idOf(emitter), idOf(other)];

    emitters.forEach(({ subscriptions }, number) => {
      for (const event of ['added', 'updated', 'removed'] as const) {
        subscriptions.on(event, (...args: unknown[]) => heard[number]!.push([event, ...args]));
      }
    });
    await emitter.subscribe('ping', none, { n: 1 });
    heard[0]!.push('subscribed');
    await emitter.updateSubscriptionMetaData('ping', { n: 2 });
    await other.subscribe('pong', none);
    await emitter.unsubscribe('ping', none);
    await other.clear();
    await alike(emitters, {});
    expect(heard[0]!.splice(1, 1)).toEqual(['subscribed']);
    expect(heard).toEqual(
      Array(3).fill([
        ['added', 'ping', me, { n: 1 }],
        ['updated', 'ping', me, { n: 2 }, { n: 1 }],
        ['added', 'pong', you, null],
        ['removed', 'ping', me, { n: 2 }],
        ['removed', 'pong', you, null],
      ]),
    );
  });

  it('close takes the peer off the list of the others, and the emitter can be created again', async () => {
    const emitters = await create();
    const [emitter, other] = emitters;
    const heard = await listenEverywhere(emitters, 'ping');
    const closed: string[] = [];

    await emitter.subscribe('pong', none);
    emitter.connection.on('close', () => closed.push('close'));
    emitter.notify('ping', 9);
    emitter.close();
    emitter.close();
    expect(closed).toEqual(['close']);
    expect(peer().storages.has(emitter.id)).toBe(false);
    await alike(emitters.slice(1), { ping: Object.fromEntries(idsOf(emitters.slice(1)).map((id) => [id, null])) });
    expect((await other.publish('ping', 1)).sort()).toEqual(idsOf(emitters.slice(1)));
    expect(heard[0]).toEqual([9]);
    expect(heard[1]).toEqual([9, 1]);

    const again = peer().createEmitter<Events, Meta>({ emitterId: emitter.id });
    await again.subscribe('ping', none, { n: 2 });
    await other.hasSubscribers('ping');
    expect(other.subscriptions.getEventPeersMap('ping')?.get(idOf(again))).toEqual({ n: 2 });
  });

  it('after close every method says so', async () => {
    const [emitter] = await create();
    const pending = ending(emitter.subscribe('ping', none), 'subscribe');

    emitter.close();
    expect((await pending).error).toMatchObject({ code: 'CLOSED', message: 'Connection is closed' });
    await expect(emitter.subscribe('ping', none)).rejects.toThrow('Cannot subscribe on a closed emitter');
    await expect(emitter.unsubscribe('ping', none)).rejects.toThrow('Cannot unsubscribe on a closed emitter');
    await expect(emitter.publish('ping', 1)).rejects.toThrow('Cannot publish on a closed emitter');
    await expect(emitter.hasSubscribers('ping')).rejects.toThrow('Cannot check subscribers on a closed emitter');
    expect(() => emitter.notify('ping', 1)).toThrow('Cannot publish on a closed emitter');
    expect(() => emitter.export()).toThrow('Cannot export a closed emitter');
  });

  it('arguments of a wrong kind reject, and leave the emitter as it was', async () => {
    const [emitter] = await create();
    const code = { code: 'INVALID_ARGUMENT' };

    await expect(emitter.subscribe('ping', 7 as never)).rejects.toMatchObject(code);
    await expect(emitter.subscribe(7 as never, none)).rejects.toMatchObject(code);
    await expect(emitter.publish('any', 1n)).rejects.toMatchObject(code);
    await expect(emitter.subscribe('ping', none, { n: 1n } as never)).rejects.toMatchObject(code);
    await emitter.subscribe('ping', none);
    expect(await emitter.publish('ping', 1)).toEqual([idOf(emitter)]);
  });

  it('meta data that are too large reject, and the listener is taken off', async () => {
    const small = createGrid(2, { maxCommandBytes: 64 * 1024 });
    await small.join();
    const [emitter, other] = (await createEmitters(small.peers)) as [Emitter, Emitter];
    const metaData = { n: 1, text: 'x'.repeat(100_000) };

    await expect(emitter.subscribe('ping', none, metaData)).rejects.toMatchObject({ code: 'COMMAND_TOO_LARGE' });
    expect(await emitter.hasSubscribers('ping')).toBe(false);
    expect(await other.publish('ping', 1)).toEqual([]);
  });
});

describe('creation', () => {
  it('before join: calls wait, in their order', async () => {
    const grid = createGrid(3);
    const emitters = grid.peers.map((peer) => peer.createEmitter<Events, Meta>({ emitterId: 'early' }));
    const heard: number[] = [];
    const listener = (n: number) => heard.push(n);
    const calls = emitters.flatMap((emitter, n) => [
      emitter.subscribe('ping', listener),
      emitter.unsubscribe('ping', listener),
      emitter.subscribe('ping', listener, { n }),
      emitter.hasSubscribers('ping', true),
    ]);
    const published = emitters[0]!.publish('pong');

    expect(emitters[0]!.notify('ping', 1)).toBe(false);
    await grid.join();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([undefined, true]));
    expect(await published).toEqual([]);
    await alike(emitters, { ping: { a: { n: 0 }, b: { n: 1 }, c: { n: 2 } } });
    expect(await emitters[0]!.publish('ping', 5)).toHaveLength(3);
    expect(heard).toEqual([5, 5, 5]);
  });

  it('late: the list is there at once and silently, and the peer takes part', async () => {
    const grid = createGrid(2);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    await Promise.all(emitters.map((emitter, n) => emitter.subscribe('ping', none, { n })));

    const late = grid.add();
    await late.join();
    await grid.settled();
    const emitter = late.createEmitter<Events, Meta>({ emitterId: emitters[0]!.id });
    const heard: unknown[] = [];
    for (const event of ['added', 'updated', 'removed'] as const) {
      emitter.subscriptions.on(event, (...args: unknown[]) => heard.push([event, ...args]));
    }
    expect(await emitter.ready).toBe(emitter);
    expect(listOf(emitter)).toEqual({ ping: { a: { n: 0 }, b: { n: 1 } } });
    expect(heard).toEqual([]);
    await emitter.subscribe('ping', none);
    expect(heard).toEqual([['added', 'ping', 'c', null]]);
    await emitters[0]!.hasSubscribers('ping');
    expect((await emitters[0]!.publish('ping', 1)).sort()).toEqual(['a', 'b', 'c']);
    expect((await emitter.publish('ping', 1)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('a peer that has not created the emitter receives nothing', async () => {
    const grid = createGrid(3);
    await grid.join();
    const emitters = await createEmitters(grid.peers.slice(0, 2));

    await listenEverywhere(emitters, 'ping');
    expect((await emitters[0]!.publish('ping', 1)).sort()).toEqual(['a', 'b']);
  });

  it('another kind of collection of the same id is refused with an error that names both', async () => {
    const grid = createGrid(2);
    await grid.join();
    await grid.peers[0]!.createMap({ mapId: 'id' }).ready;
    const emitter = grid.peers[1]!.createEmitter({ emitterId: 'id' });

    const { error } = await ending(emitter.ready, 'ready');
    expect(error).toMatchObject({ code: 'KIND_MISMATCH' });
    expect(error?.message).toMatch(/map/);
    expect(error?.message).toMatch(/emitter/i);
    expect(() => grid.peers[0]!.createEmitter({ emitterId: 'id' })).toThrow(
      /Emitter with id id cannot be created: a map/,
    );
  });

  it('createEmitter refuses a second one, getOrCreateEmitter gives the first', () => {
    const [peer] = createGrid(1).peers as [Hamok];
    const emitter = peer.createEmitter<Events>({ emitterId: 'id', autoClean: true });
    const existed: boolean[] = [];

    expect(emitter).toBeInstanceOf(HamokEmitter);
    expect(emitter).toMatchObject({ id: 'id', closed: false, autoClean: true, payloadsCodec: undefined, empty: true });
    expect(emitter.connection).toMatchObject({ localPeerId: 'a', connected: false, config: { storageId: 'id' } });
    expect(() => peer.createEmitter({ emitterId: 'id' })).toThrow('Emitter with id id already exists');
    expect(peer.getOrCreateEmitter<Events>({ emitterId: 'id' }, (it) => existed.push(it))).toBe(emitter);
    peer.getOrCreateEmitter<Events>({ emitterId: 'new' }, (it) => existed.push(it));
    expect(existed).toEqual([true]);
    peer.close();
    expect(() => peer.createEmitter({ emitterId: 'late' })).toThrow('Cannot create emitter on a closed Hamok instance');
  });

  it('a commit tells of a subscription', async () => {
    const grid = createGrid(2);
    await grid.join();
    const [emitter] = (await createEmitters(grid.peers)) as [Emitter];
    const commits: unknown[] = [];

    grid.peers[1]!.on('commit', (_index, { storageId, sourceId, keys, values }) =>
      commits.push([storageId, sourceId, ...[...keys, ...values].map((bytes) => Buffer.from(bytes).toString())]),
    );
    await emitter.subscribe('ping', none, { n: 1 });
    await until(() => commits.length > 0, 'the commit');
    expect(commits).toEqual([[emitter.id, 'a', '["ping","a"]', '{"n":1}']]);
  });
});

describe('snapshots', () => {
  it('export gives the list; an import shows it until the emitter is connected', async () => {
    const grid = createGrid(2);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    await emitters[0]!.subscribe('ping', none, { n: 1 });
    await emitters[1]!.subscribe('ping', none);
    await emitters[0]!.hasSubscribers('ping');
    const snapshot = emitters[0]!.export();

    expect(snapshot).toEqual({
      emitterId: emitters[0]!.id,
      subscriptions: [
        {
          event: 'ping',
          subscribers: [
            { peerId: 'a', metaData: { n: 1 } },
            { peerId: 'b', metaData: null },
          ],
        },
      ],
    });
    expect(() => emitters[0]!.import(snapshot)).toThrow('Cannot import data while connected');

    const others = createGrid(2);
    const imported = others.peers.map((peer) => peer.createEmitter<Events, Meta>({ emitterId: snapshot.emitterId }));
    imported[0]!.import(JSON.parse(JSON.stringify(snapshot)));
    expect(imported[0]!.export()).toEqual(snapshot);
    expect(() => imported[0]!.import({ ...snapshot, emitterId: 'x' })).toThrow(
      `Cannot import data from a different emitter: x !== ${snapshot.emitterId}`,
    );
    await others.join();
    await Promise.all(imported.map(({ ready }) => ready));
    await alike(imported, {});
  });
});
