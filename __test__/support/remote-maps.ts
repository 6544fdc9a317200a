/** A remote map on several peers, over one store in memory, and what it emits. */
import type { Hamok, HamokRemoteMap, HamokRemoteMapBuilderConfig } from 'hamok';
import { MemoryStore } from './memory-store';

let mapCount = 0;

interface Shared<V> {
  store: MemoryStore<V>;
  maps: HamokRemoteMap<string, V>[];
  of(peer: Hamok): HamokRemoteMap<string, V>;
  /** What each map has emitted, in the order of the peers. */
  heard: unknown[][][];
}

/** A map of a fresh id on each of these peers, over one store. */
export function share<V>(
  peers: readonly Hamok[],
  config: Partial<HamokRemoteMapBuilderConfig<string, V>> = {},
): Shared<V> {
  const store = new MemoryStore<V>();
  const mapId = `remote-map-${++mapCount}`;
  const maps = peers.map((peer) =>
    peer.createRemoteMap<string, V>({ mapId, remoteMap: store.of(peer.localPeerId), ...config }),
  );
  const heard = maps.map((map) => {
    const events: unknown[][] = [];
    for (const event of ['insert', 'update', 'remove', 'clear', 'events-lost'] as const) {
      map.on(event, (...args: unknown[]) => events.push([event, ...args]));
    }
    return events;
  });

  return { store, maps, heard, of: (peer) => maps[peers.indexOf(peer)]! };
}
