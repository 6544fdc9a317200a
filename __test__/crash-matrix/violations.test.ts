/** Whether the check of a round finds what is wrong: each history here is right but for one thing. */
import { describe, expect, it } from 'vitest';
import type { Answer, Batch, Call, Death, Operation } from './history';
import type { Content } from './model';
import { violations } from './violations';

const GRIDS = [
  { gridId: 'g1', epoch: 1 },
  { gridId: 'g2', epoch: 2 },
];

let time = 0;

/** A set with what it found, by the process that its value names. */
function set(key: string, value: string, found?: string, details: Partial<Call> = {}): Call {
  const [peer = ''] = value.split('/');

  return { peer, kind: 'set', key, value, acknowledged: true, result: found, ...details };
}

function count(value: string, oldValue: string | undefined, details: Partial<Call> = {}): Call {
  const [peer = ''] = value.split('/');
  const change = { peer, key: 'count/0', value, acknowledged: true };

  return oldValue === undefined
    ? { ...change, kind: 'insert', ...details }
    : { ...change, kind: 'updateIf', oldValue, result: true, ...details };
}

function claim(value: string, found?: string): Call {
  return { peer: 'a-1', kind: 'insert', key: 'claim/1', value, acknowledged: true, result: found };
}

/** It failed, or its process ended first. */
const UNKNOWN: Partial<Call> = { acknowledged: false, result: undefined };

/** The calls as operations of the store; the id is the value. */
function operationsOf(calls: readonly Call[]): Operation[] {
  return calls.map(({ kind, key, keys, value, oldValue, entries }, index) => ({
    method: kind,
    operationId: value ?? `${index}`,
    index,
    ...{ key, keys, value, oldValue, entries },
  }));
}

/** A batch of these with the store's results; without any, it was never answered. */
function batch(operations: readonly Operation[], results?: readonly unknown[], details: Partial<Batch> = {}): Batch {
  const answers = results?.map((result): Answer => ({ status: 'done', repeated: false, result }));

  return { peer: 'a-1', epoch: 1, term: 1, operations, sentAt: ++time, answeredAt: ++time, answers, ...details };
}

/** Each answer is that of a repetition. */
function again({ answers, operations, ...rest }: Batch): Batch {
  const repeated = answers?.map((answer) => ({ ...answer, repeated: true }));

  return { ...rest, operations, sentAt: ++time, answeredAt: ++time, answers: repeated };
}

function check(
  calls: readonly Call[],
  batches: readonly Batch[],
  end: Record<string, string>,
  deaths: readonly Death[] = [],
): string[] {
  const content: Content = new Map(Object.entries(end));

  return violations({ calls, batches, deaths, epochs: GRIDS }, content);
}

describe('a chain of sets', () => {
  const calls = [set('chain/0', 'a-1/1'), set('chain/0', 'b-1/1', 'a-1/1'), set('chain/0', 'a-1/2', 'b-1/1')];
  const operations = operationsOf(calls);
  const results = calls.map(({ result }) => result);
  const end = { 'chain/0': 'a-1/2' };
  const [first, second, third] = operations.map((it, at) => batch([it], [results[at]])) as [Batch, Batch, Batch];

  it('is right', () => {
    expect(check(calls, [batch(operations, results)], end)).toEqual([]);
    expect(check(calls, [first, second, third], end)).toEqual([]);
  });

  it('is right when a batch without an answer is sent again, and known', () => {
    const sent = batch(operations.slice(0, 2));
    const known = again(batch(operations.slice(0, 2), results.slice(0, 2)));

    expect(check(calls, [sent, known, batch(operations.slice(2), ['b-1/1'])], end)).toEqual([]);
  });

  it('a set was acknowledged, and the store has never heard of it', () => {
    expect(check(calls, [batch(operations.slice(0, 2), results.slice(0, 2))], { 'chain/0': 'b-1/1' })).toEqual(
      [
        'of chain/0, a-1/2 are gone, and at most 0 calls may have taken one',
        'set chain/0 of a-1/2 was acknowledged and never carried out',
      ].reverse(),
    );
  });

  it('a set is lost in the end', () => {
    expect(check(calls, [first, second, third], { 'chain/0': 'b-1/1' })).toContain(
      'chain/0 is b-1/1 in the end, not a-1/2',
    );
  });

  it('a set is carried out twice', () => {
    expect(check(calls, [first, { ...first, sentAt: ++time, answeredAt: ++time }, second, third], end)).toContain(
      'set a-1/1 of a-1 was carried out twice',
    );
  });

  it('a repetition has another result', () => {
    const other = again(batch([operations[0] as Operation], ['b-1/7']));

    expect(check(calls, [first, other, second, third], end)).toContain(
      'set a-1/1 of a-1 had other results when it was repeated',
    );
  });

  it('an operation is taken for another one', () => {
    const taken = batch(operations.slice(2), ['a-1/1']);

    expect(
      check([...calls.slice(0, 2), set('chain/0', 'a-1/2', 'a-1/1')], [first, second, again(taken)], end),
    ).toContain('set chain/0 a-1/2 of a-1 gave "a-1/1", not "b-1/1"');
  });

  it('a deposed leader overwrites', () => {
    const late = set('chain/0', 'c-1/1', undefined, UNKNOWN);
    const written = batch(operationsOf([late]), ['a-1/2'], { sentAt: ++time, answeredAt: ++time });

    expect(check([...calls, late], [first, second, third, written], end)).toContain(
      'chain/0 is a-1/2 in the end, not c-1/1',
    );
  });

  it('two sets overwrite the same', () => {
    const fork = set('chain/0', 'c-1/1', 'a-1/1');

    expect(check([...calls, fork], [first, second, third], end)).toContain(
      'set chain/0 of b-1/1 and set chain/0 of c-1/1 have both overwritten a-1/1',
    );
  });

  it('a caller was told something else than the store has said', () => {
    const wrong = [...calls.slice(0, 2), set('chain/0', 'a-1/2', 'a-1/1')];

    expect(check(wrong, [first, second, third], end)).toContain(
      'set chain/0 of a-1/2 gave "a-1/1", and "b-1/1" in the store',
    );
  });

  it('sets of one peer change places', () => {
    const [x, y] = [set('chain/0', 'a-1/2'), set('chain/1', 'a-1/1')];

    expect(
      check([y, x], [batch(operationsOf([x, y]), [undefined, undefined])], { 'chain/0': 'a-1/2', 'chain/1': 'a-1/1' }),
    ).toEqual(['a-1/1 was carried out after a-1/2']);
  });

  it('operations come in another order than they were committed', () => {
    const [x, y, z] = operations as [Operation, Operation, Operation];

    expect(check(calls, [batch([{ ...x, index: 3 }, y, z], results)], end)).toEqual(['b-1/1 (1, 1) came after (1, 3)']);
  });

  it('a committed operation is given up', () => {
    const lost = set('chain/1', 'b-1/2', undefined, UNKNOWN);

    expect(check([...calls, lost], [first, second, third, batch(operationsOf([lost]))], end)).toEqual([
      'set b-1/2 of a-1 was never carried out',
    ]);
  });

  it('a leader died before the mark, and the next one knows nothing of what it did', () => {
    const death = { peer: 'a-1', point: 'answered', at: time, operationIds: ['b-1/1'] };
    const next = batch(operations.slice(2), ['b-1/1'], { peer: 'b-1', sentAt: ++time, answeredAt: ++time });
    const known = again({ ...second, peer: 'b-1' });

    expect(check(calls, [first, second, known, { ...next, answeredAt: ++time }], end, [death])).toEqual([]);
    expect(check(calls, [first, second, next], end, [death])).toEqual([
      'b-1/1 was done for a-1, which died before its mark, and is not known again',
    ]);
    expect(check(calls, [first, second, { ...next, epoch: 2 }], end, [death])).toEqual([]);

    const unheard = { ...next, answers: undefined, answeredAt: undefined };

    expect(check(calls, [first, second, unheard], end, [death])).not.toContainEqual(
      expect.stringContaining('known again'),
    );
  });

  it('an operation is sent again after its mark was committed', () => {
    const death = { peer: 'a-1', point: 'marked', at: time, operationIds: ['a-1/2'] };
    const after = { ...again(third), peer: 'b-1' };

    expect(check(calls, [first, second, third, after], end, [death])).toEqual([
      'a-1/2 was marked by a-1, and sent by b-1 after that',
    ]);
  });

  it('a leader writes in an epoch that nobody has', () => {
    expect(check(calls, [batch(operations, results, { epoch: 3 })], end)).toContain(
      'a-1 writes in epoch 3, which no grid has',
    );
  });
});

describe('what nobody has heard of when a grid ended', () => {
  const calls = [
    set('chain/0', 'a-1/1'),
    set('chain/0', 'a-1/2', 'a-1/1', UNKNOWN),
    set('chain/1', 'a-1/3', undefined, UNKNOWN),
  ];
  const next = (found: string) => set('chain/0', 'b-1/1', found);
  const [first, ...others] = operationsOf(calls) as [Operation, ...Operation[]];
  const round = (found: string, end: Record<string, string>) =>
    check(
      [...calls, next(found)],
      [batch([first], [undefined]), batch(others), batch(operationsOf([next(found)]), [found], { epoch: 2 })],
      end,
    );

  it('may be in the store, or not', () => {
    expect(round('a-1/2', { 'chain/0': 'b-1/1', 'chain/1': 'a-1/3' })).toEqual([]);
    expect(round('a-1/1', { 'chain/0': 'b-1/1' })).toEqual([]);
  });

  it('is there as a whole', () => {
    expect(round('a-1/2', { 'chain/0': 'b-1/1' })).toEqual(['chain/1 is undefined in the end, not a-1/3']);
  });
});

describe('a counter', () => {
  const calls = [
    count('a-1/1 1', undefined),
    count('b-1/1 2', 'a-1/1 1', { ...UNKNOWN }),
    count('a-1/2 3', 'b-1/1 2'),
    count('b-1/2 3', 'b-1/1 2', { result: false }),
  ];
  const results = [undefined, true, true, false];

  it('is right, with the call of unknown outcome that raised it', () => {
    expect(check(calls, [batch(operationsOf(calls), results)], { 'count/0': 'a-1/2 3' })).toEqual([]);
  });

  it('is raised by a call that was told it did not', () => {
    const wrong = [...calls.slice(0, 2), calls[3] as Call, { ...(calls[2] as Call), result: false }];

    expect(check(wrong, [batch(operationsOf(calls), results)], { 'count/0': 'a-1/2 3' })).toContain(
      'updateIf count/0 of a-1/2 did not succeed, and took effect',
    );
  });

  it('loses one', () => {
    const lost = [...calls.slice(0, 2), { ...(calls[2] as Call) }, count('b-1/2 3', 'b-1/1 2')];

    expect(check(lost, [batch(operationsOf(lost), [undefined, true, true, true])], { 'count/0': 'a-1/2 3' })).toContain(
      'updateIf count/0 of b-1/2 succeeded, and is gone',
    );
  });
});

describe('a claim', () => {
  it('belongs to whom all were told', () => {
    const calls = [claim('a-1/1'), claim('b-1/1', 'a-1/1')];
    const batches = [batch(operationsOf(calls), [undefined, 'a-1/1'])];

    expect(check(calls, batches, { 'claim/1': 'a-1/1' })).toEqual([]);
  });

  it('belongs to two', () => {
    const calls = [claim('a-1/1'), claim('b-1/1')];
    const batches = [batch(operationsOf(calls), [undefined, undefined])];

    expect(check(calls, batches, { 'claim/1': 'a-1/1' })).toContain(
      'insert claim/1 of b-1/1 was told that it belongs to b-1/1, and it belongs to a-1/1',
    );
  });
});

describe('slots', () => {
  const fill = (value: string, updated: [string, string][]): Call => ({
    peer: value.split('/')[0] ?? '',
    kind: 'setAll',
    entries: [['slot/0', value]],
    acknowledged: true,
    result: updated,
  });
  const take = (taken: [string, string][]): Call => ({
    peer: 'b-1',
    kind: 'removeAll',
    keys: ['slot/0'],
    acknowledged: true,
    result: taken,
  });
  const filled = { inserted: [['slot/0', 'a-1/1']], updated: [] };

  it('give what is in them to one', () => {
    const calls = [fill('a-1/1', []), take([['slot/0', 'a-1/1']]), take([])];

    expect(check(calls, [batch(operationsOf(calls), [filled, [['slot/0', 'a-1/1']], []])], {})).toEqual([]);
  });

  it('give it to two', () => {
    const calls = [fill('a-1/1', []), take([['slot/0', 'a-1/1']]), take([['slot/0', 'a-1/1']])];

    expect(check(calls, [batch(operationsOf(calls), [filled, [['slot/0', 'a-1/1']], []])], {})).toEqual([
      'removeAll slot/0 of b-1 and removeAll slot/0 of b-1 have both overwritten a-1/1',
    ]);
  });

  it('lose it', () => {
    const calls = [fill('a-1/1', [])];

    expect(check(calls, [batch(operationsOf(calls), [filled])], {})).toEqual([
      'of slot/0, a-1/1 are gone, and at most 0 calls may have taken one',
      'slot/0 is undefined in the end, not a-1/1',
    ]);
  });
});

it('a failure that nobody is told to expect', () => {
  const failed = set('chain/0', 'a-1/1', undefined, { ...UNKNOWN, code: 'CALLBACK_FAILED' });

  expect(check([failed], [], {})).toEqual(['set chain/0 of a-1/1 failed with CALLBACK_FAILED']);
});
