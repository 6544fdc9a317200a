// A lock on one Redis in the manner of redlock: taken with SET NX PX, given back by a script that looks at the token. Who
// does not get it tries again after a while that is redlock's default. One lock is for the whole map: with one for each
// key, operations on two keys would come in any order.
import { setTimeout as pause } from 'node:timers/promises';

const LOCK = 'lock';
const LOCK_MS = 10_000;
const RETRY_MS = 200;
const JITTER_MS = 100;
const UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/** An operation that is done under the lock. */
export function locked(client, operation) {
  client.defineCommand('unlock', { numberOfKeys: 1, lua: UNLOCK });

  return async (number, isOver = () => false) => {
    const token = `token-${number}`;

    while ((await client.set(LOCK, token, 'PX', LOCK_MS, 'NX')) !== 'OK') {
      if (isOver()) return;
      await pause(RETRY_MS + (2 * Math.random() - 1) * JITTER_MS);
    }
    await operation(number);
    await client.unlock(LOCK, token);
  };
}
