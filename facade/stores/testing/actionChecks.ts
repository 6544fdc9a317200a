/** What each mutation does by itself: plain, fenced, and again. */
import type { ExactStore } from '../ExactStore';
import { exampleOf, METHODS, start } from './actions';
import { refused, same } from './assertions';
import { type Check, entriesOf, perform, type Subject, set } from './Subject';

type ExactCheck<K, V> = Check<K, V, ExactStore<K, V>>;

export function actionChecks<K, V>(): ExactCheck<K, V>[] {
  return [
    ...METHODS.flatMap((method) => checksOf<K, V>(method)),
    {
      name: 'insert: gives the value that exists, and changes nothing',
      async run(subject) {
        const { samples } = subject;

        for (const [what, context] of waysOf(subject)) {
          const store = await subject.open(what);
          const insert = (value: number) => store.insert(samples.key(0), samples.value(value), context());

          same(await insert(0), undefined, `the first insert ${what}`);
          same(await insert(1), samples.value(0), `the second insert ${what}`);
          same(await store.get(samples.key(0)), samples.value(0), `get ${what}`);
          same(await store.insertAll(new Map(), context()), new Map(), `insertAll of nothing ${what}`);
        }
      },
    },
    {
      name: 'updateIf: does nothing when the value is another, or none',
      async run(subject) {
        const { samples } = subject;

        for (const [what, context] of waysOf(subject)) {
          const store = await subject.open(what);
          const updateIf = (value: number, oldValue: number) =>
            store.updateIf(samples.key(0), samples.value(value), samples.value(oldValue), context());

          same(await updateIf(1, 0), false, `without a value, ${what}`);
          await set(store, samples.key(0), samples.value(0), context());
          same(await updateIf(2, 1), false, `with another value, ${what}`);
          same(await updateIf(2, 0), true, `with this value, ${what}`);
          same(await entriesOf(store), samples.entries([0, 2]), `the entries ${what}`);
        }
      },
    },
  ];
}

/** With and without a context: each is that of the next operation of one leader, which stores may have a short way for. */
function waysOf<K, V>(subject: Subject<K, V, ExactStore<K, V>>) {
  let index = 0;

  return [
    ['without a context', () => undefined],
    ['with a context', () => subject.context({ index: ++index })],
  ] as const;
}

function checksOf<K, V>(method: (typeof METHODS)[number]): ExactCheck<K, V>[] {
  return [
    {
      name: `${method}: does the same with a context and without`,
      async run(subject) {
        const { action, entries, result } = exampleOf(subject.samples, method);

        for (const [what, context] of waysOf(subject)) {
          for (const order of ['first', 'next']) {
            const store = await subject.open(`${order} ${what}`);

            await start(store, subject.samples);
            if (order === 'next') await store.remove(subject.samples.key(9), context());
            same(await perform(store, action, context()), result, `what ${method} gives ${what}, as the ${order} one`);
            same(await entriesOf(store), entries, `the entries ${what}, after the ${order} one`);
          }
        }
      },
    },
    {
      name: `${method}: of a lower epoch or term is refused and changes nothing`,
      async run(subject) {
        const { samples } = subject;
        const { action } = exampleOf(samples, method);
        const store = await subject.open();

        await start(store, samples);
        await set(store, samples.key(0), samples.value(0), subject.context({ epoch: 3, term: 3, index: 3 }));
        await refused(
          perform(store, action, subject.context({ epoch: 2, term: 9, index: 9 })),
          'STALE_EPOCH',
          `${method} of a lower epoch`,
        );
        await refused(
          perform(store, action, subject.context({ epoch: 3, term: 2, index: 9 })),
          'STALE_EPOCH',
          `${method} of a lower term`,
        );
        same(await entriesOf(store), samples.entries([0, 0], [1, 1]), 'the entries');
      },
    },
    {
      name: `${method}: with an index below the last, and without a record, is refused and changes nothing`,
      async run(subject) {
        const { samples } = subject;
        const { action } = exampleOf(samples, method);
        const store = await subject.open();

        await start(store, samples);
        await set(store, samples.key(0), samples.value(0), subject.context({ index: 7 }));
        await refused(perform(store, action, subject.context({ index: 6 })), 'STALE_INDEX', method);
        await refused(perform(store, action, subject.context({ term: 2, index: 6 })), 'STALE_INDEX', 'in a later term');
        same(await entriesOf(store), samples.entries([0, 0], [1, 1]), 'the entries');
      },
    },
    {
      name: `${method}: repeated, in any later term and epoch, gives what it gave, and changes nothing`,
      async run(subject) {
        const { samples } = subject;
        const { action, result } = exampleOf(samples, method);
        const [store, other] = [await subject.open(), await subject.open()];
        const operationId = 'the operation';

        await start(store, samples);
        await store.remove(samples.key(9), subject.context({ index: 4 }));
        same(await perform(store, action, subject.context({ index: 5, operationId })), result, 'the first time');
        // Now the same action would find something else and do something else.
        await store.clear(subject.context({ index: 6 }));
        await set(store, samples.key(0), samples.value(0), subject.context({ index: 6 }));
        await set(store, samples.key(2), samples.value(20), subject.context({ index: 6 }));
        for (const place of [
          { term: 1, index: 5 },
          { term: 2, index: 5 },
          { term: 2, index: 8 },
          { epoch: 2, term: 0, index: 0 },
        ]) {
          const context = subject.context({ ...place, operationId, attempt: 2 });

          same(await perform(other, action, context), result, `in ${JSON.stringify(place)}`);
          same(await entriesOf(store), samples.entries([0, 0], [2, 20]), 'the entries');
        }
      },
    },
  ];
}
