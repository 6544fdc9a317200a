/** The options that all collections have in common. */
import type { RequestLimits } from '../node/CollectionPort';
import { integer, time } from '../node/validation';

/** Options of every collection. */
export type CollectionConfig = {
  /**
   * How long an operation waits for its answer, in milliseconds, before its promise rejects; 0: no timeout. The time
   * begins when the collection is ready, and again whenever the leader reports that it is at work. Default 5000.
   */
  requestTimeoutInMs?: number;
  /** Kept for old code, in milliseconds; collections need no such wait. Default 1000. */
  remoteStorageStateWaitingTimeoutInMs?: number;
  /** A batch of more keys travels in several requests, and is no longer one step; 0: no limit. Default 0. */
  maxOutboundMessageKeys?: number;
  /** As `maxOutboundMessageKeys`, for the values. Default 0. */
  maxOutboundMessageValues?: number;
};

const MAX_BATCH = 0xffff_ffff;

/** The validated options. @throws HamokError `INVALID_CONFIG` */
export function requestLimits(config: CollectionConfig): RequestLimits {
  time('remoteStorageStateWaitingTimeoutInMs', config.remoteStorageStateWaitingTimeoutInMs ?? 1000, 0);

  return {
    requestTimeoutInMs: time('requestTimeoutInMs', config.requestTimeoutInMs ?? 5000, 0),
    maxKeys: Math.min(
      batchLimit('maxOutboundMessageKeys', config.maxOutboundMessageKeys),
      batchLimit('maxOutboundMessageValues', config.maxOutboundMessageValues),
    ),
  };
}

function batchLimit(name: string, value = 0): number {
  return integer(name, value, 0, MAX_BATCH) || Infinity;
}
