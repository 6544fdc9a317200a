/** A map on several peers, what it emits, and entries for it. */
import type { Hamok, HamokMap, HamokMapBuilderConfig } from 'hamok';
import { until } from './grid';

const EVENTS = ['insert', 'update', 'remove', 'clear'];

let mapCount = 0;

/** An id that no other map of this process has. */
export const freshMapId = () => `map-${++mapCount}`;

/** A map of a fresh id on each of these peers, ready. */
export async function createMaps<K, V>(
  peers: readonly Hamok[],
  config: Partial<HamokMapBuilderConfig<K, V>> = {},
): Promise<HamokMap<K, V>[]> {
  const mapId = freshMapId();
  const maps = peers.map((peer) => peer.createMap<K, V>({ mapId, ...config }));

  await Promise.all(maps.map(({ ready }) => ready));

  return maps;
}

/** Waits until all have the content of the first, in its order. */
export async function alike(maps: readonly HamokMap<unknown, unknown>[]): Promise<void> {
  const contents = () => maps.map((map) => JSON.stringify([...map]));

  await until(
    () => new Set(contents()).size === 1,
    () => `all peers have the same entries:\n${contents().join('\n')}`,
  );
}

/** What a map emits from now on. */
export function listen(map: HamokMap<never, never>): unknown[][] {
  const heard: unknown[][] = [];

  for (const event of EVENTS) map.on(event as 'insert', (...args: unknown[]) => heard.push([event, ...args]));

  return heard;
}

/** As many entries, `key-<number>` to number. */
export const entries = (from: number, count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [`key-${from + index}`, from + index]));
