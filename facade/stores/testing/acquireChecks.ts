/** What a grid gets when it asks for its epoch. */
import type { ExactStore } from '../ExactStore';
import { holds, same } from './assertions';
import { type Check, set } from './Subject';

const GRIDS = 16;

export function acquireChecks<K, V>(): Check<K, V, ExactStore<K, V>>[] {
  return [
    {
      name: 'acquire: epochs are whole numbers that rise from grid to grid',
      async run(subject) {
        const store = await subject.open();
        const epochs: number[] = [];

        for (let grid = 0; grid < GRIDS; grid++) epochs.push(await store.acquire(`grid-${grid}`));

        holds(
          epochs.every((epoch) => Number.isSafeInteger(epoch) && epoch > 0),
          `whole numbers: ${epochs}`,
        );
        holds(
          epochs.every((epoch, at) => at === 0 || epoch > (epochs[at - 1] as number)),
          `rising: ${epochs}`,
        );
      },
    },
    {
      name: 'acquire: a grid gets the same epoch whenever it asks, from every peer',
      async run(subject) {
        const [store, other] = [await subject.open(), await subject.open()];
        const epoch = await store.acquire('grid');

        same(await other.acquire('grid'), epoch, 'the second time');
        holds((await other.acquire('another')) > epoch, 'another grid gets a higher one');
        same(await store.acquire('grid'), epoch, 'the third time');
      },
    },
    {
      name: 'acquire: grids that ask at the same time get different epochs, and peers of a grid the same',
      async run(subject) {
        const stores = [await subject.open(), await subject.open()] as const;
        const ask = (grid: number, peer: 0 | 1) => stores[peer].acquire(`grid-${grid}`);
        const grids = Array.from({ length: GRIDS }, (_, grid) => grid);
        const both = await Promise.all(grids.map((grid) => Promise.all([ask(grid, 0), ask(grid, 1)])));

        for (const [first, second] of both) same(second, first, 'the epochs that two peers of a grid get');
        same(new Set(both.map(([epoch]) => epoch)).size, GRIDS, 'the number of epochs');
        holds(
          (await stores[0].acquire('the next')) > Math.max(...both.map(([epoch]) => epoch)),
          'the next grid gets a higher one',
        );
      },
    },
    {
      name: 'acquire: neither writes nor clear change what is given',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();
        const epoch = await store.acquire('grid');

        await set(store, samples.key(0), samples.value(0), subject.context({ epoch }));
        await store.clear(subject.context({ epoch }));
        same(await store.acquire('grid'), epoch, 'the epoch of the grid');
        holds((await store.acquire('another')) > epoch, 'another grid gets a higher one');
      },
    },
  ];
}
