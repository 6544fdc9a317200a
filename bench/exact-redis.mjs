// A remote map on the Redis store, against plain pipelines, which order nothing, and against a lock for each operation,
// which is how one orders without a grid.
import Redis from 'ioredis';
import { createRedisStore } from '../lib/stores/redis.js';
import { IN_FLIGHT, keyAt, measureExact, valueAt } from './exact.mjs';
import { locked } from './lock.mjs';
import { pipelined, pipelinedFor, throughput } from './measure.mjs';
import { startRedis } from './redis.mjs';

const LOCKED_MS = 2000;

export async function measure() {
  const server = await startRedis();
  if (!server) return [{ measure: 'exact Redis', note: 'left out: redis-server is not installed' }];

  const clients = [];
  const open = () => {
    clients.push(new Redis(server.url));
    return clients.at(-1);
  };
  const client = open();
  const hget = (pipe, number) => pipe.hget('plain', keyAt(number));
  const hset = (pipe, number) => pipe.hset('plain', keyAt(number), JSON.stringify(valueAt(number)));

  try {
    return await measureExact(
      'exact Redis',
      () => createRedisStore({ client: open(), name: 'exact' }),
      { name: 'HSET', set: (number) => hset(client, number) },
      [
        { what: 'pipelines of HSET', run: pipelines(client, hset) },
        { what: 'pipelines of HGET and HSET', run: pipelines(client, (pipe, it) => hset(hget(pipe, it), it)) },
        {
          what: 'HSET with a lock of redlock for each',
          run: () =>
            pipelinedFor(
              LOCKED_MS,
              IN_FLIGHT,
              locked(client, (number) => hset(client, number)),
            ),
          runs: `5 x ${LOCKED_MS} ms, ${IN_FLIGHT} in flight`,
          timesAtLeast: 10,
        },
        {
          what: 'HSET with a lock of redlock for each, one after the other',
          run: (count) =>
            pipelined(
              count,
              1,
              locked(client, (number) => hset(client, number)),
            ),
          sets: 2000,
          runs: '5 x 2000 sets',
        },
      ],
    );
  } finally {
    for (const it of clients) it.disconnect();
    server.stop();
  }
}

/** One pipeline after the other, each with as many commands as are to be in flight. */
function pipelines(client, add) {
  return (count) =>
    throughput(count, async () => {
      for (let first = 0; first < count; first += IN_FLIGHT) {
        const pipe = client.pipeline();

        for (let number = first; number < first + IN_FLIGHT; number++) add(pipe, number);
        await pipe.exec();
      }
    });
}
