import type { HamokState } from '../HamokEventMap';

/** Name of a peer's role in its grid. */
export type RaftStateName = HamokState;

/** A peer's role in its grid. */
export interface RaftState {
  /** Its name. */
  readonly stateName: RaftStateName;
}
