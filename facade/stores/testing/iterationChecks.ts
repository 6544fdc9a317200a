/** What iteration gives while others change the map: each entry that stays comes, and no key comes twice. */
import type { RemoteMap } from '../../index';
import { holds, same } from './assertions';
import { type Check, set, setAll } from './Subject';

const STAYING = 3000;
const CHANGING = 3000;

export function iterationChecks<K, V>(): Check<K, V, RemoteMap<K, V>>[] {
  return [
    {
      name: 'iteration: what stays comes once while the map grows and shrinks',
      async run(subject) {
        const { samples } = subject;
        const [store, other] = [await subject.open(), await subject.open()];
        const staying = samples.many(STAYING);
        const changing = samples.entries(
          ...Array.from({ length: CHANGING }, (_, number) => [STAYING + number, STAYING + number] as const),
        );
        const seen = new Map<K, V>();
        const texts = new Set<string>();
        let count = 0;

        await setAll(store, staying);
        for await (const [key, value] of store.iterator()) {
          const text = JSON.stringify(key);

          holds(!texts.has(text), `${text} comes twice`);
          texts.add(text);
          if (samples.numberOf(value) < STAYING) seen.set(key, value);
          // Large steps: those in which stores change how they keep a map.
          if (++count === 10) await setAll(other, changing);
          if (count === 1500) await other.removeAll(changing.keys());
          if (count === 2000) await setAll(other, changing);
        }

        same(seen, staying, 'the entries that stayed');
      },
    },
    {
      name: 'iteration: may be left early',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(STAYING));
        for await (const _ of store.iterator()) break;
        same(await set(store, samples.key(0), samples.value(1)), samples.value(0), 'set afterwards');
      },
    },
    {
      name: 'iteration: the keys that were given stay as they are',
      async run(subject) {
        const { samples } = subject;
        const store = await subject.open();

        await setAll(store, samples.many(20));

        const keys = await store.keys();

        await store.clear();
        same(new Map([...keys].map((key) => [key, 0])).size, 20, 'the number of keys');
      },
    },
  ];
}
