import { beforeAll, describe, expect, it } from 'vitest';
import { createGrid, elapsedMs, ending, QUICK, until } from '../support/grid';
import { compileFacade, LifetimeProcess } from '../support/peer-process';

describe('a lone peer', () => {
  it('join rejects once its retries are used up, and the peer goes on looking for a grid', async () => {
    const grid = createGrid(1);
    const alone = grid.peers[0]!;
    const joining = alone.join({ fetchRemotePeerTimeoutInMs: 100, maxRetry: 2 });

    const tookMs = await elapsedMs(() => expect(joining).rejects.toThrow('Timeout waiting for leader'));

    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(1000);
    expect(alone.run).toBe(true);
    expect(alone.state).toBe('follower');
    expect(grid.recordOf(alone)).toEqual(['state-changed(follower,empty)', 'follower']);

    await grid.add().join();
    await alone.ready;
    await grid.settled();
    expect(grid.recordOf(alone)).toContain('joined');
  });

  it('without retries join rejects after one waiting time', async () => {
    const alone = createGrid(1).peers[0]!;
    const joining = alone.join({ fetchRemotePeerTimeoutInMs: 500, maxRetry: 0 });

    const tookMs = await elapsedMs(() => expect(joining).rejects.toThrow('Timeout waiting for leader'));

    expect(tookMs).toBeGreaterThanOrEqual(495);
    expect(tookMs).toBeLessThan(950);
  });

  it('with maxRetry -1 join waits until another peer comes', async () => {
    const grid = createGrid(1);
    let settled = false;
    const joining = grid.peers[0]!.join({ fetchRemotePeerTimeoutInMs: 20, maxRetry: -1 }).finally(() => {
      settled = true;
    });

    await expect(grid.add().join({ fetchRemotePeerTimeoutInMs: 20, maxRetry: 0 })).rejects.toThrow('Timeout');
    expect(settled).toBe(false);
    await joining;
    await grid.settled();
  });

  it('a rejected join can be repeated', async () => {
    const grid = createGrid(1);
    const alone = grid.peers[0]!;

    await expect(alone.join({ fetchRemotePeerTimeoutInMs: 50, maxRetry: 0 })).rejects.toBeInstanceOf(Error);
    const again = alone.join();
    await grid.add().join();
    await again;
    await grid.settled();
  });

  it('is a grid by itself when minPeers is 1', async () => {
    const grid = createGrid(1, { minPeers: 1 });
    const map = grid.peers[0]!.createMap<string, number>({ mapId: 'map' });

    await grid.join();
    await map.set('key', 1);
    expect(grid.peers[0]!.leader).toBe(true);
    expect(map.get('key')).toBe(1);
  });

  it('leave aborts a join, which says so', async () => {
    const alone = createGrid(1).peers[0]!;
    const joining = ending(alone.join(), 'join');

    await alone.leave();
    expect((await joining).error?.message).toBe('Joining process is aborted or the hamok is closed');
    expect(alone.run).toBe(false);
    expect(alone.state).toBe('empty');
  });

  it('leave aborts a join that waits for the end of leaving', async () => {
    const alone = createGrid(1, { minPeers: 1 }).peers[0]!;

    await alone.join();
    const first = alone.leave();
    const joining = ending(alone.join(), 'join');
    await Promise.all([first, alone.leave()]);
    expect((await joining).error).toMatchObject({ code: 'CLOSED' });
    expect(alone.run).toBe(false);
    await alone.join();
    expect(alone.leader).toBe(true);
  });

  it('leave of a listener of the first event ends what has hardly begun', async () => {
    const grid = createGrid(1, { minPeers: 1 });
    const alone = grid.peers[0]!;
    let leaving: Promise<unknown> | undefined;

    alone.once('follower', () => {
      leaving = ending(alone.leave(), 'leave');
    });
    expect((await ending(alone.join(), 'join')).error).toMatchObject({ code: 'CLOSED' });
    await leaving;
    expect(alone.run).toBe(false);
    expect(alone.state).toBe('empty');
    await alone.join();
    expect(alone.leader).toBe(true);
  });

  it('close aborts a join, which says so', async () => {
    const alone = createGrid(1).peers[0]!;
    const joining = ending(alone.join(), 'join');

    alone.close();
    expect((await joining).error?.message).toBe('Joining process is aborted or the hamok is closed');
  });

  it('knows of no leader within the time that waitUntilLeader was given', async () => {
    const alone = createGrid(1).peers[0]!;

    alone.join().catch(() => {});
    const { error } = await ending(alone.waitUntilLeader(100), 'waitUntilLeader');
    expect(error).toBeInstanceOf(Error);
  });
});

describe('peers that join', () => {
  it.each([2, 3, 5])('%i peers that join at once form one grid with one leader', async (count) => {
    const grid = createGrid(count);

    await grid.join();
    expect(grid.peers.filter((peer) => peer.leader)).toHaveLength(1);
    for (const peer of grid.peers) {
      expect(peer.state).toBe(peer.leader ? 'leader' : 'follower');
      expect([...peer.remotePeerIds].sort()).toEqual(
        grid.peers.map(({ localPeerId }) => localPeerId).filter((id) => id !== peer.localPeerId),
      );
      expect(peer.grid.leaderId).toBe(grid.leader.localPeerId);
      expect(await peer.ready).toBe(peer);
      await peer.waitUntilLeader();
    }
  });

  it('the order of the joins does not matter', async () => {
    const grid = createGrid(5);
    const [a, b, c, d, e] = grid.peers;

    await Promise.all([e!.join(), d!.join()]);
    await Promise.all([c!.join(), a!.join()]);
    await b!.join();
    await grid.settled();
  });

  it('three peers that join a few heartbeats apart form one grid', async () => {
    const grid = createGrid(3);
    const joins: Promise<void>[] = [];

    for (const peer of [...grid.peers].reverse()) {
      let beats = 0;
      peer.on('heartbeat', () => beats++);
      joins.push(peer.join());
      await until(() => beats > 3, 'it has been running for a while');
    }
    await Promise.all(joins);
    await grid.settled();
  });

  it('three peers join in less than a second', async () => {
    const grid = createGrid(3);

    expect(await elapsedMs(() => Promise.all(grid.peers.map((peer) => peer.join())))).toBeLessThan(1000);
    await grid.settled();
  });

  it('a call while joining gives the same promise; later calls resolve at once', async () => {
    const grid = createGrid(2);
    const [a, b] = grid.peers;
    const joining = a!.join();

    expect(a!.join()).toBe(joining);
    await Promise.all([joining, b!.join()]);
    await a!.join();
    await grid.settled();
  });

  it('a transport on which every peer hears everything, itself too, is enough', async () => {
    const grid = createGrid(3);
    grid.link.channel = true;

    await grid.join();
    const map = grid.followers[0]!.createMap<string, number>({ mapId: 'map' });
    expect(await map.set('key', 1)).toBe(undefined);
    expect(await map.set('key', 2)).toBe(1);
  });

  it('a transport with a round trip of 150 ms is fast enough for the defaults', async () => {
    const grid = createGrid(3);
    grid.link.delayMs = 75;
    const maps = grid.peers.map((peer) => peer.createMap<string, number>({ mapId: 'map' }));

    await grid.join();
    const leaderId = grid.leader.localPeerId;
    for (let number = 0; number < 10; number++) await maps[number % 3]!.set(`key-${number}`, number);
    await until(() => maps.every(({ size }) => size === 10), 'all peers have all entries');
    expect(grid.leader.localPeerId).toBe(leaderId);
    for (const peer of grid.peers) expect(grid.recordOf(peer)).not.toContain('rejoining');
  });

  it('an onlyFollower peer is a member that never leads', async () => {
    const grid = createGrid(0, QUICK);
    grid.add({ onlyFollower: true });
    grid.add();
    grid.add();

    await grid.join();
    grid.leader.close();
    await grid.settled();
    expect(grid.peers[0]!.leader).toBe(false);
    expect(grid.recordOf(grid.peers[0]!)).not.toContain('candidate');
  });

  it('a third peer that joins later becomes a member, and has what it missed', async () => {
    const grid = createGrid(2);
    const [a] = grid.peers;
    const map = a!.createMap<string, number>({ mapId: 'map' });

    await grid.join();
    await map.set('early', 1);

    const late = grid.add();
    const lateMap = late.createMap<string, number>({ mapId: 'map' });
    await late.join();
    await grid.settled();
    await lateMap.ready;
    expect(lateMap.get('early')).toBe(1);
    await lateMap.set('late', 2);
    await until(() => map.get('late') === 2, 'the old peers have it');
  });

  it('a newcomer with the peer id of one that was killed takes its place', async () => {
    const grid = createGrid(3, QUICK);
    const map = grid.peers[0]!.createMap<string, number>({ mapId: 'map' });

    await grid.join();
    await map.set('key', 1);
    const killed = grid.followers.find((peer) => peer !== grid.peers[0])!;
    grid.cut(killed);

    const again = grid.add({ peerId: killed.localPeerId });
    const its = again.createMap<string, number>({ mapId: 'map' });
    await again.join();
    await grid.settled();
    await its.ready;
    expect(its.get('key')).toBe(1);
    await its.set('key', 2);
    await until(() => map.get('key') === 2, 'the others have it');
  });
});

describe('peers that leave', () => {
  it('a follower that left comes back with everything that it missed', async () => {
    const grid = createGrid(3, QUICK);
    const maps = new Map(grid.peers.map((peer) => [peer, peer.createMap<string, number>({ mapId: 'map' })]));

    await grid.join();
    await maps.get(grid.leader)!.setAll(
      new Map([
        ['kept', 1],
        ['changed', 1],
        ['removed', 1],
      ]),
    );
    const leaver = grid.followers[0]!;
    const map = maps.get(leaver)!;
    await leaver.leave();
    expect(leaver.run).toBe(false);
    await until(() => grid.running.every((peer) => !peer.remotePeerIds.has(leaver.localPeerId)), 'the others know');

    await maps.get(grid.leader)!.set('changed', 2);
    await maps.get(grid.leader)!.remove('removed');
    await maps.get(grid.leader)!.set('added', 2);

    grid.clearRecords();
    for (const event of ['insert', 'update', 'remove', 'clear']) grid.record(leaver, map, event, `map-${event}`);
    await leaver.join();
    await grid.settled();
    await map.ready;
    await until(() => map.size === 3, 'it has caught up');
    expect([...map].sort()).toEqual([
      ['added', 2],
      ['changed', 2],
      ['kept', 1],
    ]);
    expect(
      grid
        .recordOf(leaver)
        .filter((line) => line.startsWith('map-'))
        .sort(),
    ).toEqual(['map-insert(added,2)', 'map-remove(removed,1)', 'map-update(changed,1,2)']);
    await map.set('kept', 3);
    await until(() => [...maps.values()].every((other) => other.get('kept') === 3), 'all have what it wrote');
  });

  it('a leader that leaves is replaced within its election timeout, and writes go on', async () => {
    const grid = createGrid(3);
    const maps = new Map(grid.peers.map((peer) => [peer, peer.createMap<string, number>({ mapId: 'map' })]));

    await grid.join();
    await maps.get(grid.leader)!.set('before', 1);
    const leaver = grid.leader;
    const survivor = grid.followers[0]!;
    const writes: Promise<unknown>[] = [];
    const leaving = leaver.leave();
    for (let number = 0; number < 50; number++) writes.push(maps.get(survivor)!.set(`key-${number}`, number));

    expect(await elapsedMs(() => leaving)).toBeLessThan(3000);
    expect(await elapsedMs(() => Promise.all(writes))).toBeLessThan(2000);
    await grid.settled();
    expect(grid.running).toHaveLength(2);
    await until(() => maps.get(grid.followers[0]!)!.size === 51, 'both have everything');
    expect(maps.get(survivor)!.get('before')).toBe(1);
  });

  it('a leader that is closed is replaced in less than a second', async () => {
    const grid = createGrid(3);
    await grid.join();
    const map = grid.followers[0]!.createMap<string, number>({ mapId: 'map' });
    await map.set('key', 1);

    grid.leader.close();
    expect(await elapsedMs(() => map.set('key', 2))).toBeLessThan(1000);
    await grid.settled();
  });

  it('the last peer leaves at once', async () => {
    const grid = createGrid(2);
    await grid.join();

    await grid.peers[0]!.leave();
    expect(await elapsedMs(() => grid.peers[1]!.leave())).toBeLessThan(500);
    expect(grid.peers.map(({ state }) => state)).toEqual(['empty', 'empty']);
  });

  it('all peers can leave at the same time, and join again', async () => {
    const grid = createGrid(3, QUICK);
    await grid.join();

    expect(await elapsedMs(() => Promise.all(grid.peers.map((peer) => peer.leave())))).toBeLessThan(1500);
    await grid.join();
    const map = grid.leader.createMap<string, number>({ mapId: 'map' });
    await map.set('key', 1);
  });

  it('leave of a peer that does not run resolves without an event', async () => {
    const grid = createGrid(1);

    await grid.peers[0]!.leave();
    expect(grid.recordOf(grid.peers[0]!)).toEqual([]);
  });
});

describe('close', () => {
  it('is done when it returns, and done once', async () => {
    const grid = createGrid(2);
    await grid.join();
    const peer = grid.peers[0]!;
    const map = peer.createMap({ mapId: 'map' });

    expect(peer.close()).toBe(undefined);
    expect(peer.closed).toBe(true);
    expect(peer.run).toBe(false);
    expect(peer.state).toBe('empty');
    expect(map.closed).toBe(true);
    expect(peer.storages.size).toBe(0);
    expect(peer.eventNames()).toEqual([]);
    peer.close();
    expect(grid.recordOf(peer).filter((line) => line === 'close')).toHaveLength(1);
    expect(grid.recordOf(peer)).not.toContain('left');
  });

  it('every method that needs an open instance says that it is closed', async () => {
    const peer = createGrid(1).peers[0]!;
    peer.close();
    const call = async (method: () => unknown) => (await ending((async () => method())(), 'it')).error?.message;

    expect(await call(() => peer.join())).toBe('Cannot execute join on a closed hamok');
    expect(await call(() => peer.leave())).toBe('Cannot leave the network on a closed hamok');
    expect(await call(() => peer.createMap({ mapId: 'x' }))).toBe('Cannot create map on a closed Hamok instance');
    expect(await call(() => peer.getOrCreateMap({ mapId: 'x' }))).toBe('Cannot create map on a closed Hamok instance');
    expect(await call(() => peer.createRemoteMap({ mapId: 'x', remoteMap: {} as never }))).toBe(
      'Cannot create remote map on a closed Hamok instance',
    );
    expect(await call(() => peer.submit({} as never))).toBe('Cannot submit on a closed Hamok instance');
    expect(await call(() => peer.addRemotePeerId('x'))).toBe('Cannot add remote peer to a closed Hamok instance');
    expect(await call(() => peer.waitUntilLeader())).toBe('Cannot wait until leader on a closed Hamok instance');
    expect(await call(() => peer.waitUntilCommitHead())).toBe(
      'Cannot wait until commit head on a closed Hamok instance',
    );
    expect(await call(() => peer.accept({} as never))).toBe(undefined);
  });
});

describe('the process', () => {
  beforeAll(compileFacade);

  it.each(['close', 'leave', 'leave one after the other', 'never join'])(
    'ends by itself once all peers have ended: %s',
    async (way) => {
      const child = new LifetimeProcess(way);

      try {
        await until(
          () => child.exitCode !== undefined,
          () => `it ends: ${child.output}`,
          10_000,
        );
        expect(child.exitCode, child.output).toBe(0);
        expect(child.output).toContain('ended\n');
      } finally {
        child.kill();
      }
    },
  );

  it('stays while one peer runs', async () => {
    const child = new LifetimeProcess('close one');

    try {
      await until(
        () => child.output.includes('ended\n'),
        () => `one is closed: ${child.output}`,
      );
      const { length } = child.output;
      await until(() => child.output.slice(length).split('heartbeat').length > 10, 'it runs on');
      expect(child.exitCode).toBe(undefined);
    } finally {
      child.kill();
    }
  });
});
