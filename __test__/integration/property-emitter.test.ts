/**
 * An emitter against a simple model: peers subscribe, unsubscribe and change their meta data at random, leave and come
 * back, are closed and started anew under the same id. Whenever all are there, each of them must know the subscriptions of
 * the model, and an event must call exactly the listeners of the model and name exactly their peers.
 */
import type { Hamok, HamokEmitter } from 'hamok';
import { describe, expect, it } from 'vitest';
import { createGrid, createRandom, type Grid, QUICK, until } from '../support/grid';

const random = createRandom('property-emitter.test.ts');

const EVENTS = ['ping', 'pong', '__proto__', 'a,"b"', ''];
const ROUNDS = 15;

type Events = Record<string, [n: number]>;
type Meta = { n: number };
type Listener = (n: number) => void;

/** What a peer listens to. */
interface Interest {
  readonly listeners: Listener[];
  metaData: Meta | null;
}

let lastNumber = 0;

const metaData = (): Meta => ({ n: ++lastNumber });
const chance = (probability: number) => random.next() < probability;

/** A peer and its part of the model. A new process of the same id is a new one of these. */
class Member {
  readonly interests = new Map<string, Interest>();
  /** The numbers that its listeners were called with. */
  readonly heard: number[] = [];
  readonly emitter: HamokEmitter<Events, Meta>;
  private readonly calls: Promise<unknown>[] = [];

  constructor(
    readonly hamok: Hamok,
    autoClean: boolean,
  ) {
    this.emitter = hamok.createEmitter<Events, Meta>({ emitterId: 'emitter', autoClean, requestTimeoutInMs: 15_000 });
  }

  get id(): string {
    return this.hamok.localPeerId;
  }

  /** Some calls, most of them without waiting for those before. */
  async act(): Promise<void> {
    for (let left = 1 + random.int(6); left > 0; left--) {
      const event = random.pick(EVENTS);
      const choice = random.next();

      if (choice < 0.45) this.subscribe(event);
      else if (choice < 0.7) this.unsubscribe(event);
      else if (choice < 0.8) this.update(event);
      else if (choice < 0.92) await this.compareAndUpdate(event);
      else if (choice < 0.95) this.clear();
      else this.calls.push(this.emitter.cleanup());
      if (chance(0.3)) await this.settled();
    }
    await this.settled();
  }

  /** Calls that wait until this peer is back. */
  actWhileAway(): void {
    for (const event of EVENTS) {
      if (chance(0.4)) this.subscribe(event);
      if (chance(0.3)) this.unsubscribe(event);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.calls.splice(0));
  }

  /** Ends this process, in the middle of what it does. */
  close(): void {
    if (chance(0.5)) this.subscribe(random.pick(EVENTS));
    if (chance(0.5)) this.unsubscribe(random.pick(EVENTS));
    for (const call of this.calls.splice(0)) call.catch(() => {});
    this.hamok.close();
  }

  private subscribe(event: string): void {
    const given = chance(0.6) ? metaData() : undefined;
    const interest = this.interests.get(event) ?? { listeners: [], metaData: null };
    const listener = (n: number) => this.heard.push(n);

    interest.listeners.push(listener);
    if (given) interest.metaData = given;
    this.interests.set(event, interest);
    this.calls.push(this.emitter.subscribe(event, listener, given));
  }

  private unsubscribe(event: string): void {
    const interest = this.interests.get(event);
    const listener = interest && chance(0.9) ? random.pick(interest.listeners) : () => {};

    if (interest?.listeners.includes(listener)) {
      interest.listeners.splice(interest.listeners.indexOf(listener), 1);
      if (interest.listeners.length === 0) this.interests.delete(event);
    }
    this.calls.push(this.emitter.unsubscribe(event, listener));
  }

  private update(event: string): void {
    const interest = this.interests.get(event);
    const given = metaData();

    if (interest) {
      interest.metaData = given;
      this.calls.push(expect(this.emitter.updateSubscriptionMetaData(event, given)).resolves.toBe(true));
    } else {
      this.calls.push(expect(this.emitter.updateSubscriptionMetaData(event, given)).rejects.toThrow('non-existing'));
    }
  }

  private async compareAndUpdate(event: string): Promise<void> {
    const interest = this.interests.get(event);

    if (!interest) return;
    // What it is compared with is what has been applied.
    await this.settled();

    const isRight = chance(0.6);
    const given = metaData();
    const expected = isRight ? interest.metaData : { n: -1 };

    expect(await this.emitter.updateSubscriptionMetaData(event, given, expected)).toBe(isRight);
    if (isRight) interest.metaData = given;
  }

  private clear(): void {
    this.interests.clear();
    this.calls.push(this.emitter.clear());
  }
}

class Trial {
  readonly grid: Grid;
  members: Member[] = [];
  /** What was done, for error texts. */
  private readonly story: string[] = [];

  constructor(private readonly autoClean: boolean) {
    this.grid = createGrid(3, QUICK, random.next);
    this.members = this.grid.peers.map((hamok) => new Member(hamok, autoClean));
  }

  async run(): Promise<void> {
    await this.grid.join();
    for (let round = 0; round < ROUNDS; round++) {
      await this.together(this.members.map((member) => member.act()));
      await this.check();
      await this.disturb();
      await this.check();
    }
  }

  /** One peer is away for a while. */
  private async disturb(): Promise<void> {
    const member = chance(0.4) ? this.memberOf(this.grid.leader) : random.pick(this.members);
    const others = this.members.filter((it) => it !== member);
    const choice = random.next();
    const goes = choice < 0.45 ? 'leaves' : choice < 0.92 ? 'is closed' : 'is cut off';

    this.story.push(`${member.id} ${member.hamok.leader ? '(leader) ' : ''}${goes}`);
    if (goes === 'leaves') await member.hamok.leave();
    else if (goes === 'is closed') member.close();
    else this.grid.cut(member.hamok);

    // The others may or may not have noticed when they go on.
    if (goes === 'is cut off' || chance(0.7)) {
      await until(
        () => others.every(({ hamok }) => !hamok.remotePeerIds.has(member.id)),
        () => `the others know that ${member.id} is gone\n${this.report()}`,
      );
      await this.grid.settled(others.map(({ hamok }) => hamok));
    }
    if (chance(0.5)) {
      this.story.push('cleanup');
      await this.together(others.map(({ emitter }) => emitter.cleanup()));
    }
    if (goes === 'leaves') member.actWhileAway();

    const back = goes === 'is closed' ? this.replace(member) : member;
    const acting = chance(0.5) ? others.map((it) => it.act()) : [];

    if (goes === 'is cut off') this.grid.heal(member.hamok);
    else acting.push(back.hamok.join());
    await this.together([...acting, back.settled()]);
    await this.grid.settled(this.members.map(({ hamok }) => hamok));
  }

  private replace(member: Member): Member {
    const fresh = new Member(this.grid.add({ peerId: member.id }), this.autoClean);

    this.members = this.members.map((it) => (it === member ? fresh : it));
    if (chance(0.5)) fresh.actWhileAway();

    return fresh;
  }

  private async check(): Promise<void> {
    const expected = JSON.stringify(this.modelled());

    await until(
      () => this.members.every(({ emitter }) => JSON.stringify(listOf(emitter)) === expected),
      () => `all peers know of ${expected}\n${this.report()}`,
    );
    for (const event of EVENTS) await this.publish(event);
  }

  private async publish(event: string): Promise<void> {
    const publisher = random.pick(this.members);
    const listening = this.members.filter(({ interests }) => interests.has(event));
    const number = ++lastNumber;
    const received = await publisher.emitter.publish(event, number);

    expect([...received].sort(), this.report()).toEqual(listening.map(({ id }) => id).sort());
    if (listening.includes(publisher)) expect(received.at(-1)).toBe(publisher.id);
    for (const { interests, heard } of this.members) {
      const calls = interests.get(event)?.listeners.map(() => number) ?? [];

      expect(heard.splice(0), this.report()).toEqual(calls);
    }
  }

  private modelled(): ReturnType<typeof listOf> {
    return sorted(
      EVENTS.map((event) => [
        event,
        this.members.flatMap(({ id, interests }) => {
          const interest = interests.get(event);

          return interest ? [[id, interest.metaData] as [string, Meta | null]] : [];
        }),
      ]),
    );
  }

  private memberOf(hamok: Hamok): Member {
    return this.members.find((member) => member.hamok === hamok) as Member;
  }

  private async together(work: Promise<unknown>[]): Promise<void> {
    try {
      await Promise.all(work);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.report()}`, { cause: error });
    }
  }

  private report(): string {
    const lists = this.members.map(({ id, emitter }) => `${id} knows ${JSON.stringify(listOf(emitter))}`);

    return [`Seed ${random.seed}`, this.story.join('; '), ...lists, this.grid.report()].join('\n');
  }
}

function listOf(emitter: HamokEmitter<Events, Meta>): [string, [string, Meta | null][]][] {
  return sorted([...emitter.subscriptions.entries()].map(([event, subscribers]) => [event, [...subscribers]]));
}

/** In the order of the names, without events that nobody subscribes to. */
function sorted(lists: [string, [string, Meta | null][]][]): [string, [string, Meta | null][]][] {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : a > b ? 1 : 0);

  return lists
    .filter(([, subscribers]) => subscribers.length > 0)
    .map(([event, subscribers]): [string, [string, Meta | null][]] => [event, subscribers.sort(byName)])
    .sort(byName);
}

describe('subscriptions of peers that come and go', () => {
  it.each([false, true])('are those of the model, and events reach exactly those (autoClean %s)', async (autoClean) => {
    await new Trial(autoClean).run();
  });
});
