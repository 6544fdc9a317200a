/** An emitter on several peers, whom it knows as subscribers, and what their listeners hear. */
import type { Hamok, HamokEmitter, HamokEmitterBuilderConfig } from 'hamok';
import { until } from './grid';

export interface Events {
  ping: [n: number, text?: string];
  pong: [];
  any: unknown[];
}

export type Meta = { n: number };
export type Emitter = HamokEmitter<Events, Meta>;
export type Config = Partial<HamokEmitterBuilderConfig<Events>>;

let emitterCount = 0;

/** An emitter of a fresh id on each of these peers, ready. */
export async function createEmitters(peers: readonly Hamok[], config: Config = {}): Promise<Emitter[]> {
  const emitterId = `emitter-${++emitterCount}`;
  const emitters = peers.map((peer) => peer.createEmitter<Events, Meta>({ emitterId, ...config }));

  await Promise.all(emitters.map(({ ready }) => ready));

  return emitters;
}

/** Who subscribes to what, as an emitter's peer knows it, in the order of the names. */
export function listOf(emitter: Emitter): Record<string, Record<string, Meta | null>> {
  const byName = <T>([a]: [string, T], [b]: [string, T]) => (a < b ? -1 : 1);
  const lists = [...emitter.subscriptions.entries()].map(
    ([event, subscribers]): [string, Record<string, Meta | null>] => [
      event,
      Object.fromEntries([...subscribers].sort(byName)),
    ],
  );

  return Object.fromEntries(lists.sort(byName));
}

/** Waits until all know of the same subscriptions, which these are. */
export async function alike(emitters: readonly Emitter[], list: ReturnType<typeof listOf>): Promise<void> {
  const lists = () => emitters.map((emitter) => JSON.stringify(listOf(emitter)));

  await until(
    () => lists().every((it) => it === JSON.stringify(list)),
    () => `all peers know of ${JSON.stringify(list)}:\n${lists().join('\n')}`,
  );
}

/** What the listeners of an event, one on each of these peers, hear from now on. */
export async function listenEverywhere(emitters: readonly Emitter[], event: keyof Events): Promise<unknown[][]> {
  const heard: unknown[][] = emitters.map(() => []);

  await Promise.all(
    emitters.map((emitter, number) => emitter.subscribe(event, (...args: unknown[]) => heard[number]!.push(...args))),
  );
  await Promise.all(emitters.map((emitter) => emitter.hasSubscribers(event)));

  return heard;
}

export const none = () => {};
export const idOf = (emitter: Emitter) => emitter.connection.localPeerId;
export const idsOf = (emitters: readonly Emitter[]) => emitters.map(idOf).sort();
