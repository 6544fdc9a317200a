import { type Hamok, HamokEmitter, type HamokEmitterBuilderConfig } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, elapsedMs, ending, type Grid, QUICK, until, useGrid } from '../support/grid';

interface Events {
  ping: [n: number, text?: string];
  pong: [];
  any: unknown[];
}

type Meta = { n: number };
type Emitter = HamokEmitter<Events, Meta>;
type Config = Partial<HamokEmitterBuilderConfig<Events>>;

let emitterCount = 0;

/** An emitter of a fresh id on each of these peers, ready. */
async function createEmitters(peers: readonly Hamok[], config: Config = {}): Promise<Emitter[]> {
  const emitterId = `emitter-${++emitterCount}`;
  const emitters = peers.map((peer) => peer.createEmitter<Events, Meta>({ emitterId, ...config }));

  await Promise.all(emitters.map(({ ready }) => ready));

  return emitters;
}

/** Who subscribes to what, as an emitter's peer knows it, in the order of the names. */
function listOf(emitter: Emitter): Record<string, Record<string, Meta | null>> {
  const byName = <T>([a]: [string, T], [b]: [string, T]) => (a < b ? -1 : 1);
  const lists = [...emitter.subscriptions.entries()].map(
    ([event, subscribers]): [string, Record<string, Meta | null>] => [
      event,
      Object.fromEntries([...subscribers].sort(byName)),
    ],
  );

  return Object.fromEntries(lists.sort(byName));
}

/** Waits until all know of the same subscriptions, which these are. */
async function alike(emitters: readonly Emitter[], list: ReturnType<typeof listOf>): Promise<void> {
  const lists = () => emitters.map((emitter) => JSON.stringify(listOf(emitter)));

  await until(
    () => lists().every((it) => it === JSON.stringify(list)),
    () => `all peers know of ${JSON.stringify(list)}:\n${lists().join('\n')}`,
  );
}

/** What the listeners of an event, one on each of these peers, hear from now on. */
async function listenEverywhere(emitters: readonly Emitter[], event: keyof Events): Promise<unknown[][]> {
  const heard: unknown[][] = emitters.map(() => []);

  await Promise.all(
    emitters.map((emitter, number) => emitter.subscribe(event, (...args: unknown[]) => heard[number]!.push(...args))),
  );
  await Promise.all(emitters.map((emitter) => emitter.hasSubscribers(event)));

  return heard;
}

const none = () => {};
const idOf = (emitter: Emitter) => emitter.connection.localPeerId;
const idsOf = (emitters: readonly Emitter[]) => emitters.map(idOf).sort();

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

  it('publish reaches every subscriber and names them, this peer last', async () => {
    const emitters = await create();
    const [emitter, other] = emitters;
    const heard = await listenEverywhere(emitters, 'ping');

    const received = await emitter.publish('ping', 7, 'ä');
    expect(heard).toEqual(Array(3).fill([7, 'ä']));
    expect(received).toHaveLength(3);
    expect(received.at(-1)).toBe(idOf(emitter));
    expect([...received].sort()).toEqual(idsOf(emitters));

    await emitter.clear();
    expect((await emitter.publish('ping', 8)).sort()).toEqual(idsOf(emitters.slice(1)));
    expect(await emitter.publish('pong')).toEqual([]);
    await other.subscribe('pong', none);
    await emitter.hasSubscribers('pong');
    expect(await emitter.publish('pong')).toEqual([idOf(other)]);
  });

  it('notify reaches every subscriber', async () => {
    const emitters = await create();
    const [emitter] = emitters;

    expect(emitter.notify('ping', 1)).toBe(false);
    const heard = await listenEverywhere(emitters, 'ping');
    expect(emitter.notify('ping', 1)).toBe(true);
    expect(emitter.notify('ping', 2)).toBe(true);
    expect(heard[0]).toEqual([1, 2]);
    await until(() => heard.every(({ length }) => length === 2), 'everybody has heard both');
    expect(heard).toEqual(Array(3).fill([1, 2]));
  });

  it('arguments arrive as they were, and undefined as undefined', async () => {
    const emitters = await create();
    const heard = await listenEverywhere(emitters, 'any');
    const args = [undefined, 0, '', false, null, { a: [1, { b: 'ä\u2028\ud83d\ude00' }] }, [], undefined];

    await emitters[0].publish('any', ...args);
    expect(heard).toEqual(Array(3).fill(args));
  });

  it('a large event arrives whole', async () => {
    const emitters = await create();
    const heard = await listenEverywhere(emitters, 'any');
    const text = 'x'.repeat(3_000_000);

    expect(await emitters[0].publish('any', text)).toHaveLength(3);
    for (const [it] of heard) expect(it === text).toBe(true);
  });

  it('payloadsCodec encodes the events that it names', async () => {
    const codec = {
      encode: (n: unknown, text: unknown) => `${n}|${text}`,
      decode: (data: string) => ['decoded', ...data.split('|')],
    };
    const payloadsCodec = new Map([['any' as const, codec]]);
    const emitters = await create({ payloadsCodec });
    const heard = await listenEverywhere(emitters, 'any');
    const pings = await listenEverywhere(emitters, 'ping');

    await emitters[0].publish('any', 1, 'x');
    await emitters[0].publish('ping', 1, 'x');
    expect(heard).toEqual([[1, 'x'], ...Array(2).fill(['decoded', '1', 'x'])]);
    expect(pings).toEqual(Array(3).fill([1, 'x']));
    expect(emitters[0].payloadsCodec).toBe(payloadsCodec);
  });

  it('a payload that cannot be decoded is reported where it came, and counts as not received', async () => {
    const decode = (): never => {
      throw new Error('cannot decode');
    };
    const emitters = await create({ payloadsCodec: new Map([['any' as const, { encode: String, decode }]]) });
    await listenEverywhere(emitters, 'any');
    grid().clearRecords();

    expect(await emitters[0].publish('any', 1)).toEqual([idOf(emitters[0])]);
    for (const other of grid().peers.filter((it) => it !== peer())) {
      expect(grid().recordOf(other)).toEqual(['error(cannot decode (decoding any))']);
    }
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

  it('stats count events with subscribers, what came from others, and calls that went to others', async () => {
    const [emitter, other] = await create();

    await Promise.all([
      emitter.subscribe('ping', none),
      emitter.subscribe('pong', none),
      other.subscribe('ping', none),
    ]);
    await Promise.all([emitter.hasSubscribers('ping'), other.hasSubscribers('ping')]);
    emitter.notify('pong');
    emitter.notify('ping', 1);
    await emitter.publish('ping', 2);
    await other.publish('ping', 3);
    expect(emitter.stats).toEqual({
      numberOfSubscriptions: 2,
      numberOfReceivedEventInvocations: 1,
      numberOfSentEventInvocations: 2,
    });
    expect(other.stats).toEqual({
      numberOfSubscriptions: 2,
      numberOfReceivedEventInvocations: 2,
      numberOfSentEventInvocations: 1,
    });
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

  it('a listener that throws on another peer stops nothing, and that peer counts', async () => {
    const emitters = await create();
    const heard = await listenEverywhere(emitters, 'ping');
    const uncaught: string[] = [];
    const before = process.listeners('uncaughtException');

    await emitters[1].unsubscribe('ping', none);
    await emitters[1].subscribe('pong', () => {
      throw new Error('listener');
    });
    await emitters[1].subscribe('pong', () => heard[1]!.push('second'));
    await emitters[0].hasSubscribers('pong');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    try {
      expect(await emitters[0].publish('pong')).toEqual([idOf(emitters[1])]);
      await until(() => uncaught.length > 0, 'the error comes up');
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of before) process.on('uncaughtException', listener);
    }
    expect(uncaught).toEqual(['listener']);
    expect(heard[1]).toEqual(['second']);
  });

  it('request and response go over one emitter', async () => {
    const emitters = await createEmitters([peer(), ...grid().peers.filter((it) => it !== peer())]);
    const [emitter, other] = emitters as [Emitter, Emitter];
    const answers = new Map<number, (answer: unknown) => void>();

    await other.subscribe('ping', (n) => void other.publish('any', n, n * 2));
    await emitter.subscribe('any', (n, answer) => answers.get(n as number)?.(answer));
    await Promise.all(emitters.map((it) => it.hasSubscribers('ping')));
    const asked = Array.from({ length: 50 }, (_, n) => {
      const answer = new Promise((resolve) => answers.set(n, resolve));

      return emitter.publish('ping', n).then(() => answer);
    });
    expect(await Promise.all(asked)).toEqual(asked.map((_, n) => n * 2));
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

describe('peers that go and come', () => {
  /** A grid whose peers all listen, and what they hear. */
  async function listening(config: Config = {}): Promise<{ grid: Grid; emitters: Emitter[]; heard: unknown[][] }> {
    const grid = createGrid(3, QUICK);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000, ...config });
    const heard = await listenEverywhere(emitters, 'ping');

    return { grid, emitters, heard };
  }

  const followerOf = (grid: Grid) => grid.peers.indexOf(grid.followers[0]!);
  const leaderOf = (grid: Grid) => grid.peers.indexOf(grid.leader);

  it.each([
    ['is closed', (peer: Hamok) => peer.close()],
    ['leaves', (peer: Hamok) => void peer.leave()],
  ])('publish does not wait for a subscriber that %s', async (_name, go) => {
    const { grid, emitters, heard } = await listening();
    const gone = followerOf(grid);
    const publisher = emitters[leaderOf(grid)]!;
    let received: string[] = [];

    grid.link.delayMs = 20;
    const tookMs = await elapsedMs(async () => {
      const published = publisher.publish('ping', 1);
      go(grid.peers[gone]!);
      received = await published;
    });
    const stay = idsOf(emitters.filter((_, number) => number !== gone));
    expect(received).toEqual(expect.arrayContaining(stay));
    // One that leaves may have heard it before, and may have said so in time.
    const called = idsOf(emitters.filter((_, number) => heard[number]!.length > 0));
    expect(called).toEqual(expect.arrayContaining(received));
    expect(tookMs).toBeLessThan(2000);
    expect((await publisher.publish('ping', 2)).sort()).toEqual(stay);
  });

  it('publish does not wait for a subscriber that is cut off, once the grid has dropped it', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    const published = stay.map((emitter) => emitter.publish('ping', 1));
    for (const received of await Promise.all(published)) expect(received.sort()).toEqual(idsOf(stay));
  });

  it('publish of a peer that is cut off itself rejects in time, and works again when it is back', async () => {
    const { grid, emitters, heard } = await listening({ requestTimeoutInMs: 1000 });
    const gone = followerOf(grid);

    grid.cut(grid.peers[gone]!);
    // It may or may not have noticed by then.
    await expect(emitters[gone]!.publish('ping', 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^(TIMEOUT|NO_LEADER)$/),
    });
    expect(heard.map(({ length }) => length)).toEqual(emitters.map((_, number) => (number === gone ? 1 : 0)));
    grid.heal(grid.peers[gone]!);
    await grid.settled();
    await until(() => emitters[gone]!.connection.connected, 'it is back');
    expect((await emitters[gone]!.publish('ping', 2)).sort()).toEqual(idsOf(emitters));
  });

  it('publish goes on when the leader is gone', async () => {
    const { grid, emitters } = await listening();
    const gone = leaderOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    const [received] = await Promise.all([stay[0]!.publish('ping', 1), grid.settled()]);
    expect(received!.sort()).toEqual(idsOf(stay));
  });

  it('times out when a subscriber of the grid does not answer in time', async () => {
    const grid = createGrid(2);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 100 });
    await listenEverywhere(emitters, 'ping');
    grid.link.delayMs = 300;

    await expect(emitters[0]!.publish('ping', 1)).rejects.toThrow(/^Timeout/);
  });

  it('subscriptions stay when a peer leaves, and cleanup names those that it drops', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    await grid.peers[gone]!.leave();
    await until(() => grid.running.every(({ remotePeerIds }) => remotePeerIds.size === 1), 'the others know');
    expect(stay[0]!.subscriptions.getPeerIds('ping')?.size).toBe(3);
    expect(await stay[0]!.cleanup()).toEqual(new Set([idOf(emitters[gone]!)]));
    expect(await stay[1]!.cleanup()).toBe(undefined);
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  it('a peer that leaves and joins again subscribes to what it subscribed to, cleaned up or not', async () => {
    const { grid, emitters, heard } = await listening();
    const gone = followerOf(grid);
    const emitter = emitters[gone]!;
    const id = idOf(emitter);
    const all = Object.fromEntries(idsOf(emitters).map((it) => [it, it === id ? { n: 7 } : null]));

    await emitter.updateSubscriptionMetaData('ping', { n: 7 });
    for (const clean of [false, true]) {
      await grid.peers[gone]!.leave();
      await until(() => grid.running.every(({ remotePeerIds }) => remotePeerIds.size === 1), 'the others know');
      const cleaned = clean ? new Set([id]) : undefined;
      const cleaner = emitters[leaderOf(grid)]!;
      expect(clean ? await cleaner.cleanup() : undefined).toEqual(cleaned);
      await grid.peers[gone]!.join();
      await alike(emitters, { ping: all });
    }
    await grid.settled();
    expect((await emitters[leaderOf(grid)]!.publish('ping', 1)).sort()).toEqual(idsOf(emitters));
    expect(heard[gone]).toEqual([1]);
  });

  it('a peer that was cut off and cleaned up is on the list again when it is back', async () => {
    const { grid, emitters } = await listening({ autoClean: true });
    const gone = followerOf(grid);
    const stay = emitters.filter((_, number) => number !== gone);

    grid.cut(grid.peers[gone]!);
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
    grid.heal(grid.peers[gone]!);
    await alike(emitters, { ping: Object.fromEntries(idsOf(emitters).map((id) => [id, null])) });
  });

  it.each([
    ['a follower', (grid: Grid) => grid.followers[0]!],
    ['the leader', (grid: Grid) => grid.leader],
  ])('with autoClean nothing is left of %s that is closed', async (_name, pick) => {
    const { grid, emitters } = await listening({ autoClean: true });
    const gone = grid.peers.indexOf(pick(grid));
    const stay = emitters.filter((_, number) => number !== gone);

    grid.peers[gone]!.close();
    await alike(stay, { ping: Object.fromEntries(idsOf(stay).map((id) => [id, null])) });
  });

  it('a new process of the same peer id takes over what it subscribes to, and drops the rest', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const id = idOf(emitters[gone]!);
    const stay = emitters.filter((_, number) => number !== gone);

    await emitters[gone]!.subscribe('pong', none, { n: 1 });
    grid.peers[gone]!.close();
    const again = grid.add({ peerId: id });
    const emitter = again.createEmitter<Events, Meta>({ emitterId: emitters[0]!.id });
    const subscribed = emitter.subscribe('pong', none, { n: 2 });
    await again.join();
    await subscribed;
    await alike([emitter, ...stay], {
      ping: Object.fromEntries(idsOf(stay).map((it) => [it, null])),
      pong: { [id]: { n: 2 } },
    });
  });

  it('before a rejoin, calls wait for it', async () => {
    const { grid, emitters } = await listening();
    const gone = followerOf(grid);
    const emitter = emitters[gone]!;

    await grid.peers[gone]!.leave();
    const subscribed = emitter.subscribe('pong', none);
    const asked = emitter.hasSubscribers('pong', true);
    await grid.peers[gone]!.join();
    await subscribed;
    expect(await asked).toBe(true);
  });
});

describe('a transport that loses, repeats and reorders messages', () => {
  const random = createRandom('emitter.test.ts');
  const lossy = { jitterMs: 15, loss: 0.05, duplication: 0.1 };

  it('publish reaches every subscriber exactly once', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000 });
    const heard = await listenEverywhere(emitters, 'ping');
    Object.assign(grid.link, lossy);

    const numbers = Array.from({ length: 300 }, (_, n) => n);
    const published = numbers.map((n) => emitters[n % 3]!.publish('ping', n));
    for (const received of await Promise.all(published)) expect(received.sort()).toEqual(['a', 'b', 'c']);
    for (const list of heard) {
      expect((list as number[]).filter((it) => it !== undefined).sort((a, b) => a - b)).toEqual(numbers);
    }
  });

  it('notify reaches every subscriber at most once', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers);
    const heard = await listenEverywhere(emitters, 'ping');
    Object.assign(grid.link, { jitterMs: 15, duplication: 0.5 });

    for (let n = 0; n < 300; n++) emitters[n % 3]!.notify('ping', n);
    await until(() => heard.every(({ length }) => length >= 300), 'everybody has heard everything');
    // What is sent twice arrives before this is answered, or was known to be a double.
    await Promise.all(emitters.map((emitter) => emitter.publish('ping', 300)));
    for (const list of heard) expect(new Set(list).size).toBe(301);
    for (const list of heard) expect(list).toHaveLength(303);
  });

  it('subscriptions settle', async () => {
    const grid = createGrid(3, {}, random.next);
    await grid.join();
    const emitters = await createEmitters(grid.peers, { requestTimeoutInMs: 15_000 });
    Object.assign(grid.link, lossy);

    for (let n = 0; n < 3; n++) {
      await Promise.all(emitters.map((emitter) => emitter.subscribe('ping', none, { n })));
      if (n < 2) await Promise.all(emitters.map((emitter) => emitter.unsubscribe('ping', none)));
    }
    await alike(emitters, { ping: { a: { n: 2 }, b: { n: 2 }, c: { n: 2 } } });
  });
});
