/** The events of a `Hamok`. */
import type { HamokMessage } from './messages/HamokMessage';

/** A peer's role; `'empty'` before `join` and after `leave`. */
export type HamokState = 'follower' | 'candidate' | 'leader' | 'empty';

/**
 * The events of a `Hamok` and the arguments of their listeners.
 *
 * A listener that throws stops nothing: its error is thrown again on the next tick, or, if it was a listener of
 * `message`, becomes an `error` event.
 */
export type HamokEventMap = {
  /** This peer follows now; right after its `state-changed`. */
  follower: [];
  /** This peer stands for election now; right after its `state-changed`. */
  candidate: [];
  /** This peer leads now; right after its `state-changed`. */
  leader: [];
  /** To be delivered: to the peer `message.destinationId`, or to every peer when that is undefined. */
  message: [message: HamokMessage];
  /** A peer is a member of this peer's grid now. */
  'remote-peer-joined': [peerId: string];
  /** A peer left the grid or was removed from it, or this peer itself no longer belongs to it. */
  'remote-peer-left': [peerId: string];
  /** Another peer leads, or none; `undefined` stands for none. */
  'leader-changed': [leaderId: string | undefined, prevLeaderId: string | undefined];
  /** This peer's role changed. */
  'state-changed': [newState: HamokState, prevState: HamokState];
  /**
   * An operation of a collection, or what was given to `submit()`, is committed and applied here: after the collection's
   * events, before the caller's promise. For an operation, the message has `protocol`, `type`, `sourceId`, `storageId`,
   * `keys` and `values`, the latter two as they are encoded.
   */
  commit: [commitIndex: number, message: HamokMessage];
  /** Every `heartbeatInMs` while running, on every peer. */
  heartbeat: [];
  /** Something failed that no caller waits for. Logged when nobody listens. */
  error: [error: Error];
  /** The leader has not heard from a peer for `electionTimeoutInMs`; `remote-peer-left` follows. On the leader only. */
  'no-heartbeat-from': [peerId: string];
  /** A peer is not up to date. Kept for old listeners: peers catch up by themselves. */
  'unsynced-peer': [peerId: string];
  /**
   * This peer belongs to a grid that has a leader: after `join()`, and each time after `rejoining`. If the grid was
   * re-formed meanwhile, `reformed` has come before.
   */
  joined: [];
  /**
   * This peer has lost the leader and looks for one; `leader-changed` follows. If it was cut off from all others,
   * `remote-peer-left` has come for each.
   */
  rejoining: [];
  /**
   * Fewer than a majority of the grid's peers can be reached: nobody leads, and nothing is acknowledged. After `rejoining`,
   * and `electionTimeoutInMs` after the last word of a majority at the earliest. `quorum-restored` or `reformed` ends it,
   * or another grid that this peer joins. What the peers do meanwhile is said by the option `quorumLoss`.
   */
  'quorum-lost': [];
  /**
   * After `quorum-lost`: there is a leader again in the same grid, and nothing that was acknowledged is lost. After
   * `leader-changed`, right before or after `joined`.
   */
  'quorum-restored': [];
  /**
   * The grid has lost its majority and goes on without it, as a new grid with the state of the peers that take part. What
   * was acknowledged and has reached none of these is lost, unless a missing peer comes back and brings it along: see
   * `grid-merged`. After `leader-changed`; `joined` follows. Not on newcomers.
   */
  reformed: [
    reform: {
      /** Id of the new grid, 16 hexadecimal digits. */
      gridId: string;
      /** Id of the grid that it goes on from. */
      parentGridId: string;
      /** Grows with each reform and each merge. */
      epoch: number;
      /** The peers that had a vote in the former grid, took no part, and have not said farewell. */
      missingPeerIds: string[];
    },
  ];
  /**
   * Another grid was merged into this peer's: its peers have come over and have brought along what this one lacked. On all
   * peers of the grid, those that have come over included.
   */
  'grid-merged': [
    merge: {
      /** Id of the grid that stays, 16 hexadecimal digits. */
      gridId: string;
      /** Id of the grid that was merged into it, and is no more. */
      mergedGridId: string;
      /** Grows with each reform and each merge: higher than those of both grids. */
      epoch: number;
    },
  ];
  /** `leave()` is done; the last event of leaving. */
  left: [];
  /** `close()` is done; the last event. */
  close: [];
};
