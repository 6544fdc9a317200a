/** What a round has in store, each as often as it is here. */
import type { Fault } from '../fault';
import { allKilledAt } from './all-killed';
import { leaderFrozen, leaderFrozenDuring } from './leader-frozen';
import { leaderKilledAt } from './leader-killed';
import { storeAndLeaderKilled, storeKilled } from './store-killed';

export const faults: readonly Fault[] = [
  ...leaderKilledAt,
  ...leaderKilledAt,
  ...allKilledAt,
  storeKilled,
  storeKilled,
  storeAndLeaderKilled,
  leaderFrozen,
  leaderFrozenDuring,
];
