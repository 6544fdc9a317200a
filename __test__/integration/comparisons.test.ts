/**
 * Changes that depend on a value, and are pending while their peer changes grids. What it saw in the former grid is no
 * ground to act on in the next: the value that is there then decides.
 */
import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, ending, type Grid, QUICK, until } from '../support/grid';

/** A collection with one value, and a change that is to be made only if the value is `old`. */
interface Subject {
  readonly ready: Promise<unknown>;
  set(value: string): Promise<unknown>;
  get(): string | undefined;
  change(): Promise<boolean>;
  /** Calls back with what a change of the value replaces, and what by; undefined: by nothing. */
  onChange(listener: (oldValue: string, newValue?: string) => void): void;
}

interface Operation {
  readonly name: string;
  /** What a change makes of the value. */
  readonly result: string | undefined;
  create(peer: Hamok): Subject;
}

/** Pending calls outlast all that happens in a test. */
const CONFIG = { requestTimeoutInMs: 25_000 };

function createMap(peer: Hamok, change: (map: ReturnType<typeof open>) => Promise<boolean>): Subject {
  const map = open(peer);

  return {
    get ready() {
      return map.ready;
    },
    set: (value) => map.set('key', value),
    get: () => map.get('key'),
    change: () => change(map),
    onChange(listener) {
      map.on('update', (_, oldValue, newValue) => listener(oldValue, newValue));
      map.on('remove', (_, value) => listener(value));
    },
  };
}

const open = (peer: Hamok) => peer.createMap<string, string>({ mapId: 'map', ...CONFIG });

function createRecord(peer: Hamok, change: (record: ReturnType<typeof openRecord>) => Promise<boolean>): Subject {
  const record = openRecord(peer);

  return {
    get ready() {
      return record.ready;
    },
    set: (value) => record.set('key', value),
    get: () => record.get('key'),
    change: () => change(record),
    onChange(listener) {
      record.on('update', ({ oldValue, newValue }) => listener(oldValue, newValue));
    },
  };
}

const openRecord = (peer: Hamok) => peer.createRecord<{ key: string }>({ recordId: 'record', ...CONFIG });

const OPERATIONS: readonly Operation[] = [
  {
    name: 'updateIf of a map',
    result: 'mine',
    create: (peer) => createMap(peer, (map) => map.updateIf('key', 'mine', 'old')),
  },
  {
    name: 'removeIf of a map',
    result: undefined,
    create: (peer) => createMap(peer, (map) => map.removeIf('key', 'old')),
  },
  {
    name: 'updateIf of a record',
    result: 'mine',
    create: (peer) => createRecord(peer, (record) => record.updateIf('key', 'mine', 'old')),
  },
  {
    name: 'updateInstanceIf of a record',
    result: 'mine',
    create: (peer) => createRecord(peer, (record) => record.updateInstanceIf({ key: 'mine' }, { key: 'old' })),
  },
];

describe.each(OPERATIONS)('$name', ({ create, result }) => {
  /** A grid in which the value is `old`, after so many changes that its revision is far ahead of a new grid's. */
  async function withOldValue(count: number): Promise<{ grid: Grid; subjects: Subject[] }> {
    const grid = createGrid(count, QUICK);
    await grid.join();
    const subjects = grid.peers.map(create);
    await Promise.all(subjects.map(({ ready }) => ready));
    for (let number = 0; number < 60; number++) await subjects[0]!.set(`value-${number}`);
    await subjects[0]!.set('old');
    await until(() => subjects.every((subject) => subject.get() === 'old'), 'everybody has the value');

    return { grid, subjects };
  }

  it.each([
    ['another value than', 'theirs', false],
    ['the same value as', 'old', true],
  ])('that waits for a join finds %s in the former grid', async (_, value, succeeds) => {
    const { grid, subjects } = await withOldValue(2);
    const { leader } = grid;
    const peer = grid.followers[0]!;
    const subject = subjects[grid.peers.indexOf(peer)]!;

    await peer.leave();
    const pending = subject.change();
    leader.close();
    const others = [grid.add(), grid.add()];
    const theirs = others.map(create);
    await grid.join(others);
    await theirs[0]!.set(value);
    await peer.join();

    const end = await ending(pending, 'the change');
    expect(end).toEqual({ value: succeeds });
    const expected = succeeds ? result : value;
    await until(() => [subject, ...theirs].every((it) => it.get() === expected), `all have ${expected}`);
  });

  it('that was sent before the peer changed grids is not applied in the next', async () => {
    const { grid, subjects } = await withOldValue(2);
    const { leader } = grid;
    const peer = grid.followers[0]!;
    const subject = subjects[grid.peers.indexOf(peer)]!;

    grid.cut(leader);
    const pending = ending(subject.change(), 'the change');
    await peer.leave();
    leader.close();
    const others = [grid.add(), grid.add()];
    const theirs = others.map(create);
    await grid.join(others);
    await theirs[0]!.set('theirs');
    await peer.join();

    // The former grid may have applied it; in this one nobody can tell.
    expect((await pending).error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await subject.ready;
    await peer.waitUntilCommitHead();
    for (const it of [subject, ...theirs]) expect(it.get()).toBe('theirs');
  });

  it('that waits while its peer is cut off finds what has been written in the grid that the others went on in', async () => {
    const { grid, subjects } = await withOldValue(3);
    const [peer, heir] = grid.followers as [Hamok, Hamok];
    const [subject, its] = [peer, heir].map((it) => subjects[grid.peers.indexOf(it)]!) as [Subject, Subject];

    grid.cut(peer);
    await until(() => !heir.remotePeerIds.has(peer.localPeerId), 'it is removed from the grid');
    await until(() => peer.raft.leaderId === undefined, 'it has noticed');
    const pending = subject.change();
    grid.leader.close();
    const newcomer = grid.add();
    await newcomer.join();
    await grid.settled([heir, newcomer]);
    expect(await its.set('theirs')).toBe('old');
    grid.heal(peer);

    expect(await ending(pending, 'the change')).toEqual({ value: false });
    for (const it of [subject, its]) expect(it.get()).toBe('theirs');
  });

  it.each([
    ['before', 'nobody else writes', false],
    ['after', 'nobody else writes', false],
    ['before', 'a newcomer writes', true],
    ['after', 'a newcomer writes', true],
  ])(
    'called right %s all others close is made in the grid of the last peer if it still may be: %s',
    async (moment, _, rival) => {
      const { grid, subjects } = await withOldValue(3);
      const peer = grid.followers[0]!;
      const subject = subjects[grid.peers.indexOf(peer)]!;
      const made: [string, string?][] = [];
      let pending: Promise<boolean> | undefined;

      subject.onChange((...change) => made.push(change));
      if (moment === 'before') pending = subject.change();
      for (const other of grid.peers) if (other !== peer) other.close();
      pending ??= subject.change();
      const newcomer = grid.add();
      const its = create(newcomer);
      const written = rival ? its.set('theirs') : undefined;
      await newcomer.join();

      const { value: succeeded, error } = await ending(pending, 'the change');
      expect(error).toBe(undefined);
      await written;
      await grid.settled();
      await Promise.all([peer, newcomer].map((it) => it.waitUntilCommitHead()));
      if (!rival) expect(succeeded).toBe(true);
      // It was made if and only if the call says so, and of no other value.
      const own = made.filter(([, newValue]) => newValue === result);
      expect(own).toEqual(succeeded ? [result === undefined ? ['old'] : ['old', result]] : []);
      for (const it of [subject, its]) expect(it.get()).toBe(rival ? 'theirs' : result);
    },
  );
});
