/** What each mutation does by itself: plain, fenced, and again. */
import type { ExactStore } from '../ExactStore';
import { exampleOf, METHODS, start } from './actions';
import { refused, same } from './assertions';
import { type Check, entriesOf, perform, set } from './Subject';

type ExactCheck<K, V> = Check<K, V, ExactStore<K, V>>;

export function actionChecks<K, V>(): ExactCheck<K, V>[] {
  return [
    ...METHODS.flatMap((method) => checksOf<K, V>(method)),
    {
      name: 'insert: gives the value that exists, and changes nothing',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        same(await store.insert(samples.key(0), samples.value(0)), undefined, 'the first insert');
        same(await store.insert(samples.key(0), samples.value(1)), samples.value(0), 'the second insert');
        same(await store.get(samples.key(0)), samples.value(0), 'get');
        same(await store.insertAll(new Map()), new Map(), 'insertAll of nothing');
      },
    },
    {
      name: 'updateIf: does nothing when the value is another, or none',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        same(await store.updateIf(samples.key(0), samples.value(1), samples.value(0)), false, 'without a value');
        await set(store, samples.key(0), samples.value(0));
        same(await store.updateIf(samples.key(0), samples.value(2), samples.value(1)), false, 'with another value');
        same(await store.updateIf(samples.key(0), samples.value(2), samples.value(0)), true, 'with this value');
        same(await entriesOf(store), samples.entries([0, 2]), 'the entries');
      },
    },
  ];
}

function checksOf<K, V>(method: (typeof METHODS)[number]): ExactCheck<K, V>[] {
  return [
    {
      name: `${method}: does the same with a context and without`,
      async run(subject) {
        const { action, entries, result } = exampleOf(subject.samples, method);

        for (const context of [undefined, subject.context()]) {
          const store = await subject.open(context ? '-fenced' : '-plain');
          const what = context ? 'with a context' : 'without';

          await start(store, subject.samples);
          same(await perform(store, action, context), result, `what ${method} gives ${what}`);
          same(await entriesOf(store), entries, `the entries ${what}`);
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
