import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOTHING, type Outcome } from '../../../facade/node/Outcome';
import { type PendingRequest, Requests } from '../../../facade/node/Requests';

describe('requests', () => {
  const calls: string[] = [];
  let hasLeader = true;
  let hasLostQuorum = false;
  let arrived: (() => void) | undefined;
  let requests: Requests;

  const add = (timeoutInMs: number, handle = 1) => {
    const ends: unknown[] = [];
    const request = requests.add(
      handle,
      timeoutInMs,
      (outcome: Outcome, owner: string, subject: string) => [owner, subject, outcome],
      'owner',
      'subject',
      (result) => ends.push(result),
      (error) => ends.push(error),
    );

    return { request, ends };
  };
  const start = (timeoutInMs: number, handle = 1) => {
    const added = add(timeoutInMs, handle);
    requests.start(added.request);
    return added;
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    calls.length = 0;
    hasLeader = true;
    hasLostQuorum = false;
    arrived = undefined;
    requests = new Requests({
      abandon: (token) => calls.push(`abandon ${token}`),
      drain: () => arrived?.(),
      hasLeader: () => hasLeader,
      hasLostQuorum: () => hasLostQuorum,
    });
  });
  afterEach(() => vi.useRealTimers());

  it('an answer is converted with what the request was made with, and comes once', () => {
    const { request, ends } = start(100);

    requests.complete(request.token, NOTHING);
    requests.complete(request.token, NOTHING);
    requests.fail(request.token, new Error());
    expect(ends).toEqual([['owner', 'subject', NOTHING]]);
    expect(requests.size).toBe(0);
  });

  it('what the conversion throws rejects the request', () => {
    const ends: unknown[] = [];
    const throwing = requests.add(
      1,
      0,
      () => {
        throw new Error('codec');
      },
      undefined,
      undefined,
      () => {},
      (error) => ends.push(error.message),
    );

    requests.complete(throwing.token, NOTHING);
    expect(ends).toEqual(['codec']);
  });

  it('a request times out after its time, is abandoned, and the error names it', () => {
    const { request, ends } = start(1000);

    vi.advanceTimersByTime(990);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(ends).toMatchObject([
      { code: 'TIMEOUT', message: `Timeout. requestId: ${request.token}, number of received response: 0` },
    ]);
    expect(calls).toEqual([`abandon ${request.token}`]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('the time does not run before the request is started', () => {
    const { request, ends } = add(100);

    vi.advanceTimersByTime(10_000);
    expect(ends).toEqual([]);
    requests.start(request);
    vi.advanceTimersByTime(110);
    expect(ends).toHaveLength(1);
  });

  it('0 is no timeout', () => {
    const { ends } = start(0);

    vi.advanceTimersByTime(10_000_000);
    expect(ends).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('without a leader the error says so', () => {
    const { ends } = start(100);

    hasLeader = false;
    vi.advanceTimersByTime(110);
    expect(ends).toMatchObject([{ code: 'NO_LEADER', message: expect.stringMatching(/^No leader is elected/) }]);
  });

  it('without a quorum the error says so, and what to do; with a leader it is a timeout all the same', () => {
    const [early, late] = [start(100), start(200)];

    [hasLeader, hasLostQuorum] = [false, true];
    vi.advanceTimersByTime(110);
    hasLeader = true;
    vi.advanceTimersByTime(110);
    expect(early.ends).toMatchObject([
      {
        code: 'NO_QUORUM',
        message: expect.stringMatching(
          /^No leader is elected within 100 ms: fewer than a majority of the grid's peers.*forceReform\(\)/,
        ),
      },
    ]);
    expect(late.ends).toMatchObject([{ code: 'TIMEOUT' }]);
    expect(calls).toEqual([`abandon ${early.request.token}`, `abandon ${late.request.token}`]);
  });

  it('an answer that has arrived, but was not handled yet, is no timeout', () => {
    const { request, ends } = start(100);

    arrived = () => requests.complete(request.token, NOTHING);
    vi.advanceTimersByTime(200);
    expect(ends).toEqual([['owner', 'subject', NOTHING]]);
    expect(calls).toEqual([]);
  });

  it('requests of different times end in their order with one timer', () => {
    const long = start(1000);
    const short = start(100);

    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(110);
    expect([long.ends.length, short.ends.length]).toEqual([0, 1]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(900);
    expect(long.ends).toHaveLength(1);
  });

  it('progress gives the requests of a handle their time again, except the one at the head', () => {
    const [head, other, elsewhere] = [start(1000), start(1000), start(1000, 2)];

    vi.advanceTimersByTime(900);
    requests.progress(1, head.request.token);
    vi.advanceTimersByTime(150);
    expect([head, other, elsewhere].map(({ ends }) => ends.length)).toEqual([1, 0, 1]);
    vi.advanceTimersByTime(900);
    expect(other.ends).toHaveLength(1);
  });

  it('progress does not start the time of a request that waits', () => {
    const { ends } = add(100);

    requests.progress(1, 0);
    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([]);
  });

  it('the requests of a closed handle fail, the others stay', () => {
    const [mine, other] = [add(100), start(100, 2)];

    requests.failHandle(1, new Error('closed'));
    expect(mine.ends).toEqual([new Error('closed')]);
    expect(other.ends).toEqual([]);
    expect(requests.size).toBe(1);
  });

  it('a deadline that was fixed earlier holds', () => {
    const { request, ends } = add(1000);

    requests.start(request, performance.now() + 100);
    vi.advanceTimersByTime(110);
    expect(ends).toHaveLength(1);
  });

  it('tokens are positive and not used twice at a time', () => {
    const tokens = Array.from({ length: 100 }, () => add(0).request).map(({ token }: PendingRequest) => token);

    expect(new Set(tokens).size).toBe(100);
    expect(Math.min(...tokens)).toBeGreaterThan(0);
  });

  it('what a stalled event loop could not hear in time gets as much time again', () => {
    const { ends } = start(1000);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 6000);

    vi.advanceTimersByTime(1000);
    expect(ends).toEqual([]);
    clock.mockReturnValue(performance.now() + 5000);
    vi.advanceTimersByTime(5000);
    expect(ends).toMatchObject([{ code: 'TIMEOUT' }]);
    clock.mockRestore();
  });
});
