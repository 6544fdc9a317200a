/**
 * The collections of one peer: by id for users, by handle for the native side.
 *
 * A further kind of collection takes: its operations in `protocol.ts` and `Outbox`; a class over `Collection` that gives
 * its port a sink and makes its calls with `request` and `batch`; its `createX` and `getOrCreateX` in `Hamok`.
 */
import type { HamokConnection } from '../collections/HamokConnection';
import { hamokError } from '../common/errors';
import { CollectionPort, type PortHost, type RemoteOptions, type RequestLimits } from './CollectionPort';
import { type CollectionKind, kindNames } from './protocol';

/** A collection of any kind. */
export interface AnyCollection {
  /** The id that it was created with. */
  readonly id: string;
  /** The link to the grid. */
  readonly connection: HamokConnection;
  /** Whether `close()` was called, on it or on its `Hamok`. */
  readonly closed: boolean;
  /** Resolves with the collection when it can be used. */
  readonly ready: Promise<AnyCollection>;
  /** Closes the collection on this peer. */
  close(): void;
}

/** What the collections need of the peer, besides what their ports need. */
export interface CollectionsHost extends Omit<PortHost, 'closed'> {
  /** Tells the native side of a collection. */
  open(handle: number, kind: CollectionKind, id: string, remote: RemoteOptions): void;
  /** Tells the native side that a collection is closed. */
  shut(handle: number): void;
}

export class Collections {
  /** The open collections by their ids. */
  readonly storages = new Map<string, AnyCollection>();

  private readonly portsById = new Map<string, CollectionPort>();
  private readonly portsByHandle = new Map<number, CollectionPort>();
  private readonly portHost: PortHost;
  private lastHandle = 0;

  constructor(private readonly host: CollectionsHost) {
    this.portHost = { ...host, closed: (port) => this.remove(port) };
  }

  /**
   * Makes a collection.
   * @param build makes the object that users get; what it throws leaves nothing behind
   * @throws HamokError `INVALID_ARGUMENT` when the id is taken, `KIND_MISMATCH` when another kind has it
   */
  create<C extends AnyCollection>(
    kind: CollectionKind,
    id: string,
    limits: RequestLimits,
    build: (port: CollectionPort) => C,
  ): C {
    if (this.get(kind, id)) {
      throw hamokError('INVALID_ARGUMENT', `${sentenceCase(kindNames[kind])} with id ${id} already exists`);
    }

    const port = new CollectionPort(this.portHost, ++this.lastHandle, kind, id, limits);
    const collection = build(port);

    this.storages.set(id, collection);
    this.portsById.set(id, port);
    this.portsByHandle.set(port.handle, port);
    this.host.open(port.handle, kind, id, port.remote);

    return collection;
  }

  /** The collection of this kind and id. @throws HamokError `KIND_MISMATCH` when the id belongs to another kind */
  get<C extends AnyCollection>(kind: CollectionKind, id: string): C | undefined {
    const port = this.portsById.get(id);

    if (port && port.kind !== kind) {
      throw hamokError(
        'KIND_MISMATCH',
        `${sentenceCase(kindNames[kind])} with id ${id} cannot be created: ${withArticle(kindNames[port.kind])} has this id`,
      );
    }

    return port && (this.storages.get(id) as C | undefined);
  }

  /** The port of a handle; undefined when its collection is closed by now. */
  port(handle: number): CollectionPort | undefined {
    return this.portsByHandle.get(handle);
  }

  /** The ports of all open collections, as of now. */
  ports(): CollectionPort[] {
    return [...this.portsByHandle.values()];
  }

  /** Resolves when every collection shows what this peer has applied; undefined when they do. */
  attached(): Promise<unknown> | undefined {
    const missing = this.ports().filter((port) => !port.attached);

    // One that was refused never will.
    return missing.length > 0 ? Promise.allSettled(missing.map((port) => port.whenReady)) : undefined;
  }

  /** Closes them all. */
  close(): void {
    for (const collection of [...this.storages.values()]) collection.close();
  }

  private remove(port: CollectionPort): void {
    this.storages.delete(port.id);
    this.portsById.delete(port.id);
    this.portsByHandle.delete(port.handle);
    this.host.shut(port.handle);
  }
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}
