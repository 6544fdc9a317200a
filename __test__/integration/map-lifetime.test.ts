/**
 * When a map is there: created before join, late or over a baseMap; without a leader for a while; exported and
 * imported; closed, when it refuses by name and the others go on.
 */
import { MemoryBaseMap } from 'hamok/lib/collections/BaseMap';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, QUICK, until, useGrid } from '../support/grid';
import { createMaps, entries, freshMapId, listen } from '../support/maps';

const FALSY = [0, '', false, null];

describe('a map on several peers', () => {
  const grid = useGrid(3);

  it('a baseMap is the storage of the map; what it held is inserted, and existing keys win', async () => {
    const [peer, other] = grid().peers;
    const mapId = freshMapId();
    const first = other!.createMap<string, number>({ mapId });
    await first.set('both', 1);
    const baseMap = new MemoryBaseMap([
      ['both', 2],
      ['mine', 2],
    ]);

    const map = peer!.createMap({ mapId, baseMap });
    expect(map.baseMap).toBe(baseMap);
    const heard = listen(map as never);
    const heardByOther = listen(first as never);
    await map.ready;
    expect([...baseMap]).toEqual([
      ['both', 1],
      ['mine', 2],
    ]);
    expect(heard).toEqual([['insert', 'mine', 2]]);
    await until(() => first.size === 2, 'the other has both');
    expect(heardByOther).toEqual([['insert', 'mine', 2]]);
    await first.set('both', 3);
    await until(() => baseMap.get('both') === 3, 'the baseMap is written');
  });

  it('a map that is created late is filled without events', async () => {
    const [a, b, c] = grid().peers;
    const mapId = freshMapId();
    const map = a!.createMap<string, number>({ mapId });
    await map.setAll(entries(0, 100));

    for (const peer of [b!, c!]) {
      const late = peer.createMap<string, number>({ mapId });
      const heard = listen(late as never);
      await late.ready;
      expect(heard).toEqual([]);
      expect([...late]).toEqual([...map]);
    }
  });

  it('export gives text, and a map that is not connected takes it', async () => {
    const [map] = await createMaps<string, unknown>(grid().peers);
    for (const [index, value] of [...FALSY, 'ü', { deep: [1] }].entries()) await map!.set(`k${index}`, value);

    const snapshot = JSON.parse(JSON.stringify(map!.export()));
    expect(snapshot.mapId).toBe(map!.id);
    expect(snapshot.keys).toHaveLength(6);
    for (const item of [...snapshot.keys, ...snapshot.values]) expect(typeof item).toBe('string');

    const away = createGrid(1).peers[0]!;
    const copy = away.createMap<string, unknown>({ mapId: map!.id });
    const heard = listen(copy as never);
    copy.import(snapshot);
    expect([...copy]).toEqual([...map!]);
    expect(heard).toEqual([]);

    const loud = createGrid(1).peers[0]!.createMap<string, unknown>({ mapId: map!.id });
    const told = listen(loud as never);
    loud.import(snapshot, true);
    expect(told).toEqual([...map!].map(([key, value]) => ['insert', key, value]));

    expect(() => map!.import(snapshot)).toThrow('Cannot import data while connected');
    expect(() => copy.import({ ...snapshot, mapId: 'other' })).toThrow(
      `Cannot import data from a different storage: other !== ${map!.id}`,
    );
  });

  it('export keeps bytes that are no text', async () => {
    const bytes = { encode: (value: Uint8Array) => value, decode: (data: Uint8Array) => Uint8Array.from(data) };
    const [map] = await createMaps<string, Uint8Array>(grid().peers, { valueCodec: bytes });
    const value = Uint8Array.from({ length: 256 }, (_, index) => 255 - index);
    await map!.set('a', value);

    const copy = createGrid(1).peers[0]!.createMap<string, Uint8Array>({ mapId: map!.id, valueCodec: bytes });
    copy.import(JSON.parse(JSON.stringify(map!.export())));
    expect(copy.get('a')).toEqual(value);
  });

  it('a closed map refuses operations by name, and can still be read', async () => {
    const [map] = await createMaps<string, number>(grid().peers);
    await map!.set('a', 1);
    map!.close();
    const call = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error;
    const refused = async (method: () => unknown) => {
      const error = await call(method);
      expect(error).toBeInstanceOf(Error);
      return error!.message;
    };
    const { id } = map!;

    expect(map!.closed).toBe(true);
    expect(await refused(() => map!.clear())).toBe(`Cannot clear a closed storage (${id})`);
    expect(await refused(() => map!.set('a', 1))).toBe(`Cannot set an entry on a closed storage (${id})`);
    expect(await refused(() => map!.setAll(new Map()))).toBe(`Cannot set entries on a closed storage (${id})`);
    expect(await refused(() => map!.insert('a', 1))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map!.insertAll([]))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map!.delete('a'))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map!.deleteAll([]))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map!.remove('a'))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.removeAll([]))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.updateIf('a', 2, 1))).toBe(`Cannot update an entry on a closed storage (${id})`);
    expect(await refused(() => map!.removeIf('a', 1))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map!.export())).toBe(`Cannot export data on a closed storage (${id})`);
    expect(await refused(() => map!.import({ mapId: id, keys: [], values: [] }))).toBe(
      `Cannot import data on a closed storage (${id})`,
    );
    expect(map!.get('a')).toBe(1);
    expect(map!.size).toBe(1);
    map!.close();
  });

  it('close rejects what is pending, emits close once, and frees the id', async () => {
    const [map, other] = await createMaps<string, number>(grid().peers);
    const peer = grid().peers[0]!;
    let closes = 0;
    map!.on('close', () => closes++);
    expect(peer.storages.get(map!.id)).toBe(map);

    const pending = ending(map!.set('a', 1), 'the pending operation');
    map!.close();
    map!.close();
    expect((await pending).error?.message).toBe('Connection is closed');
    expect(closes).toBe(1);
    expect(map!.eventNames()).toEqual([]);
    expect(peer.storages.has(map!.id)).toBe(false);

    const again = peer.createMap<string, number>({ mapId: map!.id });
    await other!.set('b', 2);
    await again.ready;
    await until(() => again.get('b') === 2, 'the map that was opened again has the content');
  });

  it('an id is taken by one collection: a second map, or another kind, is refused', async () => {
    const [map] = await createMaps<string, number>(grid().peers);
    const peer = grid().peers[0]!;
    const { id } = map!;

    expect(() => peer.createMap({ mapId: id })).toThrow(`Map with id ${id} already exists`);
    expect(() => peer.createRemoteMap({ mapId: id, remoteMap: {} as never })).toThrow(
      /map.*remote map|remote map.*map/i,
    );
    let existed: boolean | undefined;
    expect(
      peer.getOrCreateMap({ mapId: id }, (already) => {
        existed = already;
      }),
    ).toBe(map);
    expect(existed).toBe(true);
    existed = undefined;
    peer.getOrCreateMap({ mapId: `${id}-new` }, () => {
      existed = true;
    });
    expect(existed).toBe(undefined);
    await map!.set('a', 1);
  });

  it('another kind under one id on another peer is refused with both names, and nothing else suffers', async () => {
    const [a, b, c] = grid().peers;
    const mapId = freshMapId();
    const map = a!.createMap<string, number>({ mapId });
    await map.ready;
    const store = new Map();
    const remoteMap = { get: async (key: unknown) => store.get(key), size: async () => store.size };

    const wrong = b!.createRemoteMap<string, number>({ mapId, remoteMap: remoteMap as never });
    for (const end of [await ending(wrong.set('a', 1), 'its operation'), await ending(wrong.ready, 'ready')]) {
      expect(end.error).toBeInstanceOf(Error);
      expect(end.error).toMatchObject({ code: 'KIND_MISMATCH' });
      expect(end.error!.message).toMatch(/remote map/i);
      expect(end.error!.message).toMatch(/(^|[^e]) map/i);
    }
    wrong.close();
    const right = c!.createMap<string, number>({ mapId });
    await right.set('a', 2);
    await until(() => map.get('a') === 2, 'the map works');
  });
});

describe('before and after join', () => {
  it('operations before join wait in order', async () => {
    const grid = createGrid(2);
    const map = grid.peers[0]!.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 50 });
    const results: unknown[] = [];
    const calls = [1, 2, 3].map((number) => map.set('a', number).then((old) => results.push([number, old])));
    calls.push(map.remove('a').then((removed) => results.push(['remove', removed])));
    calls.push(map.insert('a', 4).then((existing) => results.push(['insert', existing])));

    await expect(grid.peers[0]!.join({ fetchRemotePeerTimeoutInMs: 150, maxRetry: 0 })).rejects.toThrow('Timeout');
    expect(results).toEqual([]);
    await grid.join();
    await Promise.all(calls);
    expect(results).toEqual([
      [1, undefined],
      [2, 1],
      [3, 2],
      ['remove', true],
      ['insert', undefined],
    ]);
  });

  it('operations that waited for join are rejected when the peer is closed', async () => {
    const map = createGrid(1).peers[0]!;
    const waiting = ending(map.createMap<string, number>({ mapId: 'map' }).set('a', 1), 'the operation');

    map.close();
    expect((await waiting).error?.message).toBe('Connection is closed');
  });

  it('without a leader operations fail in time, by name, and the map goes on when there is one', async () => {
    const grid = createGrid(2, QUICK);
    await grid.join();
    const away = grid.followers[0]!;
    const map = away.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 300 });
    await map.set('a', 1);

    grid.cut(away);
    await until(() => away.raft.leaderId === undefined, 'the leader is missed');
    const { error } = await ending(map.set('a', 2), 'the operation', 1500);
    expect(error).toBeInstanceOf(Error);
    expect(error!.message).toMatch(/^No leader is elected within/);

    grid.heal(away);
    await grid.settled();
    await map.set('a', 3);
    expect(map.get('a')).toBe(3);
  });

  it('an operation that nobody answers times out', async () => {
    const grid = createGrid(2);
    await grid.join();
    const map = grid.followers[0]!.createMap<string, number>({ mapId: 'map', requestTimeoutInMs: 150 });
    await map.ready;

    grid.cut(grid.leader);
    const { error } = await ending(map.set('a', 2), 'the operation', 1000);
    expect(error!.message).toMatch(/^Timeout\. requestId: .+, number of received response: \d+$/);
    expect(error).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a peer that joins 20,000 entries has all of them, in order', async () => {
    const grid = createGrid(2);
    await grid.join();
    const map = grid.leader.createMap<string, number>({ mapId: 'map' });
    for (let from = 0; from < 20_000; from += 1000) await map.setAll(entries(from, 1000));

    const late = grid.add();
    const before = late.createMap<string, number>({ mapId: 'map' });
    const heard = listen(before as never);
    const writing = Promise.all([...entries(20_000, 200)].map(([key, value]) => map.set(key, value)));
    await late.join();
    await before.ready;
    expect(before.size).toBeGreaterThanOrEqual(20_000);
    await writing;
    await until(() => before.size === 20_200, 'it has what was written meanwhile');
    expect([...before]).toEqual([...map]);
    expect(heard.length).toBeLessThanOrEqual(200);

    await before.set('key-0', -1);
    await until(() => map.get('key-0') === -1, 'it can write');
  });
});
