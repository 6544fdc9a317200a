/** What happens when several peers write because each believes that it leads. */
import type { ExactStore, StoreResult } from '../ExactStore';
import { holds, same } from './assertions';
import type { Check, Subject } from './Subject';

const TERMS = 4;
const WRITES = 25;
/** Indexes of a term are above those of the terms before. */
const INDEXES_PER_TERM = 1000;

type ExactSubject<K, V> = Subject<K, V, ExactStore<K, V>>;

export function concurrencyChecks<K, V>(): Check<K, V, ExactStore<K, V>>[] {
  return [
    {
      name: 'concurrency: of leaders that write at the same time, no earlier one writes after a later one',
      async run(subject) {
        const { samples } = subject;
        const written: { number: number; before: number | undefined }[] = [];

        await race(subject, written);

        // Each value was set in place of another: that is the order in which the store has carried them out.
        const next = new Map(written.map(({ number, before }) => [before, number]));
        const order: number[] = [];

        for (let at = next.get(undefined); at !== undefined; at = next.get(at)) order.push(at);
        same(order.length, written.length, 'the number of sets that found what another had set');
        holds(
          order.every((number, at) => at === 0 || number > (order[at - 1] as number)),
          `terms and indexes rise in the order in which the store carried them out: ${order}`,
        );
        holds((order.at(-1) ?? 0) >= TERMS * INDEXES_PER_TERM, 'the last leader has written');

        const last = await (await subject.open()).get(samples.key(0));

        same(last, samples.value(order.at(-1) as number), 'the value');
      },
    },
    {
      name: 'concurrency: an operation that two peers carry out at the same time takes effect once',
      async run(subject) {
        const { samples } = subject;
        const stores = [await subject.open(), await subject.open()];

        await stores[0]?.set(samples.key(0), samples.value(0));
        for (let number = 0; number < WRITES; number++) {
          const operation = subject.operation(
            {
              method: 'updateIf',
              key: samples.key(0),
              value: samples.value(number + 1),
              oldValue: samples.value(number),
            },
            { index: number },
          );
          const results = await Promise.all(
            stores.map((store) => store.applyBatch([operation], subject.batchContext())),
          );

          same(
            results.map(([result]) => (result as StoreResult<K, V>).status === 'done' && withoutMark(result)),
            [true, true],
            `the results of operation ${number}`,
          );
          same(
            results.map(([result]) => result?.status === 'done' && result.repeated).sort(),
            [false, true],
            'which of them is the repetition',
          );
        }
      },
    },
  ];
}

/** Each leader begins when the one before is in the middle of its writes, and ends when it is refused. */
async function race<K, V>(
  subject: ExactSubject<K, V>,
  written: { number: number; before: number | undefined }[],
): Promise<void> {
  const { samples } = subject;
  const started: (() => void)[] = [];
  const begins = Array.from({ length: TERMS + 2 }, () => new Promise<void>((resolve) => started.push(resolve)));
  const lead = async (term: number) => {
    const store = await subject.open();

    await begins[term];
    for (let write = 0; write < WRITES; write++) {
      const number = term * INDEXES_PER_TERM + write;
      const action = { method: 'set', key: samples.key(0), value: samples.value(number) } as const;
      const operation = subject.operation(action, { index: number });
      const [result] = await store.applyBatch([operation], subject.batchContext({ term }));

      if (write === 5) started[term + 1]?.();
      if (result?.status === 'refused') break;
      holds(result?.status === 'done', `a set is carried out or refused, not ${result?.status}`);

      const before = result.result as V | undefined;

      written.push({ number, before: before === undefined ? undefined : samples.numberOf(before) });
    }
    started[term + 1]?.();
  };

  started[1]?.();
  await Promise.all(Array.from({ length: TERMS }, (_, term) => lead(term + 1)));
}

function withoutMark<K, V>(result: StoreResult<K, V> | undefined): unknown {
  return result?.status === 'done' ? result.result : result;
}
