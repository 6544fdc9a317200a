/** What a peer says. */
import type { Hamok } from '../../../facade/Hamok';

const EVENTS = [
  'follower',
  'candidate',
  'leader',
  'remote-peer-joined',
  'remote-peer-left',
  'leader-changed',
  'state-changed',
  'no-heartbeat-from',
  'joined',
  'rejoining',
  'quorum-lost',
  'quorum-restored',
  'reformed',
  'grid-merged',
  'left',
  'close',
] as const;

/** The events of the peer from now on, one line each with its arguments. */
export function record(hamok: Hamok): string[] {
  const lines: string[] = [];

  for (const event of EVENTS) hamok.on(event, (...args: unknown[]) => lines.push([event, ...args].join(' ')));

  return lines;
}
