/** A rolling end: peers that leave one after the other, or all at once, disturb nobody more than they have to. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, elapsedMs } from '../support/grid';

const random = createRandom('leaving.test.ts');

describe('three peers that leave at random moments', () => {
  for (const longestMs of [0, 10, 40, 100, 150, 150]) {
    it(`within ${longestMs} ms: each has left within a second, and nobody is told twice of anybody`, async () => {
      const grid = createGrid(3);
      await grid.join();
      const wrong: string[] = [];

      for (const peer of grid.peers) {
        const present = new Set(peer.remotePeerIds);

        peer.on('remote-peer-joined', (peerId) => wrong.push(`${peer.localPeerId}: ${peerId} joined`));
        peer.on('remote-peer-left', (peerId) => {
          if (!present.delete(peerId)) wrong.push(`${peer.localPeerId}: ${peerId} left again`);
        });
      }
      const leaving = grid.peers.map(async (peer) => {
        await pause(random.next() * longestMs);
        return elapsedMs(() => peer.leave());
      });

      for (const tookMs of await Promise.all(leaving)) expect(tookMs).toBeLessThan(1000);
      expect(wrong).toEqual([]);
    });
  }
});
