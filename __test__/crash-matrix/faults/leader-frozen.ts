/**
 * The leader stands still by SIGSTOP in the middle of a call of the store, another leads, and then the first one goes on: it
 * ends its call, finds out that it does not lead any more, and comes back.
 */
import type { PeerProcess } from '../../black-box/peer-process';
import type { Fault } from '../fault';
import { countOf, type MatrixGrid } from '../matrix-grid';

/** Before the request leaves it. So it comes late, and the store must refuse it. */
export const leaderFrozen: Fault = {
  name: 'leader freezes before it sends',
  async run(matrix) {
    const leader = await matrix.leaderFreezesAt('frozen');
    const refusals = countOf(leader, 'refused');

    await goesOnWithout(matrix, leader);

    const { args } = await matrix.eventOf(leader, 'refused', refusals);

    if (args[0] !== 'STALE_EPOCH') throw new Error(`${leader.name} was refused with ${args[0]}`);
  },
};

/** After the request has left it. So it was carried out, and the next leader's is the repetition. */
export const leaderFrozenDuring: Fault = {
  name: 'leader freezes before it hears',
  async run(matrix) {
    await goesOnWithout(matrix, await matrix.leaderFreezesAt('frozen-during'));
  },
};

/** Thaws it when another one has written. */
async function goesOnWithout(matrix: MatrixGrid, leader: PeerProcess): Promise<void> {
  await matrix.oneWrites(matrix.grid.live.filter((peer) => peer !== leader));
  leader.thaw();
  leader.retired = false;
}
