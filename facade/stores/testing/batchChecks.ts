/** What a batch is: its operations one after the other, and all of them in one step. */
import type { ExactStore, StoreAction, StoreResult } from '../ExactStore';
import { examples, start } from './actions';
import { holds, same } from './assertions';
import { type Check, entriesOf, perform, set } from './Subject';

export function batchChecks<K, V>(): Check<K, V, ExactStore<K, V>>[] {
  return [
    {
      name: 'batch: of nothing gives nothing',
      async run(subject) {
        same(await (await subject.open()).applyBatch([], subject.batchContext()), [], 'the results');
      },
    },
    {
      name: 'batch: each kind of operation gives what its function gives',
      async run(subject) {
        for (const { action, entries, result } of examples(subject.samples)) {
          const store = await subject.open(`-${action.method}`);

          await start(store, subject.samples);
          same(
            await store.applyBatch([subject.operation(action)], subject.batchContext()),
            [done(result)],
            action.method,
          );
          same(await entriesOf(store), entries, `the entries after ${action.method}`);
        }
      },
    },
    {
      name: 'batch: its operations see one another, in their order',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const [key, value] = [samples.key(0), (number: number) => samples.value(number)];
        const actions: StoreAction<K, V>[] = [
          { method: 'set', key, value: value(1) },
          { method: 'set', key, value: value(2) },
          { method: 'insert', key, value: value(3) },
          { method: 'updateIf', key, value: value(4), oldValue: value(2) },
          { method: 'updateIf', key, value: value(5), oldValue: value(2) },
          { method: 'remove', key },
          { method: 'remove', key },
          { method: 'insert', key, value: value(6) },
          { method: 'setAll', entries: samples.entries([0, 7], [1, 8]) },
          { method: 'clear' },
          { method: 'insertAll', entries: samples.entries([1, 9], [2, 10]) },
          { method: 'removeAll', keys: [samples.key(0), samples.key(2)] },
          { method: 'insert', key: samples.key(2), value: value(11) },
        ];
        const results = await store.applyBatch(
          actions.map((action, index) => subject.operation(action, { index })),
          subject.batchContext(),
        );

        same(
          results.map((result) => (result.status === 'done' ? result.result : result)),
          [
            undefined,
            value(1),
            value(2),
            true,
            false,
            value(4),
            undefined,
            undefined,
            { inserted: [[samples.key(1), value(8)]], updated: [[key, value(6), value(7)]] },
            undefined,
            new Map(),
            samples.entries([2, 10]),
            undefined,
          ],
          'the results',
        );
        same(await entriesOf(store), samples.entries([1, 9], [2, 11]), 'the entries');
      },
    },
    {
      name: 'batch: repeated, gives what it gave, and changes nothing',
      async run(subject) {
        const { samples } = subject;
        const [store, other] = [await subject.open(), await subject.open()];
        const operations = examples(samples).map(({ action }, index) => subject.operation(action, { index }));

        await start(store, samples);

        const first = await store.applyBatch(operations, subject.batchContext());

        await set(store, samples.key(5), samples.value(5), subject.context({ index: 50 }));

        const second = await other.applyBatch(operations, subject.batchContext({ term: 2, attempt: 2 }));

        same(
          second,
          first.map((result) => ({ ...result, repeated: true })),
          'the results',
        );
        same(await entriesOf(store), samples.entries([5, 5]), 'the entries');
      },
    },
    {
      name: 'batch: known operations are answered, and new ones carried out',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const operations = [0, 1, 2, 3].map((number) =>
          subject.operation({ method: 'set', key: samples.key(0), value: samples.value(number) }, { index: number }),
        );

        await store.applyBatch(operations.slice(0, 2), subject.batchContext());
        same(
          await store.applyBatch(operations, subject.batchContext({ term: 2, attempt: 2 })),
          [
            { ...done(undefined), repeated: true },
            { ...done(samples.value(0)), repeated: true },
            done(samples.value(1)),
            done(samples.value(2)),
          ],
          'the results',
        );
        same(await store.get(samples.key(0)), samples.value(3), 'the value');
      },
    },
    {
      name: 'batch: an operation that comes twice in it is carried out once',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const operation = subject.operation({ method: 'set', key: samples.key(0), value: samples.value(0) });

        same(
          await store.applyBatch([operation, operation], subject.batchContext()),
          [done(undefined), { ...done(undefined), repeated: true }],
          'the results',
        );
      },
    },
    {
      name: 'batch: an operation that is refused is not carried out, whatever comes before it',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const nothing = subject.operation({ method: 'setAll', entries: new Map() }, { index: 10 });
        const late = subject.operation({ method: 'set', key: samples.key(0), value: samples.value(0) }, { index: 5 });
        const results = await store.applyBatch([nothing, late], subject.batchContext());

        same(
          results.map(({ status }) => status),
          ['done', 'refused'],
          'how they ended',
        );
        same(await entriesOf(store), new Map(), 'the entries');
      },
    },
    {
      name: 'batch: what was done in a batch is recognised outside of it, and the other way round',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const action: StoreAction<K, V> = { method: 'set', key: samples.key(0), value: samples.value(0) };

        await store.applyBatch([subject.operation(action, { index: 1, operationId: 'a' })], subject.batchContext());
        await perform(store, action, subject.context({ index: 2, operationId: 'b' }));
        same(
          await perform(store, action, subject.context({ index: 1, operationId: 'a' })),
          undefined,
          'the single write',
        );
        same(
          await store.applyBatch([subject.operation(action, { index: 2, operationId: 'b' })], subject.batchContext()),
          [{ ...done(samples.value(0)), repeated: true }],
          'the batch',
        );
      },
    },
    {
      name: 'batch: of a lower epoch or term is refused as a whole',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const operations = [0, 1].map((number) =>
          subject.operation(
            { method: 'set', key: samples.key(number), value: samples.value(9) },
            { index: number + 9 },
          ),
        );

        await set(store, samples.key(0), samples.value(0), subject.context({ epoch: 2, term: 2, index: 2 }));
        for (const place of [
          { epoch: 1, term: 3 },
          { epoch: 2, term: 1 },
        ]) {
          const results = await store.applyBatch(operations, subject.batchContext(place));

          same(results.map(refusal), ['STALE_EPOCH', 'STALE_EPOCH'], `in ${JSON.stringify(place)}`);
        }
        same(await entriesOf(store), samples.entries([0, 0]), 'the entries');
      },
    },
    {
      name: 'batch: from an index that is refused on, all are; what was before it stands',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const operations = [6, 8, 7, 9].map((index) =>
          subject.operation({ method: 'set', key: samples.key(index), value: samples.value(index) }, { index }),
        );

        await set(store, samples.key(0), samples.value(0), subject.context({ index: 5 }));

        const results = await store.applyBatch(operations, subject.batchContext());

        same(results.slice(0, 2), [done(undefined), done(undefined)], 'the first two');
        same(results.slice(2).map(refusal), ['STALE_INDEX', 'STALE_INDEX'], 'the other two');
        same(await entriesOf(store), samples.entries([0, 0], [6, 6], [8, 8]), 'the entries');
      },
    },
    {
      name: 'batch: may have 1,024 operations, and operations thousands of entries',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const many = samples.many(5000);
        const context = subject.batchContext();
        const sets = Array.from({ length: 1024 }, (_, number) =>
          subject.operation({ method: 'set', key: samples.key(number), value: samples.value(number) }, { index: 1 }),
        );
        const results = await store.applyBatch(sets, context);

        holds(
          results.length === 1024 && results.every(({ status }) => status === 'done'),
          'all operations of a large batch are carried out',
        );
        same(
          await store.applyBatch(
            [
              subject.operation({ method: 'insertAll', entries: many }, { index: 2 }),
              subject.operation({ method: 'removeAll', keys: [...many.keys()] }, { index: 3 }),
            ],
            context,
          ),
          [done(samples.many(1024)), done(many)],
          'the results for thousands of entries',
        );
        same(await store.size(), 0, 'size');
      },
    },
  ];
}

function done<K, V>(result: Extract<StoreResult<K, V>, { status: 'done' }>['result']) {
  return { status: 'done' as const, result, repeated: false };
}

/** The code of a refusal; what else there is, as it is. */
function refusal<K, V>(result: StoreResult<K, V>): unknown {
  return result.status === 'refused' ? result.error.code : result;
}
