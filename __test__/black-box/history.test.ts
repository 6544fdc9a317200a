/** Whether the check of histories finds what is wrong: each history here is right but for one thing. */
import { describe, expect, it } from 'vitest';
import { type Content, type Fork, type Operation, violations } from './history';

let time = 0;

/** An operation that begins after all that were made before it, and succeeds. */
function call(peer: string, kind: Operation['kind'], details: Partial<Operation> = {}): Operation {
  return { peer, kind, begunAt: ++time, endedAt: ++time, acknowledged: true, ...details };
}

const set = (peer: string, key: string, value: number, details?: Partial<Operation>) =>
  call(peer, 'set', { key, value, ...details });
const increment = (peer: string, key: string, to: number, details?: Partial<Operation>) =>
  call(peer, 'increment', { key, to, result: true, ...details });
const push = (peer: string, items: string[], details?: Partial<Operation>) => call(peer, 'push', { items, ...details });
const pop = (peer: string, result: string | undefined, details?: Partial<Operation>) =>
  call(peer, 'pop', { result, ...details });
const read = (peer: string, key: string, result?: number) => call(peer, 'read', { key, result });

/** It failed, or its process ended first. */
const UNKNOWN: Partial<Operation> = { acknowledged: false, code: 'TIMEOUT', result: undefined };

function check(operations: Operation[], end: Partial<Content>, fork?: Fork): string[] {
  return violations({ operations, notes: [] }, { map: [], queue: [], ...end }, fork);
}

describe('sets', () => {
  const sets = () => [set('a', 'once/a/1', 1), set('a', 'once/a/2', 2), set('a', 'last/a', 1), set('a', 'last/a', 2)];

  it('that are all there are right, also when a later one was not acknowledged', () => {
    const end: Content['map'] = [
      ['once/a/1', 1],
      ['once/a/2', 2],
      ['last/a', 2],
    ];

    expect(check(sets(), { map: end })).toEqual([]);
    expect(check([...sets(), set('a', 'last/a', 3, UNKNOWN)], { map: end })).toEqual([]);
    expect(check([...sets(), set('a', 'last/a', 3, UNKNOWN)], { map: [...end.slice(0, 2), ['last/a', 3]] })).toEqual(
      [],
    );
  });

  it.each<[string, Content['map'], string]>([
    [
      'is missing',
      [
        ['once/a/1', 1],
        ['last/a', 2],
      ],
      'once/a/2 was acknowledged as 2 and is 0',
    ],
    [
      'went back',
      [
        ['once/a/1', 1],
        ['once/a/2', 2],
        ['last/a', 1],
      ],
      'last/a was acknowledged as 2 and is 1',
    ],
    [
      'is in another order',
      [
        ['once/a/2', 2],
        ['once/a/1', 1],
        ['last/a', 2],
      ],
      'a set 2 before 1',
    ],
    [
      'is of nobody',
      [
        ['once/a/1', 1],
        ['once/a/2', 2],
        ['last/a', 3],
      ],
      'last/a is 3, which nobody has set',
    ],
    [
      'is new',
      [
        ['once/a/1', 1],
        ['once/a/2', 2],
        ['last/a', 2],
        ['last/b', 1],
      ],
      'last/b was set by nobody',
    ],
  ])('of which one %s are wrong', (_, map, line) => {
    expect(check(sets(), { map })).toEqual([line]);
  });
});

describe('a counter', () => {
  const increments = () => [
    increment('a', 'count/shared', 1),
    increment('b', 'count/shared', 2),
    increment('a', 'count/shared', 2, { result: false }),
    increment('b', 'count/shared', 3, UNKNOWN),
  ];

  it('is at least what was acknowledged, and at most that and what is unknown', () => {
    expect(check(increments(), { map: [['count/shared', 1]] })).toEqual([
      'count/shared is 1 after 2 acknowledged increments',
    ]);
    expect(check(increments(), { map: [['count/shared', 2]] })).toEqual([]);
    expect(check(increments(), { map: [['count/shared', 3]] })).toEqual([]);
    expect(check(increments(), { map: [['count/shared', 4]] })).toEqual([
      'count/shared is 4 after 2 acknowledged increments and 1 unknown',
    ]);
  });

  it('is raised to each value by one caller', () => {
    expect(check([...increments(), increment('c', 'count/shared', 2)], { map: [['count/shared', 3]] })).toEqual([
      'b and c have both raised count/shared to 2',
    ]);
  });
});

describe('a queue', () => {
  const pushes = () => [push('a', ['a/1', 'a/2']), push('b', ['b/1']), push('a', ['a/3'], UNKNOWN)];

  it('gives each item to one caller, or has it', () => {
    expect(check([...pushes(), pop('b', 'a/1'), pop('b', undefined)], { queue: ['a/2', 'b/1'] })).toEqual([]);
    expect(check([...pushes(), pop('b', 'a/1')], { queue: ['a/2', 'b/1', 'a/3'] })).toEqual([]);
  });

  it.each<[string, () => Operation[], string[], string]>([
    [
      'is popped twice',
      () => [pop('b', 'a/1'), pop('a', 'a/1')],
      ['a/2', 'b/1'],
      'a/1 was popped by b and was popped by a',
    ],
    ['is popped and left', () => [pop('b', 'a/1')], ['a/1', 'a/2', 'b/1'], 'a/1 was popped by b and is in the queue'],
    ['is there twice', () => [], ['a/1', 'a/2', 'b/1', 'b/1'], 'b/1 is in the queue and is in the queue'],
    ['is missing', () => [pop('b', 'a/1')], ['b/1'], '1 items are missing after 0 unknown pops: a/2'],
    ['is of nobody', () => [], ['a/1', 'a/2', 'b/1', 'c/1'], 'c/1 is in the queue and was pushed by nobody'],
    ['is out of order', () => [], ['a/2', 'a/1', 'b/1'], 'a/2 is before a/1 in the queue'],
    ['overtook another', () => [pop('b', 'a/2')], ['a/1', 'b/1'], 'a/2 is before a/1 in what b popped, and the queue'],
  ])('of which an item %s is wrong', (_, pops, queue, line) => {
    expect(check([...pushes(), ...pops()], { queue })).toEqual([line]);
  });

  it('may miss as many items as there are unknown pops', () => {
    expect(check([...pushes(), pop('b', undefined, UNKNOWN)], { queue: ['a/2', 'b/1'] })).toEqual([]);
    expect(check([...pushes(), pop('b', undefined, UNKNOWN)], { queue: ['b/1'] })).toEqual([
      '2 items are missing after 1 unknown pops: a/1 a/2',
    ]);
  });
});

describe('a read', () => {
  const map: Content['map'] = [['last/a', 3]];

  it('shows what was acknowledged before it began, or what was under way', () => {
    const first = set('a', 'last/a', 1);
    const under = set('a', 'last/a', 3, { endedAt: time + 100 });

    expect(check([first, read('b', 'last/a', 1), read('b', 'last/a', 3), under], { map })).toEqual([]);
  });

  it('is wrong if it shows less, or what nobody had set yet', () => {
    const before = [set('a', 'last/a', 1), set('a', 'last/a', 2), read('b', 'last/a', 1), read('b', 'last/a', 3)];

    expect(check([...before, set('a', 'last/a', 3)], { map })).toEqual([
      'b read last/a as 1 after 2 was acknowledged',
      'b read last/a as 3 before that was set',
    ]);
  });
});

describe('what happens by itself', () => {
  it.each(['error', 'went-back', 'reformed'])('%s is wrong', (event) => {
    const notes = [{ peer: 'a', event, args: [1] }];

    expect(violations({ operations: [], notes }, { map: [], queue: [] })).toEqual([`a: ${event} [1]`]);
  });

  it('failures are of the codes that users are told of', () => {
    const failed = { acknowledged: false, result: undefined };

    expect(
      check(
        [pop('a', undefined, { ...failed, code: 'NO_LEADER' }), pop('a', undefined, { ...failed, code: 'INTERNAL' })],
        {},
      ),
    ).toEqual(['pop of a failed with INTERNAL']);
  });
});

describe('a grid that went on with what one peer had', () => {
  /** What peers did before, what the survivor has of it, and what happens after it. */
  function forked(after: () => Operation[], end: Partial<Content>): string[] {
    const operations = [
      set('a', 'last/a', 1),
      set('a', 'last/a', 2),
      increment('a', 'count/shared', 1),
      increment('a', 'count/shared', 2),
      push('a', ['a/1']),
      push('a', ['a/2']),
      push('a', ['a/3']),
      pop('a', 'a/1'),
      pop('b', 'a/2'),
    ];
    const survived: Content = {
      map: [
        ['last/a', 1],
        ['count/shared', 1],
      ],
      queue: ['a/2'],
    };
    const fork: Fork = { at: ++time, survived };

    return check([...operations, ...after()], end, fork);
  }

  it('may have lost what that peer did not have', () => {
    const after = () => [increment('b', 'count/shared', 2), pop('c', 'a/2')];

    expect(
      forked(after, {
        map: [
          ['last/a', 1],
          ['count/shared', 2],
        ],
      }),
    ).toEqual([]);
    expect(
      forked(() => [], {
        map: [
          ['last/a', 2],
          ['count/shared', 2],
        ],
        queue: ['a/2', 'a/3'],
      }),
    ).toEqual([]);
  });

  it('must have what that peer had, and what came later', () => {
    expect(forked(() => [], { map: [['count/shared', 1]], queue: ['a/2'] })).toEqual([
      'last/a was acknowledged as 1 and is 0',
    ]);
    expect(forked(() => [], { map: [['last/a', 1]], queue: ['a/2'] })).toEqual([
      'count/shared is 0 after 1 acknowledged increments',
    ]);
    expect(
      forked(() => [set('c', 'last/c', 1)], {
        map: [
          ['last/a', 1],
          ['count/shared', 1],
        ],
        queue: ['a/2'],
      }),
    ).toEqual(['last/c was acknowledged as 1 and is 0']);
    expect(
      forked(() => [pop('c', 'a/2'), pop('d', 'a/2')], {
        map: [
          ['last/a', 1],
          ['count/shared', 1],
        ],
      }),
    ).toEqual(['a/2 was popped by c and was popped by d']);
  });
});
