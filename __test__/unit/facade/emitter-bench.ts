/** An emitter over the fake native side, and what tests of it do. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HamokEmitter, HamokEmitterBuilderConfig } from '../../../facade/collections/HamokEmitter';
import type { Hamok } from '../../../facade/Hamok';
import type { FakeNativePeer, Submitted } from './fake-native-peer';
import { createJoinedPeer } from './fake-peers';
import { pause } from './pausing';

/** The handle of the first collection of a peer. */
export const HANDLE = 1;
export const SET_ALL = 1;
export const INSERT_ALL = 2;
export const REMOVE_ALL = 3;
export const COMPARE = 5;

/** An interface, which has no index signature. */
export interface Events {
  a: [number, string?];
  b: [];
  any: unknown[];
}

export type Meta = { n: number };

export type Config = Partial<HamokEmitterBuilderConfig<Events>>;

export interface Bench {
  readonly hamok: Hamok;
  readonly native: FakeNativePeer;
  readonly emitter: HamokEmitter<Events, Meta>;
  /** What `subscriptions` has emitted. */
  readonly heard: unknown[][];
}

export function watch({ hamok, native }: { hamok: Hamok; native: FakeNativePeer }, config: Config = {}): Bench {
  const emitter = hamok.createEmitter<Events, Meta>({ emitterId: 'emitter', ...config });
  const heard: unknown[][] = [];

  for (const event of ['added', 'updated', 'removed'] as const) {
    emitter.subscriptions.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  }

  return { hamok, native, emitter, heard };
}

export async function createEmitter(config: Config = {}): Promise<Bench> {
  const bench = watch(await createJoinedPeer(), config);

  await bench.emitter.ready;

  return bench;
}

/** The emitter of a peer whose grid also has `peerIds`. */
export async function createEmitterAmong(peerIds: readonly string[], config: Config = {}): Promise<Bench> {
  const bench = await createEmitter(config);

  for (const peerId of peerIds) peerJoins(bench, peerId);
  await nextTurn();

  return bench;
}

export const peerJoins = ({ native }: Bench, peerId: string) => native.put().u8(4).text(peerId);
export const peerLeaves = ({ native }: Bench, peerId: string) => native.put().u8(5).text(peerId);
export const leads = ({ native }: Bench, peerId: string) => native.put().u8(3, 1).text(peerId);
export const fails = ({ native }: Bench, token: number, code: string) =>
  native.put().u8(12).u32(token).u8(3).text(code, code);

export const keyOf = (event: string, peerId: string) => JSON.stringify([event, peerId]);

/** The collection is refused: another peer has another kind under its id. */
export const refused = ({ native }: Bench) =>
  native.put().u8(10).u32(HANDLE).u8(0).text('KIND_MISMATCH', 'Another kind');

/** Another peer subscribes. */
export function others({ native }: Bench, event: string, peerId: string, metaData: unknown = null): void {
  native.change(HANDLE, keyOf(event, peerId), JSON.stringify(metaData));
}

/** Another peer takes a subscription off. */
export function dropped({ native }: Bench, event: string, peerId: string): void {
  native.change(HANDLE, keyOf(event, peerId), undefined);
}

export const sent = ({ native }: Bench) => native.submitted.map(brief);
export const brief = ({ opcode, keys, values }: Submitted) => [
  opcode,
  keys.map((key) => JSON.parse(key)[0]).join(),
  ...values,
];

export const endOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error) => `${error.code}: ${error.message}`,
  );

/** What nobody catches while `work` runs. */
export async function uncaughtDuring(work: () => unknown): Promise<string[]> {
  const uncaught: string[] = [];
  const listeners = process.listeners('uncaughtException');

  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  await work();
  await pause(5);
  process.removeAllListeners('uncaughtException');
  for (const listener of listeners) process.on('uncaughtException', listener);

  return uncaught;
}

export const none = () => {};
