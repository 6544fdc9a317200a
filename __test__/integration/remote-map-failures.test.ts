/**
 * A remote map when something goes wrong: a store that fails, hangs or answers nonsense costs its callers an error and
 * the map nothing; a leader that leaves, is closed or is cut off costs nothing that was acknowledged.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Hamok, HamokRemoteMapBuilderConfig } from 'hamok';
import type { RemoteMap } from 'hamok/lib/collections/RemoteMap';
import { describe, expect, it } from 'vitest';
import { createGrid, type Ending, ending, type Grid, until, useGrid } from '../support/grid';
import { entries } from '../support/maps';
import { MemoryStore } from '../support/memory-store';
import { share } from '../support/remote-maps';

/** A store whose functions are these, and otherwise those of a memory store. */
function faulty(functions: Partial<Record<keyof RemoteMap<string, number>, unknown>>): RemoteMap<string, number> {
  return { ...new MemoryStore<number>().of('faulty'), ...functions } as RemoteMap<string, number>;
}

describe('a store that misbehaves', () => {
  const grid = useGrid(3, { ongoingRequestsSendingPeriodInMs: 100 });
  const create = (
    functions: Parameters<typeof faulty>[0],
    config: Partial<HamokRemoteMapBuilderConfig<string, number>> = {},
  ) => share<number>(grid().peers, { remoteMap: faulty(functions), ...config }).of(grid().followers[0]!);

  it.each([
    [
      'throws',
      () => {
        throw new Error('the store is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the store is down'))],
  ] as const)('that %s rejects the callers with its error, and the map goes on', async (_, fail) => {
    const map = create({ set: fail, setAll: fail, remove: fail, removeAll: fail, getAll: fail });
    const calls: (() => Promise<unknown>)[] = [
      () => map.set('a', 1),
      () => map.setAll(entries(0, 2)),
      () => map.insert('a', 1),
      () => map.insertAll(entries(0, 2)),
      () => map.delete('a'),
      () => map.deleteAll(['a']),
      () => map.remove('a'),
      () => map.removeAll(['a']),
    ];

    for (const end of await Promise.all(calls.map((call) => ending(call(), call.toString())))) {
      expect(end.error).toBeInstanceOf(Error);
      expect(end.error).toMatchObject({ message: 'the store is down', code: 'CALLBACK_FAILED' });
    }
    await map.clear();
  });

  it('that rejects with something that is no Error still gives callers an Error', async () => {
    let thrown: unknown = 'a text';
    const map = create({ remove: async () => Promise.reject(thrown) });

    expect((await ending(map.remove('a'), 'remove')).error).toMatchObject({ message: 'a text' });
    for (thrown of [undefined, null, 7, { code: 'X' }, new Error('')]) {
      const { error } = await ending(map.remove('a'), 'remove');
      expect(error).toBeInstanceOf(Error);
      expect(error!.message).not.toBe('');
    }
  });

  it('a failure of one operation leaves the others alone, and keeps their order', async () => {
    const { store, of } = share<number>(grid().peers);
    store.before = ({ value }) => {
      if (value! % 7 === 3) throw new Error(`no ${value}`);
    };
    const map = of(grid().followers[1]!);

    const ends = await Promise.all(
      Array.from({ length: 50 }, (_, number) => ending(map.set('a', number), `set ${number}`)),
    );
    ends.forEach((end, number) => {
      if (number % 7 === 3) expect(end.error!.message).toBe(`no ${number}`);
      else expect(end.error).toBe(undefined);
    });
    expect(store.log.map(({ value }) => value)).toEqual(
      Array.from({ length: 50 }, (_, number) => number).filter((number) => number % 7 !== 3),
    );
  });

  it.each([
    { what: 'undefined', nonsense: undefined },
    { what: 'null', nonsense: null },
    { what: 'a number', nonsense: 5 },
    { what: 'a text', nonsense: 'text' },
    { what: 'an object', nonsense: {} },
    { what: 'no entries', nonsense: [] },
    { what: 'numbers', nonsense: [1, 2] },
    { what: 'a Map of other keys', nonsense: new Map([['other', 1]]) },
    { what: 'a Map of undefined', nonsense: new Map([['a', undefined]]) },
    { what: 'a result of nonsense', nonsense: { inserted: 1, updated: [1, [], ['a'], [null, null, null]] } },
  ])('that gives $what for anything settles every operation, and the map goes on', async ({ nonsense }) => {
    const give = async () => nonsense;
    const tell = async (_: unknown, second: unknown, third: unknown) => {
      for (const callback of [second, third]) if (typeof callback === 'function') callback(nonsense);
      return nonsense;
    };
    let broken = true;
    const good = new MemoryStore<number>().of('good') as unknown as Record<string, (...args: unknown[]) => unknown>;
    const either =
      (method: string, bad: (...args: never[]) => unknown) =>
      (...args: never[]) =>
        broken ? bad(...args) : good[method]!(...args);
    const map = create({
      get: either('get', give),
      getAll: either('getAll', give),
      set: (a: never, b: never, c: never, d: never) => either('set', tell)(a, b, c, d),
      setAll: (a: never, b: never, c: never) => either('setAll', tell)(a, b, c),
      remove: either('remove', give),
      removeAll: either('removeAll', give),
      clear: either('clear', give),
    });
    const calls: (() => Promise<unknown>)[] = [
      () => map.set('a', 1),
      () => map.setAll(new Map([['a', 1]])),
      () => map.insert('a', 1),
      () => map.insertAll([['a', 1]]),
      () => map.delete('a'),
      () => map.deleteAll(['a']),
      () => map.remove('a'),
      () => map.removeAll(['a']),
      () => map.updateIf('a', 1, 2),
      () => map.clear(),
    ];

    for (const end of await Promise.all(calls.map((call) => ending(call(), call.toString(), 4000)))) {
      if (end.error) expect(end.error).toBeInstanceOf(Error);
    }
    broken = false;
    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.set('a', 2)).toBe(1);
  });

  it('that resolves without calling back gives no old value', async () => {
    const map = create({ set: async () => {}, setAll: async () => {} });

    expect(await map.set('a', 1)).toBe(undefined);
    expect(await map.setAll(entries(0, 2))).toEqual(new Map());
    await map.clear();
  });

  it('that calls back twice, or late, settles the operation once', async () => {
    const map = create({
      set: (_key: string, value: number, callback: (old: number) => void) => {
        setImmediate(() => {
          callback(value - 1);
          callback(value - 2);
        });
      },
    });

    expect(await map.set('a', 1)).toBe(0);
    expect(await map.set('a', 5)).toBe(4);
  });

  it('that takes no callback and gives no promise is done when it returns', async () => {
    const plain = new Map<string, number>();
    const map = create({ set: (key: string, value: number) => void plain.set(key, value) });

    await map.set('a', 1);
    expect(plain).toEqual(new Map([['a', 1]]));
  });

  it.each([
    ['never settles', () => new Promise(() => {})],
    ['never calls back', (_key: string, _value: number, _callback: () => void) => {}],
  ] as const)('that %s: its caller times out, its signal is aborted, the next operation runs', async (_, hang) => {
    const signals: AbortSignal[] = [];
    const good = new MemoryStore<number>().of('good') as unknown as { set(...args: unknown[]): unknown };
    const set = (key: string, value: number, callback: () => void, context: { signal: AbortSignal }) => {
      if (key !== 'hangs') return good.set(key, value, callback, context);
      signals.push(context.signal);
      return hang(key, value, callback);
    };
    const map = create({ set }, { requestTimeoutInMs: 400, abandonAfterMs: 800 });
    const errors: Error[] = [];
    const onError = (error: Error) => errors.push(error);
    grid().leader.on('error', onError);

    const hanging = ending(map.set('hangs', 1), 'the operation that hangs', 1500);
    const next = ending(map.set('a', 1), 'the next operation', 5000);
    expect((await hanging).error!.message).toMatch(/^Timeout/);
    expect((await next).error).toBe(undefined);
    expect(signals).toHaveLength(1);
    expect(signals[0]!.aborted).toBe(true);
    grid().leader.off('error', onError);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'ABANDONED' });
  });

  it('reads that fail reject their caller alone', async () => {
    const fail = () => {
      throw new Error('no reads today');
    };
    const map = create({ get: fail, size: fail, getAll: async () => fail(), keys: async () => fail() });

    const reads: (() => Promise<unknown>)[] = [
      () => map.get('a'),
      () => map.size(),
      () => map.isEmpty(),
      () => map.getAll(['a']),
    ];

    for (const read of reads) {
      expect((await ending(read(), 'the read')).error!.message).toBe('no reads today');
    }
    await expect(map.keys()).rejects.toThrow('no reads today');
    await expect(async () => {
      for await (const _ of map.keys());
    }).rejects.toThrow('no reads today');
    await map.set('a', 1);
  });
});

describe('a leader that goes in the middle of a stream', () => {
  interface Sent {
    writer: number;
    number: number;
    end: Promise<Ending<unknown>>;
  }

  /** Each peer sets numbers at its own few keys; the leader goes when a third of them has run. */
  async function interrupt(grid: Grid, go: (leader: Hamok) => Promise<unknown>) {
    const { store, maps } = share<number>(grid.peers, { requestTimeoutInMs: 5000 });
    store.before = () => pause(1);
    await Promise.all(maps.map(({ ready }) => ready));
    const { leader } = grid;
    const sent: Sent[] = [];
    const streams = maps.map(async (map, writer) => {
      // A peer that has left writes no more.
      for (let number = 1; number <= 150 && grid.peers[writer]!.run; number++) {
        const end = ending(map.set(`${writer}-${number % 5}`, number), `set ${number} of ${writer}`);
        sent.push({ writer, number, end });
        if (number % 20 === 0) await end;
      }
    });

    await until(() => store.log.length >= 100, 'a part has run');
    const going = go(leader);
    await Promise.all(streams);
    await going;
    const ends = await Promise.all(sent.map(async ({ writer, number, end }) => ({ writer, number, ...(await end) })));

    return { store, leader, ends, maps };
  }

  /** Sets that ran more than once. */
  function ranTwice({ log }: MemoryStore<number>): string[] {
    const sets = log.map(({ key, value }) => `${key} = ${value}`);

    return sets.filter((set, index) => sets.indexOf(set) !== index);
  }

  /** What holds whatever happens to the leader. */
  function expectNothingLost({ store, ends, leader }: Awaited<ReturnType<typeof interrupt>>): void {
    const acknowledged = ends.filter(({ error }) => !error);

    for (const { error } of ends) if (error) expect(error).toBeInstanceOf(Error);
    for (const { writer, number } of acknowledged) {
      const key = `${writer}-${number % 5}`;
      const ran = store.log.some((entry) => entry.key === key && entry.value === number);
      expect(ran, `${key} = ${number} was acknowledged and has run`).toBe(true);
      expect(store.entries.get(key)!, `${key} has not gone back`).toBeGreaterThanOrEqual(number);
    }
    // What a former leader may have run is run again; apart from that, each caller's order is kept.
    for (const writer of [0, 1, 2]) {
      const order = store.log.filter(({ key }) => key!.startsWith(`${writer}-`)).map(({ value }) => value!);
      const first = order.filter((value, index) => order.indexOf(value) === index);
      expect(first).toEqual([...first].sort((a, b) => a - b));
    }
    const terms = store.log.map(({ term }) => term);
    expect(terms, 'a former leader does not run behind a new one').toEqual([...terms].sort((a, b) => a - b));
    expect(ranTwice(store).length, 'sets that ran twice').toBeLessThanOrEqual(64);
    expect(store.mostAtOnce).toBeLessThanOrEqual(2);
    expect(new Set(store.log.map(({ by }) => by)).size, `${leader.localPeerId} was followed`).toBeGreaterThan(1);
  }

  it('it leaves: nothing is lost, and all survivors get results', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, (leader) => leader.leave());
    expectNothingLost(result);
    const leaver = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== leaver && error)).toEqual([]);
    expect(ranTwice(result.store), 'operations that ran twice').toEqual([]);
  });

  it('it is closed: nothing is lost, and all survivors get results', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, async (leader) => leader.close());
    expectNothingLost(result);
    const closed = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== closed && error)).toEqual([]);
    for (const { writer, error } of result.ends)
      if (writer === closed && error) expect(error.message).toMatch(/closed/i);
  });

  it('it is cut off: nothing is lost, all survivors get results, and it gets its own when it is back', async () => {
    const grid = createGrid(3);
    await grid.join();

    const result = await interrupt(grid, async (leader) => {
      grid.cut(leader);
      await grid.settled();
      grid.heal(leader);
      await grid.settled();
    });
    expectNothingLost(result);
    const away = grid.peers.indexOf(result.leader);
    expect(result.ends.filter(({ writer, error }) => writer !== away && error)).toEqual([]);
    await result.maps[away]!.set('after', 1);
    expect(result.store.entries.get('after')).toBe(1);
  });

  it('it is cut off with a slow store: it has stopped before its successor begins', async () => {
    const grid = createGrid(3);
    await grid.join();
    const { leader } = grid;
    const { store, maps, of } = share<number>(grid.peers, { requestTimeoutInMs: 20_000 });
    // What the leader has been handed would keep it busy for longer than its lease.
    store.before = () => pause(40);
    await Promise.all(maps.map(({ ready }) => ready));

    const map = of(grid.peers.find((peer) => peer !== leader)!);
    const sets = Array.from({ length: 60 }, (_, number) => map.set(`${number}`, number));
    await until(() => store.log.length >= 10, 'a part has run');
    grid.cut(leader);
    await Promise.all(sets);

    const terms = store.log.map(({ term }) => term);
    expect(new Set(terms).size).toBe(2);
    expect(terms).toEqual([...terms].sort((a, b) => a - b));
    expect([...store.entries.values()].sort((a, b) => a - b)).toEqual(sets.map((_, number) => number));
  });
});
