// A remote map over a Map in memory: what the remote map itself costs.
import { createMemoryRemoteMap } from '../examples/memory-remote-map.mjs';
import { measureRemoteMap } from './remote.mjs';

export function measure() {
  const entries = new Map();
  return measureRemoteMap('remote map in memory', () => createMemoryRemoteMap(entries), {
    required: { p50: 5, perSecond: 5_000 },
    old: { p50: 100, perSecond: 2_100 },
  });
}
