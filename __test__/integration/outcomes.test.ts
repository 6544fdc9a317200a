/**
 * What becomes of an operation at an unusual moment: one documented outcome for each, the same for all kinds of
 * collections. The README has the table.
 */
import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, type Grid, QUICK, until } from '../support/grid';
import { MemoryStore } from '../support/memory-store';

/** A collection of any kind, as these tests use it. */
interface Subject {
  readonly ready: Promise<unknown>;
  readonly closed: boolean;
  close(): void;
  /** Changes it in a way that `content` shows. */
  write(mark: string): Promise<unknown>;
  /** The marks of all writes that this peer sees, sorted. */
  content(): string[];
}

interface Kind {
  readonly name: string;
  readonly title: string;
  create(peer: Hamok, id: string): Subject;
  /** The object that users get, and whether it was there already. */
  getOrCreate(peer: Hamok, id: string, callback?: (existed: boolean) => void): object;
}

const REQUEST_TIMEOUT_MS = 1_000;

/** A store that all peers of a test share, by the id of the remote map. */
const stores = new Map<string, MemoryStore<string>>();

function storeOf(id: string): MemoryStore<string> {
  const store = stores.get(id) ?? new MemoryStore<string>();
  stores.set(id, store);

  return store;
}

function subject<C extends { ready: Promise<unknown>; closed: boolean; close(): void }>(
  collection: C,
  write: (mark: string) => Promise<unknown>,
  content: () => Iterable<string>,
): Subject {
  return {
    get ready() {
      return collection.ready;
    },
    get closed() {
      return collection.closed;
    },
    close: () => collection.close(),
    write,
    content: () => [...content()].sort(),
  };
}

const requestTimeoutInMs = REQUEST_TIMEOUT_MS;

const KINDS: readonly Kind[] = [
  {
    name: 'map',
    title: 'Map',
    create(peer, mapId) {
      const map = peer.createMap<string, string>({ mapId, requestTimeoutInMs });
      return subject(
        map,
        (mark) => map.set(mark, mark),
        () => map.values(),
      );
    },
    getOrCreate: (peer, mapId, callback) => peer.getOrCreateMap({ mapId }, callback),
  },
  {
    name: 'remote map',
    title: 'Remote map',
    create(peer, mapId) {
      const store = storeOf(mapId);
      const remoteMap = store.of(peer.localPeerId);
      const map = peer.createRemoteMap<string, string>({ mapId, remoteMap, requestTimeoutInMs });
      return subject(
        map,
        (mark) => map.set(mark, mark),
        () => store.entries.values(),
      );
    },
    getOrCreate: (peer, mapId, callback) =>
      peer.getOrCreateRemoteMap({ mapId, remoteMap: storeOf(mapId).of(peer.localPeerId) }, callback),
  },
  {
    name: 'record',
    title: 'Record',
    create(peer, recordId) {
      const record = peer.createRecord<Record<string, string>>({ recordId, requestTimeoutInMs });
      return subject(
        record,
        (mark) => record.set(mark, mark),
        () => Object.values(record.instance),
      );
    },
    getOrCreate: (peer, recordId, callback) => peer.getOrCreateRecord({ recordId }, callback),
  },
  {
    name: 'queue',
    title: 'Queue',
    create(peer, queueId) {
      const queue = peer.createQueue<string>({ queueId, requestTimeoutInMs });
      return subject(
        queue,
        (mark) => queue.push(mark),
        () => queue,
      );
    },
    getOrCreate: (peer, queueId, callback) => peer.getOrCreateQueue({ queueId }, callback),
  },
  {
    name: 'emitter',
    title: 'Emitter',
    create(peer, emitterId) {
      const emitter = peer.createEmitter<Record<string, []>>({ emitterId, requestTimeoutInMs });
      return subject(
        emitter,
        (mark) => emitter.subscribe(mark, () => {}),
        () => emitter.subscriptions.events() as Iterable<string>,
      );
    },
    getOrCreate: (peer, emitterId, callback) => peer.getOrCreateEmitter({ emitterId }, callback),
  },
];

function other(kind: Kind): Kind {
  return KINDS[(KINDS.indexOf(kind) + 1) % KINDS.length] as Kind;
}

async function joined(count: number): Promise<Grid> {
  const grid = createGrid(count, QUICK);

  await grid.join();

  return grid;
}

describe.each(KINDS)('$name', (kind) => {
  it('a second one under the same id is refused', () => {
    const { peers } = createGrid(1);
    const peer = peers[0] as Hamok;

    kind.create(peer, 'x');
    expect(() => kind.create(peer, 'x')).toThrow(
      expect.objectContaining({ message: `${kind.title} with id x already exists`, code: 'INVALID_ARGUMENT' }),
    );
  });

  it('getOrCreate gives the one that exists, and says so only then', () => {
    const { peers } = createGrid(1);
    const peer = peers[0] as Hamok;
    const calls: boolean[] = [];
    const first = kind.getOrCreate(peer, 'x', (existed) => calls.push(existed));

    expect(calls).toEqual([]);
    expect(kind.getOrCreate(peer, 'x', (existed) => calls.push(existed))).toBe(first);
    expect(calls).toEqual([true]);
  });

  it('another kind under its id on this peer is refused at once', () => {
    const { peers } = createGrid(1);
    const peer = peers[0] as Hamok;
    const second = other(kind);
    const refusal = expect.objectContaining({ code: 'KIND_MISMATCH' });

    kind.create(peer, 'x');
    expect(() => second.create(peer, 'x')).toThrow(refusal);
    expect(() => second.getOrCreate(peer, 'x')).toThrow(refusal);
    expect(() => second.create(peer, 'x')).toThrow(new RegExp(`${second.name}.*${kind.name}`, 'i'));
  });

  it('another kind under its id on another peer is refused, and harms nothing', async () => {
    const grid = await joined(2);
    const [a, b] = grid.peers as [Hamok, Hamok];
    const first = kind.create(a, 'x');
    await first.ready;

    const second = other(kind).create(b, 'x');
    const [ready, write] = await Promise.all([
      ending(second.ready, 'ready'),
      ending(second.write('late'), 'an operation'),
    ]);

    for (const { error } of [ready, write]) {
      expect(error).toMatchObject({ code: 'KIND_MISMATCH' });
      expect(error?.message).toContain(kind.name);
      expect(error?.message).toContain(other(kind).name);
    }
    await first.write('still works');
    expect(first.content()).toEqual(['still works']);
  });

  it('operations before join wait, in their order, and apply after it', async () => {
    const grid = createGrid(2, QUICK);
    const [a, b] = grid.peers.map((peer) => kind.create(peer, 'early')) as [Subject, Subject];
    const writes = [a.write('1'), a.write('2'), b.write('3')];

    await grid.join();
    await Promise.all(writes);
    await until(() => a.content().length === 3 && b.content().length === 3, 'both peers have all of it');
    expect(a.content()).toEqual(['1', '2', '3']);
    expect(b.content()).toEqual(['1', '2', '3']);
  });

  it('an operation on a closed one rejects', async () => {
    const { peers } = createGrid(1);
    const collection = kind.create(peers[0] as Hamok, 'closed');
    const waiting = collection.write('1');

    collection.close();
    collection.close();
    expect(collection.closed).toBe(true);
    expect((await ending(waiting, 'what waited')).error).toMatchObject({
      message: 'Connection is closed',
      code: 'CLOSED',
    });
    expect((await ending(collection.ready, 'ready')).error).toMatchObject({ code: 'CLOSED' });
    const { error } = await ending(collection.write('2'), 'a later one');
    expect(error).toMatchObject({ code: 'CLOSED', message: expect.stringMatching(/closed (storage|queue|emitter)/) });
    expect(peers[0]?.storages.has('closed')).toBe(false);
  });

  it('nothing can be created on a closed Hamok, and what is pending rejects', async () => {
    const grid = await joined(2);
    const [a, b] = grid.peers as [Hamok, Hamok];
    const collection = kind.create(a, 'x');
    await collection.ready;

    grid.cut(b);
    const pending = collection.write('1');
    a.close();
    expect((await ending(pending, 'what was pending')).error).toMatchObject({
      message: 'Connection is closed',
      code: 'CLOSED',
    });
    expect(collection.closed).toBe(true);
    expect(() => kind.create(a, 'y')).toThrow(`Cannot create ${kind.name} on a closed Hamok instance`);
    expect(() => kind.getOrCreate(a, 'y')).toThrow(`Cannot create ${kind.name} on a closed Hamok instance`);
  });

  it('operations go on over a change of the leader, each once and in order', async () => {
    const grid = await joined(3);
    const collections = grid.peers.map((peer) => kind.create(peer, 'busy'));
    await Promise.all(collections.map(({ ready }) => ready));

    const { leader, followers } = grid;
    const [writer, reader] = followers.map((peer) => collections[grid.peers.indexOf(peer)]) as [Subject, Subject];
    const marks = Array.from({ length: 40 }, (_, number) => `mark-${String(number).padStart(2, '0')}`);
    const writes = marks.map(async (mark, number) => {
      if (number === 20) leader.close();
      await writer.write(mark);
    });

    // Without a leader they wait; the time of one request is longer than an election.
    await Promise.all(writes);
    expect(writer.content()).toEqual(marks);
    await until(() => reader.content().length === marks.length, 'the other survivor has them');
    expect(reader.content()).toEqual(marks);
  });

  it('without a majority an operation rejects when its time is over', async () => {
    const grid = await joined(2);
    const [a, b] = grid.peers as [Hamok, Hamok];
    const collection = kind.create(a, 'lonely');
    await collection.ready;

    grid.cut(b);
    await until(() => a.raft.leaderId === undefined, 'nobody leads');
    const { error } = await ending(collection.write('1'), 'the operation');
    expect(error).toMatchObject({ code: 'NO_QUORUM', message: expect.stringMatching(/^No leader is elected within/) });
  });

  it('it outlives leaving: operations of that time reject, and those after the next join work', async () => {
    const grid = await joined(3);
    const collections = grid.peers.map((peer) => kind.create(peer, 'kept'));
    await Promise.all(collections.map(({ ready }) => ready));

    const peer = grid.followers[0] as Hamok;
    const collection = collections[grid.peers.indexOf(peer)] as Subject;
    await collection.write('before');
    await peer.leave();
    expect((await ending(collection.write('meanwhile'), 'the operation')).error).toMatchObject({ code: 'NO_LEADER' });
    await peer.join();
    await collection.write('after');
    expect(collection.content()).toEqual(['after', 'before']);
  });
});
