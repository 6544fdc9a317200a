/** What a grid sends: large writes once, whatever else is under way. */
import type { Hamok } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid } from '../support/grid';

const MIB = 1024 * 1024;

/** A grid of three over links with a delay, and how many bytes each peer has sent. */
async function createCounted() {
  const grid = createGrid(3);
  const sent = new Map<Hamok, number>();

  grid.tap = (bytes, from) => sent.set(from, (sent.get(from) ?? 0) + bytes.length);
  await grid.join();
  grid.link.delayMs = 15;

  return { grid, sent };
}

describe('a large write', () => {
  it('is sent once, though small ones come behind it all the time', async () => {
    const { grid, sent } = await createCounted();
    const maps = grid.peers.map((peer) => peer.createMap<number, string>({ mapId: 'map' }));
    const { leader } = grid;
    const caller = grid.followers[0]!;
    const map = maps[grid.peers.indexOf(caller)]!;
    const size = 4 * MIB;

    await map.set(0, 'first');
    sent.clear();
    let isDone = false;
    const large = map.set(1, 'x'.repeat(size)).then(() => {
      isDone = true;
    });
    const small: Promise<unknown>[] = [];

    for (let key = 2; !isDone; key++) {
      small.push(map.set(key, 'small'));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all([large, ...small]);
    // The caller to the leader, and the leader to two followers.
    expect(sent.get(caller)).toBeLessThan(1.5 * size);
    expect(sent.get(leader)).toBeLessThan(2.5 * size);
  });
});
