/** The options of a `Hamok`: their types, defaults and validation. */
import { randomUUID } from 'node:crypto';
import type { NativePeerOptions } from './binding/native';
import { createLogger } from './common/logger';
import { QuorumLoss } from './node/protocol';
import { boolean, integer, invalidConfig, nonEmptyString, number, object, time } from './node/validation';
import { BIND_LOGS } from './raft/LogBinding';
import type { LogEntry } from './raft/LogEntry';
import { MemoryStoredRaftLogs } from './raft/MemoryStoredRaftLogs';
import type { RaftLogs } from './raft/RaftLogs';

/** What `hamok.config` shows. */
export type HamokObjectConfig<AppData extends Record<string, unknown> = Record<string, unknown>> = {
  /** The application's own object. */
  appData: AppData;
  /** Kept for old code, in milliseconds; collections need no such wait. */
  remoteStorageStateWaitingTimeoutInMs: number;
};

/** The settings of the ordering engine. Times are in milliseconds; fractions are rounded up. */
export type RaftConfig = {
  /** This peer's id, unique among the running peers of a grid. Default: a UUID v4. */
  peerId: string;
  /**
   * An election that is not won within it is given up; also how long the leader waits before it declares a silent peer
   * gone, and how long `leave()` takes at most. Default 3000.
   */
  electionTimeoutInMs: number;
  /** A follower that hears nothing from the leader for this long seeks an election. At least 20. Default 1000. */
  followerMaxIdleInMs: number;
  /** How often the leader lets the others hear of it, and the period of `heartbeat` events. At least 1. Default 100. */
  heartbeatInMs: number;
  /** The peer votes and stores, but never becomes candidate or leader. Default false. */
  onlyFollower: boolean;
};

/** The options of a `Hamok`. Its constructor takes a part of them; times are in milliseconds. */
export type HamokConfig<AppData extends Record<string, unknown> = Record<string, unknown>> = RaftConfig & {
  /** How often a peer tells requesters that a postponed request is still under way. Default 1000. */
  ongoingRequestsSendingPeriodInMs: number;
  /** Log entries older than this may be dropped; 0: never because of their age. Default 300000. */
  logEntriesExpirationTimeInMs?: number;
  /** Accepted for old code, without effect: a peer gets its log from its grid. */
  initialLogEntries?: Map<number, LogEntry>;
  /**
   * A `MemoryStoredRaftLogs`, which becomes `hamok.raft.logs`; one object for each `Hamok`. Its `expirationTimeInMs` takes
   * the place of `logEntriesExpirationTimeInMs`. A store of another kind is refused. Default: one of the package's own.
   */
  raftLogs?: RaftLogs;
  /** Shown in `config`, otherwise without effect. Default 1000. */
  remoteStorageStateWaitingTimeoutInMs?: number;
  /** The application's own object. Default: `{}`. */
  appData?: AppData;
  /** How many peers must hear each other before they form a grid; with 1 a lone peer works by itself. Default 2. */
  minPeers?: number;
  /**
   * What this peer does when fewer than a majority of the grid's peers can be reached. Give all peers the same.
   * - `'reform'`: when that has lasted for three times `electionTimeoutInMs`, the peers that are left and newcomers go on if
   *   together they are as many as that majority, not counting peers that said farewell. Already after
   *   `followerMaxIdleInMs` if each missing peer has said farewell, or a newcomer has its peer id.
   * - `'wait'`: nothing is acknowledged until a majority is back or an operator calls `forceReform()`.
   * - `'available'`: as `'reform'`, but any `minPeers` go on. Both sides of a long partition may then acknowledge writes.
   *
   * Default `'reform'`.
   */
  quorumLoss?: 'reform' | 'wait' | 'available';
  /** A larger write or event is rejected with `COMMAND_TOO_LARGE`. In bytes. Default 16 MiB. */
  maxCommandBytes?: number;
};

/** The validated options, each where it is used. */
export interface ResolvedConfig<AppData extends Record<string, unknown>> {
  readonly object: Readonly<HamokObjectConfig<AppData>>;
  readonly raft: Readonly<RaftConfig>;
  readonly native: NativePeerOptions;
  readonly raftLogs: MemoryStoredRaftLogs;
}

/** The engine cannot tell its own timings apart below this. */
const MIN_FOLLOWER_IDLE_MS = 20;

const MAX_U32 = 0xffff_ffff;

const logger = createLogger('Hamok');

/**
 * Fills in the defaults and checks every option; `undefined` stands for the default.
 * @throws HamokError `INVALID_CONFIG`, its text names the option
 */
export function resolveConfig<AppData extends Record<string, unknown>>(
  config: Partial<HamokConfig<AppData>> = {},
): ResolvedConfig<AppData> {
  if (typeof config !== 'object' || config === null) throw invalidConfig('the config must be an object');

  const raft: RaftConfig = {
    peerId: nonEmptyString('peerId', config.peerId ?? randomUUID()),
    electionTimeoutInMs: time('electionTimeoutInMs', config.electionTimeoutInMs ?? 3000, 1),
    followerMaxIdleInMs: time('followerMaxIdleInMs', config.followerMaxIdleInMs ?? 1000, MIN_FOLLOWER_IDLE_MS),
    heartbeatInMs: heartbeat(config.heartbeatInMs ?? 100),
    onlyFollower: boolean('onlyFollower', config.onlyFollower ?? false),
  };
  const expirationTimeInMs = number(
    'logEntriesExpirationTimeInMs',
    config.logEntriesExpirationTimeInMs ?? 300_000,
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const logs = raftLogs(
    config.raftLogs ?? new MemoryStoredRaftLogs({ expirationTimeInMs, memorySizeHighWaterMark: 0 }),
  );
  const native: NativePeerOptions = {
    ...raft,
    logEntriesExpirationTimeInMs: logs.config.expirationTimeInMs,
    ongoingRequestsSendingPeriodInMs: time(
      'ongoingRequestsSendingPeriodInMs',
      config.ongoingRequestsSendingPeriodInMs ?? 1000,
      1,
    ),
    minPeers: integer('minPeers', config.minPeers ?? 2, 1, MAX_U32),
    maxCommandBytes: integer('maxCommandBytes', config.maxCommandBytes ?? 16 * 1024 * 1024, 1, MAX_U32),
    quorumLoss: quorumLoss(config.quorumLoss ?? 'reform'),
  };
  const shown = {
    appData: object('appData', config.appData ?? ({} as AppData)),
    remoteStorageStateWaitingTimeoutInMs: time(
      'remoteStorageStateWaitingTimeoutInMs',
      config.remoteStorageStateWaitingTimeoutInMs ?? 1000,
      0,
    ),
  };

  checkInitialLogEntries(config.initialLogEntries ?? undefined);

  return { object: shown, raft, native: wholeMilliseconds(native), raftLogs: logs };
}

/** No `instanceof`: the object may be of another copy of this package. */
function raftLogs(logs: RaftLogs): MemoryStoredRaftLogs {
  if (typeof object('raftLogs', logs as Partial<MemoryStoredRaftLogs>)[BIND_LOGS] === 'function') {
    return logs as MemoryStoredRaftLogs;
  }

  throw invalidConfig(
    'raftLogs must be a MemoryStoredRaftLogs: the native engine keeps the log in memory and cannot use another store. ' +
      'Give a MemoryStoredRaftLogs, or leave the option out',
  );
}

/** No `instanceof`: under jest, a map may be of another realm. */
function checkInitialLogEntries(entries: Map<number, LogEntry> | undefined): void {
  if (entries === undefined) return;
  if (Object.prototype.toString.call(entries) !== '[object Map]') {
    throw invalidConfig(`initialLogEntries must be a Map, not ${String(entries)}`);
  }
  if (entries.size > 0) logger.warn('initialLogEntries has no effect: a peer gets its log from its grid');
}

/** The native side counts whole milliseconds. */
function wholeMilliseconds(options: NativePeerOptions): NativePeerOptions {
  return {
    ...options,
    electionTimeoutInMs: Math.ceil(options.electionTimeoutInMs),
    followerMaxIdleInMs: Math.ceil(options.followerMaxIdleInMs),
    heartbeatInMs: Math.ceil(options.heartbeatInMs),
    logEntriesExpirationTimeInMs: Math.ceil(options.logEntriesExpirationTimeInMs),
    ongoingRequestsSendingPeriodInMs: Math.ceil(options.ongoingRequestsSendingPeriodInMs),
  };
}

function quorumLoss(policy: keyof typeof QuorumLoss): number {
  if (typeof policy === 'string' && Object.hasOwn(QuorumLoss, policy)) return QuorumLoss[policy];

  throw invalidConfig(`quorumLoss must be one of ${Object.keys(QuorumLoss).join(', ')}, not ${String(policy)}`);
}

function heartbeat(value: number): number {
  if (typeof value === 'number' && value < 1) throw invalidConfig('heartbeatInMs must be greater than 0');

  return time('heartbeatInMs', value, 1);
}
