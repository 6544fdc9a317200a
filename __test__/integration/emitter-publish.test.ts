/** Events that are published or notified: whom they reach, what arrives, and what the publisher learns of it. */
import { describe, expect, it } from 'vitest';
import { type Config, createEmitters, type Emitter, idOf, idsOf, listenEverywhere, none } from '../support/emitters';
import { until, useGrid } from '../support/grid';

describe.each(['leader', 'follower'] as const)('every method and its result, on a %s', (role) => {
  const grid = useGrid(3);
  const peer = () => (role === 'leader' ? grid().leader : grid().followers[0]!);
  /** The emitters of all, the peer's first. */
  const create = (config: Config = {}) =>
    createEmitters([peer(), ...grid().peers.filter((it) => it !== peer())], config) as Promise<
      [Emitter, Emitter, Emitter]
    >;

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
    const responses: Promise<unknown>[] = [];

    await other.subscribe('ping', (n) => responses.push(other.publish('any', n, n * 2)));
    await emitter.subscribe('any', (n, answer) => answers.get(n as number)?.(answer));
    await Promise.all(emitters.map((it) => it.hasSubscribers('ping')));
    const asked = Array.from({ length: 50 }, (_, n) => {
      const answer = new Promise((resolve) => answers.set(n, resolve));

      return emitter.publish('ping', n).then(() => answer);
    });
    expect(await Promise.all(asked)).toEqual(asked.map((_, n) => n * 2));
    expect(await Promise.all(responses)).toEqual(asked.map(() => [idOf(emitter)]));
  });
});
