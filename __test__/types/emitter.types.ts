/** Compiled, never run: emitters of event maps and meta data that are written in each way. */
import {
  type AnyCollection,
  type Hamok,
  HamokEmitter,
  type HamokEmitterBuilderConfig,
  type HamokEmitterEventMap,
  type HamokEmitterSnapshot,
  type HamokEmitterStats,
  type HamokEmitterSubscriptions,
} from 'hamok';
import { typeOf } from './type-of';

type ChatEvents = { said: [user: string, text: string]; left: [user: string]; emptied: [] };
type ChatMeta = { nick: string };

interface JobEvents {
  started: [id: number];
  done: [id: number, result?: string];
}

interface JobMeta {
  worker: string;
}

type Chat = HamokEmitter<ChatEvents, ChatMeta>;

export async function create(hamok: Hamok): Promise<void> {
  const config: HamokEmitterBuilderConfig<ChatEvents> = {
    emitterId: 'chat',
    payloadsCodec: new Map([
      ['said', { encode: (...args) => JSON.stringify(args), decode: (data) => JSON.parse(data) as unknown[] }],
    ]),
    autoClean: true,
    requestTimeoutInMs: 1000,
  };

  typeOf(hamok.createEmitter(config)).is<HamokEmitter<ChatEvents, Record<string, unknown>>>();
  typeOf(hamok.createEmitter<ChatEvents>(config)).is<HamokEmitter<ChatEvents>>();
  typeOf(hamok.createEmitter<ChatEvents, ChatMeta>(config)).is<Chat>();
  typeOf(await hamok.createEmitter<ChatEvents, ChatMeta>(config).ready).is<Chat>();
  typeOf(hamok.createEmitter<JobEvents>({ emitterId: 'jobs' })).is<HamokEmitter<JobEvents>>();
  typeOf(hamok.createEmitter<JobEvents, JobMeta>({ emitterId: 'jobs' })).is<HamokEmitter<JobEvents, JobMeta>>();
  typeOf(hamok.createEmitter({ emitterId: 'any' })).is<HamokEmitter<HamokEmitterEventMap>>();
  hamok.getOrCreateEmitter<ChatEvents>({ emitterId: 'chat' }, (existed) => typeOf(existed).is<boolean>());

  const any: AnyCollection = hamok.createEmitter<ChatEvents>(config);

  typeOf(any.connection.connected).is<boolean>();

  // @ts-expect-error an emitter has an id
  hamok.createEmitter<ChatEvents>({});
  // @ts-expect-error the option is called payloadsCodec
  hamok.createEmitter<ChatEvents>({ emitterId: 'chat', payloadCodecs: new Map() });
  // @ts-expect-error the arguments of an event are a list
  hamok.createEmitter<{ said: string }>({ emitterId: 'chat' });
  // @ts-expect-error meta data are an object
  hamok.createEmitter<ChatEvents, string>({ emitterId: 'chat' });
  // @ts-expect-error an emitter is made by createEmitter()
  new HamokEmitter<ChatEvents>();
}

export async function subscribe(chat: Chat): Promise<void> {
  const listener = (user: string): void => void user;

  await chat.subscribe('said', (user, text) => typeOf([user, text]).is<string[]>());
  await chat.subscribe('left', listener, { nick: 'ada' });
  await chat.subscribe('emptied', () => {});
  typeOf(await chat.unsubscribe('left', listener)).is<void>();
  typeOf(await chat.updateSubscriptionMetaData('left', { nick: 'b' })).is<boolean>();
  typeOf(await chat.updateSubscriptionMetaData('left', { nick: 'b' }, { nick: 'a' })).is<boolean>();
  typeOf(await chat.updateSubscriptionMetaData('left', { nick: 'b' }, null)).is<boolean>();

  // @ts-expect-error there is no such event
  await chat.subscribe('shouted', () => {});
  // @ts-expect-error the text is a string
  await chat.subscribe('said', (_user: string, text: number) => void text);
  // @ts-expect-error the event has no arguments
  await chat.subscribe('emptied', (user: string) => void user);
  // @ts-expect-error the meta data have another shape
  await chat.subscribe('left', listener, { name: 'ada' });
  // @ts-expect-error the listener is of another event
  await chat.unsubscribe('emptied', listener);
  // @ts-expect-error the meta data have another shape
  await chat.updateSubscriptionMetaData('left', 'ada');
  // @ts-expect-error an emitter is no EventEmitter
  chat.on('said', () => {});
}

export async function publish(chat: Chat, jobs: HamokEmitter<JobEvents>): Promise<void> {
  typeOf(await chat.publish('said', 'ada', 'hello')).is<string[]>();
  typeOf(await chat.publish('emptied')).is<string[]>();
  typeOf(chat.notify('left', 'ada')).is<boolean>();
  typeOf(await jobs.publish('done', 1)).is<string[]>();
  typeOf(jobs.notify('done', 1, 'well')).is<boolean>();
  typeOf(await chat.hasSubscribers('said')).is<boolean>();
  typeOf(await chat.hasSubscribers('said', true)).is<boolean>();

  // @ts-expect-error there is no such event
  await chat.publish('shouted', 'ada');
  // @ts-expect-error the text is missing
  await chat.publish('said', 'ada');
  // @ts-expect-error the event has one argument
  await chat.publish('left', 'ada', 'bye');
  // @ts-expect-error the id is a number
  jobs.notify('started', '1');
  // @ts-expect-error the arguments do not come as a list
  await chat.publish('left', ['ada']);
  // @ts-expect-error there is no such event
  await jobs.hasSubscribers('said');
}

export async function look(chat: Chat): Promise<void> {
  typeOf(chat.id).is<string>();
  typeOf(chat.closed).is<boolean>();
  typeOf(chat.empty).is<boolean>();
  typeOf(chat.autoClean).is<boolean>();
  typeOf(chat.stats).is<HamokEmitterStats>();
  typeOf(chat.stats.numberOfSubscriptions + chat.stats.numberOfSentEventInvocations).is<number>();
  typeOf(chat.stats.numberOfReceivedEventInvocations).is<number>();
  typeOf(await chat.cleanup()).is<ReadonlySet<string> | undefined>();
  typeOf(await chat.clear()).is<void>();
  typeOf(chat.close()).is<void>();

  const { subscriptions } = chat;

  typeOf(subscriptions).is<HamokEmitterSubscriptions<ChatEvents, ChatMeta>>();
  typeOf(subscriptions.size).is<number>();
  typeOf(subscriptions.hasEvent('said')).is<boolean>();
  typeOf(subscriptions.hasPeerOnEvent('said', 'a')).is<boolean>();
  typeOf(subscriptions.getEventPeersMap('said')).is<Map<string, ChatMeta | null> | undefined>();
  typeOf(subscriptions.getPeerIds('said')).is<Set<string> | undefined>();
  typeOf(subscriptions.getAllPeerIds()).is<Set<string>>();
  typeOf([...subscriptions.events()]).is<(keyof ChatEvents)[]>();
  typeOf([...subscriptions.entries()]).is<[keyof ChatEvents, Map<string, ChatMeta | null>][]>();
  typeOf(subscriptions.addPeer('said', 'b', { nick: 'b' })).is<boolean>();
  typeOf(subscriptions.updatePeer('said', 'b', null)).is<boolean>();
  typeOf(subscriptions.removePeer('said', 'b')).is<boolean>();
  typeOf(subscriptions.removePeerFromAllEvent('b')).is<boolean>();
  subscriptions
    .on('added', (event, peerId, metaData) => {
      typeOf(event).is<keyof ChatEvents>();
      typeOf([peerId, metaData?.nick]).is<(string | undefined)[]>();
    })
    .once('updated', (_event, _peerId, metaData, previous) => typeOf([metaData, previous]).is<(ChatMeta | null)[]>())
    .addListener('removed', (_event, _peerId, metaData) => typeOf(metaData).is<ChatMeta | null>())
    .off('debug', (text) => typeOf(text).is<string>());

  // @ts-expect-error there is no such event
  subscriptions.on('add-peer', () => {});
  // @ts-expect-error there is no such event of the emitter
  subscriptions.hasEvent('shouted');
  // @ts-expect-error the figures are read-only
  chat.stats = { numberOfSubscriptions: 0, numberOfReceivedEventInvocations: 0, numberOfSentEventInvocations: 0 };
}

export function move(chat: Chat): void {
  const snapshot: HamokEmitterSnapshot = chat.export();

  typeOf(snapshot.subscriptions[0]?.event).is<string | undefined>();
  typeOf(snapshot.subscriptions[0]?.subscribers[0]?.metaData).is<Record<string, unknown> | null | undefined>();
  chat.import(snapshot);

  // @ts-expect-error the snapshot of another kind
  chat.import({ emitterId: 'chat', keys: [], values: [] });
}

/** Functions for emitters of any events. */
export function relay<T extends HamokEmitterEventMap<T>, K extends keyof T>(
  from: HamokEmitter<T>,
  to: HamokEmitter<T>,
  event: K,
): Promise<void> {
  return from.subscribe(event, (...args) => void to.notify(event, ...args));
}

/** As old code has them, with events that are all written out. */
export function count<T extends HamokEmitterEventMap>(emitter: HamokEmitter<T>): number {
  return emitter.stats.numberOfSubscriptions;
}

export const counted = (chat: HamokEmitter<ChatEvents>) => count(chat);
