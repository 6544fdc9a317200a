/** A remote map on the fake native side: reads go to the store, mutations to the leader, who executes with its own. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryStoredRaftLogs } from '../../../facade/raft/MemoryStoredRaftLogs';
import { createMemoryStore } from '../../../facade/stores/memory';
import { Records } from './fake-native-peer';
import { closePeers, createJoinedPeer, createPeer } from './fake-peers';

afterEach(closePeers);

describe('remote maps', () => {
  const store = (content: Record<string, number>) => {
    const entries = new Map(Object.entries(content));

    return {
      size: async () => entries.size,
      keys: async () => entries.keys(),
      get: async (key: string) => entries.get(key),
      getAll: async (keys: IterableIterator<string>) =>
        new Map([...keys].filter((key) => entries.has(key)).map((key) => [key, entries.get(key) as number])),
      async *iterator() {
        yield* entries;
      },
    };
  };

  it('reads go to the store, before join too; keys can be awaited and iterated', async () => {
    const { hamok } = createPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: store({ a: 1, b: 0 }) as never });
    const collect = async <T>(items: AsyncIterable<T>) => {
      const all: T[] = [];
      for await (const item of items) all.push(item);
      return all;
    };

    expect([await map.size(), await map.isEmpty(), await map.get('b'), await map.get('x')]).toEqual([
      2,
      false,
      0,
      undefined,
    ]);
    expect(await map.getAll(['b', 'x'])).toEqual(new Map([['b', 0]]));
    expect(await map.getAll(new Set(['a']).values())).toEqual(new Map([['a', 1]]));
    expect([...(await map.keys())]).toEqual(['a', 'b']);
    expect(await collect(map.keys())).toEqual(['a', 'b']);
    expect(await collect(map.iterator())).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
    for await (const key of map.keys()) if (key === 'a') break;
    await expect(map.getAll(5 as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('what a read throws rejects it, and nothing is left unhandled', async () => {
    const { hamok } = createPeer();
    const fail = () => {
      throw new Error('store');
    };
    const map = hamok.createRemoteMap<string, number>({
      mapId: 'map',
      remoteMap: { size: fail, get: fail, keys: fail, getAll: fail, iterator: fail } as never,
    });

    map.keys();
    for (const read of [map.size(), map.isEmpty(), map.get('a'), map.getAll([]), map.keys(), map.keys().next()]) {
      await expect(read).rejects.toThrow('store');
    }
    await expect(map.iterator().next()).rejects.toThrow('store');
    map.close();
    for (const read of [map.size(), map.get('a'), map.keys(), map.iterator().next()]) {
      await expect(read).rejects.toThrow('Cannot get entries from a closed storage (map)');
    }
  });

  it('mutations go to the leader; what it reports is heard', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: {} as never });
    const heard: unknown[] = [];

    for (const event of ['insert', 'update', 'remove', 'clear', 'events-lost'] as const) {
      map.on(event, (...args: unknown[]) => heard.push([event, ...args]));
    }
    await map.ready;
    native.answers = false;
    const set = map.set('a', 1);
    const updated = map.updateIf('a', 2, 1);
    await Promise.resolve();
    expect(native.submitted).toMatchObject([
      { opcode: 6, method: 1, keys: ['"a"'], values: ['1'] },
      { opcode: 6, method: 9, keys: ['"a"'], values: ['2', '1'] },
    ]);
    const [first, second] = native.submitted.map(({ token }) => token);
    const events = new Records().u8(1).text('"a"', '1').u8(2).text('"a"', '1', '2').u8(3).text('"a"', '2').u8(4);
    native.put().u8(16).u32(1).text('7-1').within(events);
    native.put().u8(18).u32(1);
    native.put().u8(12).u32(first!).u8(1).u32(1).u32(0).u8(1).text('0');
    native.put().u8(12).u32(second!).u8(3).text('CALLBACK_FAILED', 'boom');
    expect(await set).toBe(0);
    await expect(updated).rejects.toMatchObject({ code: 'CALLBACK_FAILED', message: 'boom' });
    expect(heard).toEqual([['insert', 'a', 1], ['update', 'a', 1, 2], ['remove', 'a', 2], ['clear'], ['events-lost']]);
  });

  it('a repetition on a store that is not exact changes something, and is heard', async () => {
    const { hamok, native } = await createJoinedPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: {} as never });
    const heard: unknown[] = [];

    map.on('update', (...args) => heard.push(args));
    await map.ready;
    for (const old of ['1', '3']) {
      native
        .put()
        .u8(16)
        .u32(1)
        .text('7-1')
        .within(new Records().u8(2).text('"a"', old, '2'));
    }
    await vi.waitFor(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual([
      ['a', 1, 2],
      ['a', 3, 2],
    ]);
  });

  it('sync is asked for after what was called before it', async () => {
    const { hamok, native } = createPeer();
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: {} as never });
    const ends = [map.set('a', 1), map.sync()];

    hamok.join();
    native.join();
    await Promise.all(ends);
    expect([native.submits, native.calls.at(-1)]).toEqual([1, 'barrier(1)']);
    map.close();
    await expect(map.sync()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('the leader executes with the store that it was given', async () => {
    const { hamok, native } = await createJoinedPeer();
    const set = vi.fn(async (_key, _value, callback) => callback(5));
    const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap: { set } as never });

    await map.ready;
    native.put().u8(14).u32(1).f64(3).f64(2).f64(0).f64(9).text('7-1').u8(1).u32(0).u8(1).list(['"a"']).list(['1']);
    await vi.waitFor(() => expect(native.replies).toHaveLength(1));
    expect(set).toHaveBeenCalledWith(
      'a',
      1,
      expect.any(Function),
      expect.objectContaining({ epoch: 2, term: 3, index: 9, operationId: '7-1', attempt: 1 }),
    );
    expect(map.export()).toEqual({ mapId: 'map', appliedCommitIndex: -1 });
    expect(map.connection.highestSeenCommitIndex).toBe(9);
  });

  describe('what an exact store has done', () => {
    async function createLeader(config: Parameters<typeof createJoinedPeer>[0] = {}) {
      const { hamok, native } = await createJoinedPeer(config);
      const remoteMap = createMemoryStore<string, number>();
      const map = hamok.createRemoteMap<string, number>({ mapId: 'map', remoteMap });
      const heard: unknown[] = [];
      const record = (kind: number) => native.put().u8(kind).u32(1);
      let position = 0;

      map.on('insert', (key) => heard.push(key));
      await map.ready;
      native.answers = false;

      return {
        hamok,
        native,
        map,
        heard,
        /** The leader is to insert a key, which is not there unless it was asked to before. */
        execute: (id: string, key: string, token = 0) =>
          record(14)
            .f64(3)
            .f64(2)
            .f64(position)
            .f64(++position)
            .text(id)
            .u8(1)
            .u32(token)
            .u8(1)
            .list([key])
            .list(['1']),
        /** What it has inserted is committed. */
        mark: (id: string, key: string) => record(16).text(id).within(new Records().u8(1).text(key, '1')),
      };
    }

    it('is heard and answered at once', async () => {
      const { native, map, heard, execute } = await createLeader();
      const set = map.set('a', 1).then((old) => heard.push(old));

      await Promise.resolve();
      execute('7-1', '"a"', native.submitted[0]!.token);
      await set;
      expect(heard).toEqual(['a', undefined]);
      expect(native.replies).toHaveLength(1);
    });

    it('is heard once, whether its mark comes before or after, and however often it is executed', async () => {
      const { native, heard, execute, mark } = await createLeader();

      execute('7-1', '"a"');
      await vi.waitFor(() => expect(native.replies).toHaveLength(1));
      mark('7-1', '"a"');
      mark('7-2', '"b"');
      execute('7-2', '"b"');
      execute('7-1', '"a"');
      execute('7-3', '"c"');
      await vi.waitFor(() => expect(heard).toContain('c'));
      expect(heard).toEqual(['a', 'b', 'c']);
    });

    it('is answered after `commit` if somebody listens to that', async () => {
      const { hamok, native, map, heard, execute } = await createLeader();

      hamok.on('commit', () => heard.push('commit'));
      const set = map.set('a', 1).then((old) => heard.push(old));

      await Promise.resolve();
      const { token } = native.submitted[0]!;
      execute('7-1', '"a"', token);
      await vi.waitFor(() => expect(native.replies).toHaveLength(1));
      expect(heard).toEqual(['a']);
      heard.push('completed');
      native.put().u8(12).u32(token).u8(0);
      await set;
      expect(heard).toEqual(['a', 'completed', undefined]);
    });

    it('is answered after `committed` of the logs, too', async () => {
      const raftLogs = new MemoryStoredRaftLogs({ expirationTimeInMs: 0, memorySizeHighWaterMark: 0 });
      const { native, map, execute } = await createLeader({ raftLogs });
      let settled = false;

      raftLogs.on('committed', () => {});
      const set = map.set('a', 1).finally(() => {
        settled = true;
      });

      await Promise.resolve();
      const { token } = native.submitted[0]!;
      execute('7-1', '"a"', token);
      await vi.waitFor(() => expect(native.replies).toHaveLength(1));
      await new Promise((resolve) => setImmediate(resolve));
      expect(settled).toBe(false);
      native.put().u8(12).u32(token).u8(0);
      await set;
    });

    it('is not heard when the map was closed meanwhile', async () => {
      const { native, map, heard, execute } = await createLeader();

      execute('7-1', '"a"');
      map.close();
      execute('7-2', '"b"');
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual([]);
      expect(native.replies).toEqual([]);
    });
  });
});
