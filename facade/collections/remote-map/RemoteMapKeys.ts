/** The keys of a remote map: to be awaited for an iterator, or iterated with `for await`. */
export type RemoteMapKeys<K> = Promise<IterableIterator<K>> & AsyncIterableIterator<K>;

/** @param keys what the store gives; nobody need handle its rejection who only iterates */
export function remoteMapKeys<K>(keys: Promise<IterableIterator<K>>): RemoteMapKeys<K> {
  const iterator = iterate(keys);
  const result: RemoteMapKeys<K> = Object.assign(keys, {
    next: () => iterator.next(),
    return: () => iterator.return(undefined),
    throw: (error: unknown) => iterator.throw(error),
    [Symbol.asyncIterator]: () => result,
  });

  result.catch(() => {});

  return result;
}

async function* iterate<K>(keys: Promise<Iterable<K>>): AsyncGenerator<K, undefined> {
  yield* await keys;

  return undefined;
}
