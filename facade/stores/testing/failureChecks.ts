/** What becomes of an operation that the store cannot carry out, and of those around it. */
import { toError } from '../../node/guardedEmit';
import type { ExactStore, StoreAction, StoreResult } from '../ExactStore';
import { holds, same } from './assertions';
import { type Check, entriesOf, perform } from './Subject';

export function failureChecks<K, V>(failing: StoreAction<K, V>): Check<K, V, ExactStore<K, V>>[] {
  return [
    {
      name: 'failure: a single write rejects, and the map goes on',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        for (const context of [undefined, subject.context({ index: 3 })]) {
          const error = await perform(store, failing, context).then(
            () => undefined,
            (thrown) => thrown,
          );

          // Not `instanceof`: under jest, errors of Node.js are of another realm.
          holds(error !== undefined && toError(error) === error, 'it rejects with an error');
          holds(!('code' in error && String(error.code).startsWith('STALE_')), 'which is no refusal');
        }
        same(
          await store.insert(samples.key(0), samples.value(0), subject.context({ index: 4 })),
          undefined,
          'the next operation',
        );
      },
    },
    {
      name: 'failure: one operation of a batch fails, and the others are carried out; again, all ends as it did',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const set = (number: number): StoreAction<K, V> => ({
          method: 'set',
          key: samples.key(0),
          value: samples.value(number),
        });
        const operations = [set(0), failing, set(1), failing, set(2)].map((action, index) =>
          subject.operation(action, { index }),
        );
        const first = await store.applyBatch(operations, subject.batchContext());
        const second = await store.applyBatch(operations, subject.batchContext({ term: 2, attempt: 2 }));

        same(
          first.map((result) => (result.status === 'done' ? result.result : result.status)),
          [undefined, 'failed', samples.value(0), 'failed', samples.value(1)],
          'the first time',
        );
        same(
          second.map((result) => [textOf(result), result.status !== 'refused' && result.repeated]),
          first.map((result) => [textOf(result), true]),
          'the second time',
        );
        same(await entriesOf(store), samples.entries([0, 2]), 'the entries');
      },
    },
  ];
}

function textOf<K, V>(result: StoreResult<K, V>): unknown {
  return result.status === 'done' ? result.result : result.error.message;
}
