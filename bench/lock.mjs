// A lock on one Redis for each operation, by the package `redlock` with its defaults: who does not get the lock tries again
// after 100 to 300 ms. One lock is for the whole map: with one for each key, operations on two keys would come in any order.
import Redlock from 'redlock';

const LOCK = 'lock';
const LOCK_MS = 10_000;

/** An operation that is done under the lock. */
export function locked(client, operation) {
  const redlock = new Redlock([client]);

  return async (number, isOver = () => false) => {
    const lock = await acquired(redlock, isOver);

    if (!lock) return;
    await operation(number);
    await lock.unlock();
  };
}

/** It gives up after ten attempts; the operation is to be done all the same. */
async function acquired(redlock, isOver) {
  while (!isOver()) {
    try {
      return await redlock.lock(LOCK, LOCK_MS);
    } catch (error) {
      if (!(error instanceof Redlock.LockError)) throw error;
    }
  }
  return undefined;
}
