import { Hamok, type HamokConfig, HamokMessage, setHamokLogLevel } from 'hamok';
import { HamokMessage_MessageProtocol, HamokMessage_MessageType } from 'hamok/lib/messages/HamokMessage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrid, createRandom, ending, type Grid, until, useGrid } from '../support/grid';
import { MemoryStore } from '../support/memory-store';

beforeAll(() => setHamokLogLevel('silent'));
afterAll(() => setHamokLogLevel('warn'));

let mapCount = 0;

/** The grid takes a write from each peer, and everybody sees all of them. */
async function expectWorking(grid: Grid): Promise<void> {
  const mapId = `check-${++mapCount}`;
  const maps = grid.running.map((peer) => peer.createMap<string, number>({ mapId }));

  await Promise.all(maps.map((map, number) => map.set(`key-${number}`, number)));
  await until(() => maps.every(({ size }) => size === maps.length), 'the grid works');
}

async function errorOf(method: () => unknown): Promise<Error | undefined> {
  return (await ending((async () => method())(), method.toString())).error;
}

const WRONG = [
  null,
  0,
  1,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'text',
  true,
  {},
  [],
  () => {},
  Symbol('s'),
  1n,
];

const describeValue = (value: unknown) =>
  typeof value === 'symbol' || typeof value === 'function' ? typeof value : `${typeof value} ${String(value)}`;

describe('options of Hamok', () => {
  /** For each option the values that it must refuse. */
  const refused: Record<string, unknown[]> = {
    peerId: [0, 1, '', true, {}, [], () => {}, Symbol('s'), 1n],
    electionTimeoutInMs: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '3000', true, {}, [], 1n],
    followerMaxIdleInMs: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1000', true, {}, [], 1n],
    heartbeatInMs: [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '100', true, {}, [], 1n],
    onlyFollower: [0, 1, '', 'true', {}, []],
    logEntriesExpirationTimeInMs: [-1, Number.NaN, '1', true, {}],
    ongoingRequestsSendingPeriodInMs: [0, -1, Number.NaN, '1', true, {}],
    remoteStorageStateWaitingTimeoutInMs: [-1, Number.NaN, '1', true, {}],
    minPeers: [0, -1, 1.5, Number.NaN, '2', true],
    maxCommandBytes: [0, -1, Number.NaN, '2', true],
    appData: [1, 'text', true],
    raftLogs: [1, 'text', true],
  };

  it.each(Object.keys(refused))('%s: a wrong value is refused by name', async (name) => {
    for (const value of refused[name]!) {
      const error = await errorOf(() => new Hamok({ [name]: value }));

      expect(error, `${name}: ${describeValue(value)}`).toBeInstanceOf(Error);
      expect(error!.message).toContain(name);
      expect(error!.message).toMatch(/^Config error/);
      expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
    }
  });

  it('the error for heartbeatInMs is that of old', () => {
    expect(() => new Hamok({ heartbeatInMs: 0 })).toThrow('Config error: heartbeatInMs must be greater than 0');
  });

  it('undefined stands for the default, and unknown options are ignored', () => {
    const names = Object.keys(refused);
    const hamok = new Hamok({
      ...Object.fromEntries(names.map((name) => [name, undefined])),
      other: 1,
    } as Partial<HamokConfig>);

    expect(hamok.raft.config).toMatchObject({
      electionTimeoutInMs: 3000,
      followerMaxIdleInMs: 1000,
      heartbeatInMs: 100,
    });
    expect(hamok.localPeerId).toMatch(/^[0-9a-f-]{36}$/);
    hamok.close();
  });

  it.each(
    WRONG.filter((value) => typeof value !== 'object' || value === null).filter((value) => typeof value !== 'function'),
  )('a config that is %s is refused, or taken as none', async (config) => {
    let hamok: Hamok | undefined;
    const error = await errorOf(() => {
      hamok = new Hamok(config as never);
    });

    hamok?.close();
    if (error) expect(error).toHaveProperty('code');
  });
});

describe('options and arguments of a peer that runs', () => {
  const grid = useGrid(2);
  const peer = () => grid().peers[0]!;

  it('options of collections: wrong values are refused by name, and leave nothing behind', async () => {
    const remoteMap = new MemoryStore<number>().of('a');
    const refused: Record<string, unknown[]> = {
      mapId: [undefined, null, 0, 1, '', true, {}, []],
      requestTimeoutInMs: [-1, Number.NaN, '1', true, {}],
      maxOutboundMessageKeys: [-1, 1.5, Number.NaN, '1', true],
      maxOutboundMessageValues: [-1, 1.5, Number.NaN, '1', true],
      keyCodec: [1, 'text', true, {}, { encode: 1, decode: 2 }],
      valueCodec: [1, 'text', true, {}, { encode: () => new Uint8Array(0) }],
      equalValues: [1, 'text', true, {}],
    };
    const before = peer().storages.size;
    const accepted: string[] = [];
    const attempt = async (create: () => { close(): void }, what: string, name: string) => {
      const error = await errorOf(() => create().close());

      if (!error) accepted.push(what);
      else expect([what, error.message, 'code' in error]).toEqual([what, expect.stringContaining(name), true]);
    };

    for (const [name, values] of Object.entries(refused)) {
      for (const value of values) {
        const what = `${name}: ${describeValue(value)}`;
        await attempt(() => peer().createMap({ mapId: 'refused', [name]: value } as never), `map, ${what}`, name);
        await attempt(
          () => peer().createRemoteMap({ mapId: 'refused', remoteMap, [name]: value } as never),
          `remote map, ${what}`,
          name,
        );
      }
    }
    for (const value of [undefined, null, 1, 'text', true]) {
      const what = describeValue(value);
      await attempt(() => peer().createMap(value as never), `map, config: ${what}`, '');
      await attempt(() => peer().createRemoteMap(value as never), `remote map, config: ${what}`, '');
      await attempt(
        () => peer().createRemoteMap({ mapId: 'refused', remoteMap: value } as never),
        `remoteMap: ${what}`,
        'remoteMap',
      );
      if (value === undefined || value === null) continue;
      await attempt(
        () => peer().createMap({ mapId: 'refused', baseMap: value } as never),
        `baseMap: ${what}`,
        'baseMap',
      );
    }
    for (const abandonAfterMs of [0, -1, Number.NaN, '1', true]) {
      await attempt(
        () => peer().createRemoteMap({ mapId: 'refused', remoteMap, abandonAfterMs } as never),
        `abandonAfterMs: ${describeValue(abandonAfterMs)}`,
        'abandonAfterMs',
      );
    }
    expect(accepted).toEqual([]);
    expect(peer().storages.size).toBe(before);
    peer().createMap({ mapId: 'refused' }).close();
    await expectWorking(grid());
  });

  it('arguments of methods: wrong values are refused with an Error, or ignored', async () => {
    const map = peer().createMap<unknown, unknown>({ mapId: 'arguments' });
    const remote = peer().createRemoteMap<unknown, unknown>({
      mapId: 'remote-arguments',
      remoteMap: new MemoryStore<unknown>().of('a') as never,
    });
    grid().peers[1]!.createRemoteMap<unknown, unknown>({
      mapId: 'remote-arguments',
      remoteMap: new MemoryStore<unknown>().of('b') as never,
    });
    await map.ready;
    const any = (value: unknown) => value as never;
    const mustFail: Record<string, (value: unknown) => unknown> = {
      setAll: (value) => map.setAll(any(value)),
      insertAll: (value) => map.insertAll(any(value)),
      deleteAll: (value) => map.deleteAll(any(value)),
      removeAll: (value) => map.removeAll(any(value)),
      getAll: (value) => map.getAll(any(value)),
      'remote setAll': (value) => remote.setAll(any(value)),
      'remote insertAll': (value) => remote.insertAll(any(value)),
      'remote deleteAll': (value) => remote.deleteAll(any(value)),
      'remote removeAll': (value) => remote.removeAll(any(value)),
      submit: (value) => peer().submit(any(value)),
    };
    const mustSettle: Record<string, (value: unknown) => unknown> = {
      accept: (value) => peer().accept(any(value)),
      addRemotePeerId: (value) => peer().addRemotePeerId(any(value)),
      removeRemotePeerId: (value) => peer().removeRemotePeerId(any(value)),
      waitUntilLeader: (value) => peer().waitUntilLeader(any(value)),
      join: (value) => peer().join(any(value)),
      set: (value) => map.set(value, value),
      delete: (value) => map.delete(value),
      get: (value) => map.get(value),
      updateIf: (value) => map.updateIf(value, value, value),
      'remote set': (value) => remote.set(value, value),
      'remote get': (value) => remote.get(value),
      import: (value) => map.import(any(value)),
      'remote import': (value) => remote.import(any(value)),
    };

    for (const value of [undefined, null, 1, Number.NaN, true, {}, () => {}, Symbol('s'), 1n]) {
      for (const [name, call] of Object.entries(mustFail)) {
        const error = await errorOf(() => call(value));
        expect(error, `${name}(${describeValue(value)})`).toBeInstanceOf(Error);
        expect(error!.message).not.toBe('');
      }
    }
    for (const value of [undefined, ...WRONG]) {
      for (const [name, call] of Object.entries(mustSettle)) {
        const error = await errorOf(() => call(value));
        if (error) expect(error.message, `${name}(${describeValue(value)})`).not.toBe('');
      }
    }
    expect(peer().closed).toBe(false);
    await expectWorking(grid());
  });

  it('codecs that throw, or give no bytes, fail their caller alone', async () => {
    let encode: (value: unknown) => unknown = () => {
      throw new Error('cannot encode');
    };
    const codec = { encode: (value: unknown) => encode(value) as Uint8Array, decode: (data: Uint8Array) => data };
    const map = peer().createMap<string, unknown>({ mapId: 'codecs', valueCodec: codec });

    expect((await errorOf(() => map.set('a', 1)))!.message).toContain('cannot encode');
    for (const value of [undefined, null, 'text', 5, {}]) {
      encode = () => value;
      expect(await errorOf(() => map.set('a', 1)), describeValue(value)).toBeInstanceOf(TypeError);
    }
    await expectWorking(grid());
  });

  it('a value that a peer cannot decode is an error event there, and no harm elsewhere', async () => {
    const errors: Error[] = [];
    const [a, b] = grid().peers;
    const onError = (error: Error) => errors.push(error);
    b!.on('error', onError);
    const good = a!.createMap<string, number>({ mapId: 'decoding' });
    const bad = b!.createMap<string, number>({
      mapId: 'decoding',
      valueCodec: {
        encode: (value) => Buffer.from(String(value)),
        decode: (data) => {
          const value = Number(Buffer.from(data).toString());
          if (value === 2) throw new Error('cannot decode 2');
          return value;
        },
      },
    });
    await bad.ready;

    await good.set('a', 1);
    await good.set('b', 2);
    await good.set('c', 3);
    await until(() => bad.get('c') === 3, 'the other peer goes on');
    b!.off('error', onError);
    expect(bad.get('a')).toBe(1);
    expect(errors.map(({ message }) => message).join()).toContain('cannot decode 2');
    await expectWorking(grid());
  });
});

describe('messages', () => {
  /** Real messages of a grid at work: their bytes. */
  async function recordMessages(): Promise<{ grid: Grid; messages: Uint8Array[] }> {
    const grid = createGrid(3);
    const messages: Uint8Array[] = [];
    grid.tap = (bytes) => messages.push(bytes.slice());

    await grid.join();
    const map = grid.followers[0]!.createMap<string, string>({ mapId: 'map' });
    await Promise.all(Array.from({ length: 50 }, (_, number) => map.set(`key-${number}`, 'x'.repeat(number))));
    await grid.followers[1]!.waitUntilCommitHead();
    await map.set('large', 'x'.repeat(700_000));
    grid.tap = undefined;

    return { grid, messages };
  }

  /** Hands bytes to every peer, as a transport would. */
  function deliver(grid: Grid, bytes: Uint8Array): void {
    let message: HamokMessage;

    try {
      message = HamokMessage.fromBinary(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return;
    }
    for (const peer of grid.running) peer.accept(message);
  }

  const envelope = (snapshot: Uint8Array | undefined, sourceId = 'stranger', destinationId?: string) =>
    new HamokMessage({
      protocol: HamokMessage_MessageProtocol.GRID_COMMUNICATION_PROTOCOL,
      type: HamokMessage_MessageType.HELLO_NOTIFICATION,
      sourceId,
      destinationId,
      snapshot,
    });

  it('garbage, empty and huge payloads are refused with an error event, and the grid goes on', async () => {
    const random = createRandom('bad-input.test.ts');
    const { grid } = await recordMessages();
    const state = grid.peers.map((peer) => peer.state);

    deliver(grid, envelope(undefined).toBinary());
    deliver(grid, envelope(new Uint8Array(0)).toBinary());
    deliver(grid, envelope(new Uint8Array(5_000_000).fill(255)).toBinary());
    for (let number = 0; number < 500; number++) {
      const bytes = Uint8Array.from({ length: random.int(200) }, () => random.int(256));
      // The first bytes are those of real payloads in part, so that more than the version is read.
      bytes.set([1, random.int(4), random.int(4)].slice(0, bytes.length));
      deliver(grid, envelope(bytes).toBinary());
      deliver(grid, bytes);
    }
    await until(
      () => grid.peers.every((peer) => grid.recordOf(peer).some((line) => line.startsWith('error('))),
      'all peers tell',
    );
    expect(grid.peers.map((peer) => peer.state)).toEqual(state);
    await expectWorking(grid);
  });

  it('real messages that were cut short do no harm', async () => {
    const random = createRandom('bad-input.test.ts');
    const { grid, messages } = await recordMessages();

    for (let number = 0; number < 500; number++) {
      const bytes = random.pick(messages);
      deliver(grid, bytes.subarray(0, random.int(bytes.length)));
      const whole = HamokMessage.fromBinary(bytes);
      const { snapshot } = whole;
      if (snapshot)
        deliver(grid, envelope(snapshot.subarray(0, random.int(snapshot.length)), whole.sourceId).toBinary());
    }
    await expectWorking(grid);
    await grid.settled();
  });

  it('real messages with random changes do no harm', async () => {
    const random = createRandom('bad-input.test.ts');
    const { grid, messages } = await recordMessages();
    const small = messages.filter(({ length }) => length < 5000);

    for (let number = 0; number < 1500; number++) {
      const bytes = random.pick(small).slice();
      const changes = 1 + random.int(4);
      for (let change = 0; change < changes; change++) bytes[random.int(bytes.length)] = random.int(256);
      deliver(grid, bytes);
      if (number % 100 === 0) await new Promise(setImmediate);
    }
    await grid.settled();
    await expectWorking(grid);
  });

  it('real messages that come again later, in any order, do no harm', async () => {
    const random = createRandom('bad-input.test.ts');
    const { grid, messages } = await recordMessages();
    const map = grid.leader.createMap<string, string>({ mapId: 'map' });
    await map.set('key-1', 'new');

    for (let number = 0; number < 1000; number++) deliver(grid, random.pick(messages));
    await expectWorking(grid);
    await grid.settled();
    expect(map.get('key-1')).toBe('new');
    expect(map.size).toBe(51);
  });

  it('messages of the old package are ignored', async () => {
    const grid = createGrid(2);
    await grid.join();
    const { length } = grid.recordOf(grid.leader);
    const types = Object.values(HamokMessage_MessageType).filter((type) => typeof type === 'number');

    for (const protocol of [undefined, 1, 2, 3]) {
      for (const type of [undefined, ...types]) {
        deliver(
          grid,
          new HamokMessage({
            protocol,
            type: type as HamokMessage_MessageType,
            sourceId: 'old',
            destinationId: type === HamokMessage_MessageType.HELLO_NOTIFICATION ? undefined : grid.leader.localPeerId,
            raftTerm: 99,
            raftLeaderId: 'old',
            raftCandidateId: 'old',
            raftCommitIndex: 1000,
            storageId: 'map',
            requestId: 'request',
            keys: [Uint8Array.of(1)],
            values: [Uint8Array.of(2)],
          }).toBinary(),
        );
      }
    }
    await expectWorking(grid);
    expect(grid.recordOf(grid.leader)).toHaveLength(length);
    expect(grid.leader.remotePeerIds.has('old')).toBe(false);
  });

  it('messages for another peer, its own, and any after close are ignored', async () => {
    const grid = createGrid(2);
    const own: Uint8Array[] = [];
    grid.tap = (bytes, from) => from === grid.peers[0] && own.push(bytes.slice());
    await grid.join();
    await expectWorking(grid);
    grid.tap = undefined;
    const peer = grid.peers[0]!;
    const { length } = grid.recordOf(peer);
    const garbage = Uint8Array.of(255, 255, 255);

    peer.accept(envelope(garbage, 'stranger', 'somebody else'));
    for (const bytes of own) peer.accept(HamokMessage.fromBinary(bytes));
    await expectWorking(grid);
    expect(grid.recordOf(peer), grid.report()).toHaveLength(length);
    peer.close();
    peer.accept(envelope(garbage));
  });

  it('a listener of message that throws is an error event, and the peers still form a grid', async () => {
    const grid = createGrid(2);
    let throws = 5;
    grid.peers[0]!.on('message', () => {
      if (throws-- > 0) throw new Error('the transport is down');
    });

    await grid.join();
    expect(grid.recordOf(grid.peers[0]!)).toContain('error(the transport is down)');
    await expectWorking(grid);
  });
});
