/** All scenarios. */
import type { Scenario } from '../scenario';
import { eventLoopBlocked } from './blocked';
import { processFrozen } from './frozen';
import { fiveJoinAtOnce } from './joins';
import { followerKilled, leaderKilled } from './killed';
import { noisyNetwork } from './noisy';
import { followerIsDeafOrMute, leaderIsDeaf, leaderIsMute, twoCutOneWay } from './one-way';
import { leaderInMajority, leaderInMinority } from './partitioned';
import { allButOneKilled } from './reformed';
import { restartedUnderSameId } from './restarted';
import { ring } from './ring';
import { rollingJoinFirst, rollingLeaveFirst } from './rolling';

export const scenarios: readonly Scenario[] = [
  followerKilled,
  leaderKilled,
  processFrozen,
  eventLoopBlocked,
  leaderInMinority,
  leaderInMajority,
  leaderIsDeaf,
  leaderIsMute,
  followerIsDeafOrMute,
  twoCutOneWay,
  ring,
  noisyNetwork,
  rollingJoinFirst,
  rollingLeaveFirst,
  restartedUnderSameId,
  fiveJoinAtOnce,
  allButOneKilled,
];
