/** Which writes the fence lets through, and which not. */
import type { ExactStore } from '../ExactStore';
import { refused, same } from './assertions';
import { type Check, entriesOf, set } from './Subject';

/** What a store has to recognise. */
const RECORDS = 1024;
const BATCH = 64;

export function fenceChecks<K, V>(): Check<K, V, ExactStore<K, V>>[] {
  return [
    {
      name: 'fence: lets equal and rising indexes through, in rising terms',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const places = [
          { term: 1, index: 0 },
          { term: 1, index: 0 },
          { term: 1, index: 4 },
          { term: 3, index: 4 },
          { term: 3, index: 5 },
        ];

        for (const [number, place] of places.entries()) {
          await set(store, samples.key(number), samples.value(number), subject.context(place));
        }
        same(await entriesOf(store), samples.many(places.length), 'the entries');
      },
    },
    {
      name: 'fence: terms and indexes start again in a new epoch',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const [key, value] = [samples.key(0), samples.value(0)];

        await set(store, key, value, subject.context({ epoch: 1, term: 50, index: 500 }));
        await set(store, key, value, subject.context({ epoch: 2, term: 0, index: 0 }));
        await set(store, key, value, subject.context({ epoch: 2, term: 0, index: 3 }));
        await refused(
          set(store, key, value, subject.context({ epoch: 1, term: 99, index: 999 })),
          'STALE_EPOCH',
          'the old epoch',
        );
        await refused(
          set(store, key, value, subject.context({ epoch: 2, term: 0, index: 2 })),
          'STALE_INDEX',
          'a lower index of the new epoch',
        );
      },
    },
    {
      name: 'fence: refuses a deposed leader also what it has done before',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const first = subject.context({ term: 1, index: 1 });

        await set(store, samples.key(0), samples.value(0), first);
        await set(store, samples.key(1), samples.value(1), subject.context({ term: 2, index: 2 }));
        await refused(set(store, samples.key(0), samples.value(0), first), 'STALE_EPOCH', 'the repeated operation');
      },
    },
    {
      name: 'fence: rises also with an operation that is answered from its record',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const first = subject.context({ term: 1, index: 1 });

        await set(store, samples.key(0), samples.value(0), first);
        await set(store, samples.key(0), samples.value(0), { ...first, term: 2, attempt: 2 });
        await refused(
          set(store, samples.key(0), samples.value(1), subject.context({ term: 1, index: 9 })),
          'STALE_EPOCH',
          'the leader of the first term',
        );
        same(await store.get(samples.key(0)), samples.value(0), 'the value');
      },
    },
    {
      name: 'fence: what is refused leaves no trace',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const [key, value] = [samples.key(0), samples.value(0)];

        await set(store, samples.key(1), samples.value(1), subject.context({ term: 1, index: 5 }));
        await refused(
          set(store, key, value, subject.context({ term: 3, index: 4, operationId: 'again' })),
          'STALE_INDEX',
          'an index below the last',
        );
        same(
          await set(store, key, value, subject.context({ term: 2, index: 6, operationId: 'again' })),
          undefined,
          'the same operation, with a place at which it may be carried out',
        );
        same(await store.get(key), value, 'the value');
      },
    },
    {
      name: 'fence: plain writes neither meet nor move it',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await set(store, samples.key(0), samples.value(0), subject.context({ epoch: 2, term: 2, index: 2 }));
        same(await set(store, samples.key(0), samples.value(1)), samples.value(0), 'a plain set');
        await refused(
          set(store, samples.key(0), samples.value(2), subject.context({ epoch: 2, term: 1, index: 3 })),
          'STALE_EPOCH',
          'a lower term',
        );
        same(await store.get(samples.key(0)), samples.value(1), 'the value');
      },
    },
    {
      name: 'fence: each map has its own',
      async run(subject) {
        const { samples } = subject;
        const [store, other] = [await subject.open(), await subject.open('-other')];
        const operationId = 'in both';

        await set(store, samples.key(0), samples.value(0), subject.context({ epoch: 5, index: 9, operationId }));
        same(
          await set(other, samples.key(0), samples.value(1), subject.context({ epoch: 1, index: 1, operationId })),
          undefined,
          'a set in another map',
        );
        same(await other.get(samples.key(0)), samples.value(1), 'the value');
      },
    },
    {
      name: 'fence: all whole numbers of JavaScript are compared as numbers',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const [key, value] = [samples.key(0), samples.value(0)];
        const max = Number.MAX_SAFE_INTEGER;

        await set(store, key, value, subject.context({ epoch: 9, term: 9, index: 9 }));
        await set(store, key, value, subject.context({ epoch: 10, term: 10, index: 10 }));
        await refused(
          set(store, key, value, subject.context({ epoch: 9, term: 99 })),
          'STALE_EPOCH',
          'epoch 9 after 10',
        );
        await set(store, key, value, subject.context({ epoch: max - 1, term: max - 1, index: max - 1 }));
        await set(store, key, value, subject.context({ epoch: max, term: max - 1, index: max }));
        await set(store, key, value, subject.context({ epoch: max, term: max, index: max }));
        await refused(
          set(store, key, value, subject.context({ epoch: max, term: max, index: max - 1 })),
          'STALE_INDEX',
          'the largest index but one',
        );
        await refused(
          set(store, key, value, subject.context({ epoch: max, term: max - 1, index: max })),
          'STALE_EPOCH',
          'the largest term but one',
        );
      },
    },
    {
      name: 'fence: leader after leader, batch after batch, what former ones have done is recognised',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const leaders = [
          { epoch: 1, term: 1 },
          { epoch: 1, term: 2 },
          { epoch: 2, term: 0 },
        ];

        for (const [turn, leader] of leaders.entries()) {
          for (const number of [0, 1, 2]) {
            const operation = subject.operation(
              { method: 'set', key: samples.key(number), value: samples.value(number) },
              { index: 10 * turn + number, operationId: `operation ${number}` },
            );
            const [result] = await store.applyBatch([operation], subject.batchContext(leader));

            same(result, { status: 'done', result: undefined, repeated: turn > 0 }, `operation ${number}`);
          }
        }
      },
    },
    {
      name: `fence: the last ${RECORDS} operations are recognised`,
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const operations = Array.from({ length: RECORDS + 2 * BATCH }, (_, number) =>
          subject.operation(
            { method: 'set', key: samples.key(0), value: samples.value(number) },
            { index: number + 1 },
          ),
        );

        for (let first = 0; first < operations.length; first += BATCH) {
          await store.applyBatch(operations.slice(first, first + BATCH), subject.batchContext());
        }

        const known = operations.slice(-RECORDS);

        for (let first = 0; first < known.length; first += BATCH) {
          const results = await store.applyBatch(known.slice(first, first + BATCH), subject.batchContext({ term: 2 }));

          for (const [at, result] of results.entries()) {
            const number = 2 * BATCH + first + at;

            same(result, { status: 'done', result: samples.value(number - 1), repeated: true }, `operation ${number}`);
          }
        }
        same(await store.get(samples.key(0)), samples.value(operations.length - 1), 'the value');
      },
    },
  ];
}
