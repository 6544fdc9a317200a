/** The options of a `Hamok`: their types, defaults and validation. */
import { randomUUID } from 'node:crypto';
import type { NativePeerOptions } from './binding/native';
import { boolean, integer, invalidConfig, nonEmptyString, number, object, time } from './node/validation';
import type { LogEntry } from './raft/LogEntry';
import type { RaftLogs } from './raft/RaftLogs';

/** What `hamok.config` shows. */
export type HamokObjectConfig<AppData extends Record<string, unknown> = Record<string, unknown>> = {
  /** The application's own object. */
  appData: AppData;
  /** Kept for old code; collections need no such wait. */
  remoteStorageStateWaitingTimeoutInMs: number;
};

/** The settings of the ordering engine, in milliseconds where they are times. */
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
  /** The period of `heartbeat` events. At least 1. Default 100. */
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
  /** Accepted for old code, without effect. */
  initialLogEntries?: Map<number, LogEntry>;
  /** Accepted for old code; the log is kept in memory. */
  raftLogs?: RaftLogs;
  /** Shown in `config`, otherwise without effect. Default 1000. */
  remoteStorageStateWaitingTimeoutInMs?: number;
  /** The application's own object. Default: `{}`. */
  appData?: AppData;
  /** How many peers must hear each other before they form a grid; with 1 a lone peer works by itself. Default 2. */
  minPeers?: number;
  /** A larger write is rejected with `COMMAND_TOO_LARGE`. In bytes, default 16 MiB. */
  maxCommandBytes?: number;
};

/** The validated options, each where it is used. */
export interface ResolvedConfig<AppData extends Record<string, unknown>> {
  readonly object: Readonly<HamokObjectConfig<AppData>>;
  readonly raft: Readonly<RaftConfig>;
  readonly native: NativePeerOptions;
}

/** The engine cannot tell its own timings apart below this. */
const MIN_FOLLOWER_IDLE_MS = 20;

const MAX_U32 = 0xffff_ffff;

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
  const native: NativePeerOptions = {
    ...raft,
    logEntriesExpirationTimeInMs: number(
      'logEntriesExpirationTimeInMs',
      config.logEntriesExpirationTimeInMs ?? 300_000,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    ongoingRequestsSendingPeriodInMs: time(
      'ongoingRequestsSendingPeriodInMs',
      config.ongoingRequestsSendingPeriodInMs ?? 1000,
      1,
    ),
    minPeers: integer('minPeers', config.minPeers ?? 2, 1, MAX_U32),
    maxCommandBytes: integer('maxCommandBytes', config.maxCommandBytes ?? 16 * 1024 * 1024, 1, MAX_U32),
  };
  const shown = {
    appData: object('appData', config.appData ?? ({} as AppData)),
    remoteStorageStateWaitingTimeoutInMs: time(
      'remoteStorageStateWaitingTimeoutInMs',
      config.remoteStorageStateWaitingTimeoutInMs ?? 1000,
      0,
    ),
  };

  object('raftLogs', config.raftLogs ?? {});
  object('initialLogEntries', config.initialLogEntries ?? {});

  return { object: shown, raft, native: wholeMilliseconds(native) };
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

function heartbeat(value: number): number {
  if (typeof value === 'number' && value < 1) throw invalidConfig('heartbeatInMs must be greater than 0');

  return time('heartbeatInMs', value, 1);
}
