/** A grid whose peers restart, with one shared collection on each: for random tests against a model. */
import type { Hamok } from 'hamok';
import { createGrid, type Grid, QUICK, type Random } from './grid';

/** What happens to a peer. */
export const RESTARTS = [
  'it leaves and joins',
  'it closes, and another starts under its id',
  'the leader is lost',
] as const;

export type Restart = (typeof RESTARTS)[number];

const ENOUGH_STEPS = 50;
const STEPS_AT_ONCE = 5;

/** A peer and what it shares. */
export interface Member<C> {
  readonly peer: Hamok;
  readonly collection: C;
}

export class RestartingGrid<C extends { readonly ready: Promise<unknown> }> {
  readonly members: Member<C>[] = [];

  private constructor(
    private readonly grid: Grid,
    private readonly open: (peer: Hamok) => C,
  ) {}

  /** Three peers that have joined. @param open creates the collection of a peer */
  static async start<C extends { readonly ready: Promise<unknown> }>(
    open: (peer: Hamok) => C,
  ): Promise<RestartingGrid<C>> {
    const grid = createGrid(3, QUICK);
    const restarting = new RestartingGrid(grid, open);

    await grid.join();
    for (const peer of grid.peers) restarting.members.push({ peer, collection: open(peer) });
    await Promise.all(restarting.collections.map(({ ready }) => ready));

    return restarting;
  }

  get collections(): C[] {
    return this.members.map(({ collection }) => collection);
  }

  /** The peer that something is to happen to. */
  victim(restart: Restart, random: Random): Member<C> {
    const { leader } = this.grid;
    const ofLeader = this.members.find(({ peer }) => peer === leader) as Member<C>;

    return restart === 'the leader is lost' ? ofLeader : random.pick(this.members);
  }

  /** Resolves when all peers are together again. */
  async restart(restart: Restart, victim: Member<C>): Promise<void> {
    const { peer } = victim;

    if (restart === 'it leaves and joins') {
      await peer.leave();
      await peer.join();
    } else {
      // Without a farewell.
      if (restart === 'the leader is lost') this.grid.cut(peer);
      peer.close();
      await this.replace(victim);
    }
    await this.grid.settled();
  }

  /**
   * These take steps at once, a few of each at a time, until everybody has taken enough and `meanwhile` is over. Then
   * every peer shows all of it.
   */
  async work(
    members: readonly Member<C>[],
    step: (collection: C) => Promise<void>,
    meanwhile: Promise<void> = Promise.resolve(),
  ): Promise<void> {
    let over = false;
    const end = meanwhile.finally(() => {
      over = true;
    });
    const work = members.map(async ({ collection }) => {
      for (let taken = 0; taken < ENOUGH_STEPS || !over; taken += STEPS_AT_ONCE) {
        await Promise.all(Array.from({ length: STEPS_AT_ONCE }, () => step(collection)));
      }
    });

    await Promise.all([...work, end]);
    await Promise.all(this.members.map(({ peer }) => peer.waitUntilCommitHead()));
  }

  private async replace(victim: Member<C>): Promise<void> {
    const peer = this.grid.add({ peerId: victim.peer.localPeerId });
    const collection = this.open(peer);

    this.members[this.members.indexOf(victim)] = { peer, collection };
    await peer.join();
    await collection.ready;
  }
}

/** All restarts three times, in a random order. */
export function randomRestarts(random: Random): Restart[] {
  const left: Restart[] = [...RESTARTS, ...RESTARTS, ...RESTARTS];
  const order: Restart[] = [];

  while (left.length > 0) order.push(...left.splice(random.int(left.length), 1));

  return order;
}

/** How many there are of each thing; compared, it says what is lost and what is there too often. */
export function counts(things: Iterable<unknown>): Record<string, number> {
  const found: Record<string, number> = {};

  for (const thing of things) {
    const name = JSON.stringify(thing);
    found[name] = (found[name] ?? 0) + 1;
  }

  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
