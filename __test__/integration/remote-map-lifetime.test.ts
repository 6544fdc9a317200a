/**
 * When a remote map is there: created before or after join, on some peers or all; closed, when it refuses by name and
 * the others go on; opened again.
 */
import { describe, expect, it } from 'vitest';
import { createGrid, elapsedMs, ending, QUICK, useGrid } from '../support/grid';
import { MemoryStore } from '../support/memory-store';
import { share } from '../support/remote-maps';

describe('creation', () => {
  it('before join: operations wait, and run once there is a leader', async () => {
    const grid = createGrid(3);
    const { store, maps } = share<number>(grid.peers);
    const sets = maps.map((map, number) => map.set(`key-${number}`, number));

    await grid.join();
    await Promise.all(sets);
    expect(store.entries.size).toBe(3);
  });

  it('after the election, on a follower first', async () => {
    const grid = createGrid(3);
    await grid.join();
    const order = [...grid.followers, grid.leader];
    const { store, of } = share<number>(order);

    expect(await of(order[0]!).set('a', 1)).toBe(undefined);
    expect(store.entries.get('a')).toBe(1);
  });

  it('a leader without the map hands over to a peer that has it', async () => {
    const grid = createGrid(3);
    await grid.join();
    const without = grid.leader;
    const { store, of } = share<number>(grid.followers);
    const writer = grid.followers[0]!;

    expect(await elapsedMs(() => of(writer).set('a', 1))).toBeLessThan(4000);
    expect(store.log.map(({ by }) => by)).not.toContain(without.localPeerId);
    expect(without.leader).toBe(false);
    expect(await of(writer).set('a', 2)).toBe(1);
  });

  it('in a grid in which no peer that may lead has the map, callers hear of it in time', async () => {
    const grid = createGrid(0, QUICK);
    grid.add({ onlyFollower: true });
    grid.add();
    grid.add();
    await grid.join();
    const { of } = share<number>([grid.peers[0]!], { requestTimeoutInMs: 1500 });

    const { error } = await ending(of(grid.peers[0]!).set('a', 1), 'the operation', 5000);
    expect(error).toBeInstanceOf(Error);
    expect(error).toHaveProperty('code');
  });

  it('an id is taken once on a peer', async () => {
    const grid = createGrid(1);
    const peer = grid.peers[0]!;
    const { maps } = share<number>([peer]);
    const { id } = maps[0]!;
    const remoteMap = new MemoryStore<number>().of('a');

    expect(() => peer.createRemoteMap({ mapId: id, remoteMap })).toThrow(`Remote map with id ${id} already exists`);
    expect(() => peer.createMap({ mapId: id })).toThrow(/remote map/i);
    expect(peer.getOrCreateRemoteMap({ mapId: id, remoteMap })).toBe(maps[0]);
  });
});

describe('close', () => {
  const grid = useGrid(3);

  it('a closed map refuses operations by name', async () => {
    const { maps } = share<number>(grid().peers);
    const map = maps[0]!;
    await map.ready;
    const pending = ending(map.set('a', 1), 'the pending operation');
    let closes = 0;
    map.on('close', () => closes++);
    map.close();
    map.close();
    const refused = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error?.message;
    const { id } = map;

    expect((await pending).error?.message).toBe('Connection is closed');
    expect(closes).toBe(1);
    expect(map.closed).toBe(true);
    expect(await refused(() => map.clear())).toBe(`Cannot clear a closed storage (${id})`);
    expect(await refused(() => map.set('a', 1))).toBe(`Cannot set an entry on a closed storage (${id})`);
    expect(await refused(() => map.setAll(new Map()))).toBe(`Cannot set entries on a closed storage (${id})`);
    expect(await refused(() => map.insertAll([]))).toBe(`Cannot insert entries on a closed storage (${id})`);
    expect(await refused(() => map.deleteAll([]))).toBe(`Cannot delete entries on a closed storage (${id})`);
    expect(await refused(() => map.removeAll([]))).toBe(`Cannot remove entries on a closed storage (${id})`);
    expect(await refused(() => map.updateIf('a', 2, 1))).toBe(`Cannot update an entry on a closed storage (${id})`);
    expect(await refused(() => map.getAll([]))).toBe(`Cannot get entries from a closed storage (${id})`);
    expect(await refused(() => map.export())).toBe(`Cannot export data on a closed storage (${id})`);
    expect(await refused(() => map.import({ mapId: id, appliedCommitIndex: 0 }))).toBe(
      `Cannot import data on a closed storage (${id})`,
    );
    expect(grid().peers[0]!.storages.has(id)).toBe(false);
    await maps[1]!.set('b', 1);
  });

  it('export tells how far the peer is', async () => {
    const { maps } = share<number>(grid().peers);
    await maps[0]!.set('a', 1);

    const snapshot = maps[0]!.export();
    expect(snapshot.mapId).toBe(maps[0]!.id);
    expect(snapshot.appliedCommitIndex).toBeGreaterThan(0);
  });

  it('a map that is closed and opened again on the leader works', async () => {
    const { store, of } = share<number>(grid().peers);
    const { leader, followers } = grid();
    const map = of(followers[0]!);
    await map.set('a', 1);
    of(leader).close();
    leader.createRemoteMap<string, number>({ mapId: map.id, remoteMap: store.of(leader.localPeerId) });

    expect(await map.set('a', 2)).toBe(1);
    expect(store.entries.get('a')).toBe(2);
  });
});
