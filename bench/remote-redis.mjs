// A remote map over a real Redis, written as the manual shows it: each set is an HGET and then an HSET, and one set runs
// after the other, so the store's own time limits the throughput.
import Redis from 'ioredis';
import { createRedisRemoteMap } from '../examples/remote-map-redis.mjs';
import { startRedis } from './redis.mjs';
import { measureRemoteMap } from './remote.mjs';

export async function measure() {
  const server = await startRedis();
  if (!server) return [{ measure: 'remote map on Redis', note: 'left out: redis-server is not installed' }];

  const connections = [];
  try {
    return await measureRemoteMap(
      'remote map on Redis',
      () => {
        connections.push(new Redis(server.url));
        return createRedisRemoteMap(connections.at(-1), 'bench');
      },
      { required: { p50: 5 } },
    );
  } finally {
    for (const connection of connections) connection.disconnect();
    server.stop();
  }
}
