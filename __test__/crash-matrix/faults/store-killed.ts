/** The server of the store is killed in the middle of the stream, alone or together with the leader. */
import type { Fault } from '../fault';
import { POINTS } from '../matrix-grid';

export const storeKilled: Fault = {
  name: 'store dies',
  async run({ server }) {
    await server.restart();
  },
};

export const storeAndLeaderKilled: Fault = {
  name: 'store and leader die',
  async run(matrix, random) {
    const leader = await matrix.leaderDiesAt(random.pick(POINTS));

    await matrix.server.restart();
    await matrix.replace([leader]);
  },
};
