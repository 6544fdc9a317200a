/**
 * Reads what the native side tells, in order, and hands each record to the sink.
 *
 * A record is read to its end before anything of it is handled, because handling may run code of users, which may throw
 * or come back here: `close()` within a listener drains once more. The records that are left of the outer buffer then
 * come first, so the order holds.
 */
import { PackReader } from '../binding/packing';
import { type HamokError, type HamokErrorCode, hamokError } from '../common/errors';
import type { HamokState } from '../HamokEventMap';
import { CONFLICT, NOTHING, type Outcome } from './Outcome';
import { ChangeKind, OutcomeTag, RecordKind } from './protocol';
import type { Change, EncodedEntry, LoggedEntry, LoggedOperation, RecordSink } from './RecordSink';
import type { RemoteEvent } from './ReplyOutbox';

const STATES: readonly HamokState[] = ['empty', 'follower', 'candidate', 'leader'];

export class NativeStream {
  private reader: PackReader | undefined;

  constructor(
    private readonly source: { drain(): Buffer | null },
    private readonly sink: RecordSink,
  ) {}

  /** Handles everything that is there now. What comes in the meantime is announced by the native side again. */
  drain(): void {
    this.readAll();

    const buffer = this.source.drain();

    if (!buffer) return;
    this.reader = new PackReader(buffer);
    this.readAll();
  }

  private readAll(): void {
    for (;;) {
      const reader = this.reader;

      if (!reader) return;
      if (reader.done) {
        this.reader = undefined;
        return;
      }
      try {
        this.handle(reader);
      } catch (error) {
        this.sink.failed(error);
      }
    }
  }

  private handle(reader: PackReader): void {
    let deliver: () => void;

    try {
      deliver = read(reader, this.sink);
    } catch (error) {
      // Nobody knows where the next record begins.
      this.reader = undefined;
      throw error;
    }
    deliver();
  }
}

/** Reads one record and says what to do with it. */
function read(reader: PackReader, sink: RecordSink): () => void {
  const kind = reader.u8();

  switch (kind) {
    case RecordKind.MESSAGE: {
      const destinationId = optional(reader);
      const payload = reader.bytes();
      return () => sink.message(destinationId, payload);
    }
    case RecordKind.STATE: {
      const state = STATES[reader.u8()];
      if (!state) throw hamokError('INTERNAL', 'Unknown state in the native stream');
      return () => sink.state(state);
    }
    case RecordKind.LEADER: {
      const peerId = optional(reader);
      return () => sink.leader(peerId);
    }
    case RecordKind.PEER_JOINED: {
      const peerId = reader.str();
      return () => sink.peerJoined(peerId);
    }
    case RecordKind.PEER_LEFT: {
      const peerId = reader.str();
      return () => sink.peerLeft(peerId);
    }
    case RecordKind.NO_HEARTBEAT: {
      const peerId = reader.str();
      return () => sink.noHeartbeat(peerId);
    }
    case RecordKind.JOINED:
      return () => sink.joined();
    case RecordKind.REJOINING:
      return () => sink.rejoining();
    case RecordKind.LEFT:
      return () => sink.left();
    case RecordKind.QUORUM_LOST:
      return () => sink.quorumLost();
    case RecordKind.QUORUM_RESTORED:
      return () => sink.quorumRestored();
    case RecordKind.REFORMED: {
      const reform = {
        gridId: reader.str(),
        parentGridId: reader.str(),
        epoch: reader.f64(),
        missingPeerIds: list(reader, readText),
      };
      return () => sink.reformed(reform);
    }
    case RecordKind.GRID_MERGED: {
      const merge = { gridId: reader.str(), mergedGridId: reader.str(), epoch: reader.f64() };
      return () => sink.gridMerged(merge);
    }
    case RecordKind.READY:
      return readReady(reader, sink);
    case RecordKind.CHANGES: {
      const handle = reader.u32();
      const revision = reader.f64();
      const changes = list(reader, readChange);
      return () => sink.changes(handle, revision, changes);
    }
    case RecordKind.COMPLETED:
      return readCompleted(reader, sink);
    case RecordKind.COMMIT: {
      const commit = { index: reader.f64(), ...readOperation(reader) };
      return () => sink.commit(commit);
    }
    case RecordKind.CLAIM: {
      const claim = { handle: reader.u32(), term: reader.f64(), claim: reader.str() };
      return () => sink.claim(claim);
    }
    case RecordKind.EXECUTE: {
      const execution = {
        handle: reader.u32(),
        term: reader.f64(),
        epoch: reader.f64(),
        position: reader.f64(),
        index: reader.f64(),
        operationId: reader.str(),
        attempt: reader.u8(),
        callerToken: reader.u32(),
        method: reader.u8(),
        keys: list(reader, readBytes),
        values: list(reader, readBytes),
      };
      return () => sink.execute(execution);
    }
    case RecordKind.HALT: {
      const handle = reader.u32();
      const term = reader.f64();
      return () => sink.halt(handle, term);
    }
    case RecordKind.REMOTE_EVENTS: {
      const handle = reader.u32();
      const operationId = reader.str();
      const packed = reader.bytes();
      return () => sink.remoteEvents(handle, operationId, packed);
    }
    case RecordKind.PROGRESS: {
      const handle = reader.u32();
      const headToken = reader.u32();
      return () => sink.progress(handle, headToken);
    }
    case RecordKind.EVENTS_LOST: {
      const handle = reader.u32();
      return () => sink.eventsLost(handle);
    }
    case RecordKind.DELIVERY: {
      const delivery = {
        handle: reader.u32(),
        id: reader.u32(),
        sourceId: reader.str(),
        event: reader.str(),
        payload: reader.bytes(),
      };
      return () => sink.delivery(delivery);
    }
    case RecordKind.LOG_REMOVED: {
      const expired = reader.u8() !== 0;
      const entries = list(reader, readLogEntry);
      return () => sink.logRemoved(entries, expired);
    }
    case RecordKind.ERROR: {
      const error = readError(reader);
      return () => sink.error(error);
    }
    case RecordKind.LOG: {
      const level = reader.u8();
      const module = reader.str();
      const text = reader.str();
      return () => sink.log(level, module, text);
    }
    default:
      throw hamokError('INTERNAL', `Unknown record ${kind} in the native stream`);
  }
}

function readReady(reader: PackReader, sink: RecordSink): () => void {
  const handle = reader.u32();

  if (!reader.u8()) {
    const error = readError(reader);
    return () => sink.refused(handle, error);
  }

  const revision = reader.f64();
  const fill = reader.u8() ? list(reader, readEntry) : undefined;

  return () => sink.ready(handle, revision, fill);
}

function readCompleted(reader: PackReader, sink: RecordSink): () => void {
  const token = reader.u32();
  const tag = reader.u8();

  switch (tag) {
    case OutcomeTag.NONE:
      return () => sink.completed(token, NOTHING);
    case OutcomeTag.CONFLICT:
      return () => sink.completed(token, CONFLICT);
    case OutcomeTag.ENTRIES: {
      const outcome = readEntries(reader);
      return () => sink.completed(token, outcome);
    }
    case OutcomeTag.ERROR: {
      const error = readError(reader);
      return () => sink.requestFailed(token, error);
    }
    default:
      throw hamokError('INTERNAL', `Unknown outcome ${tag} in the native stream`);
  }
}

function readEntries(reader: PackReader): Outcome {
  const count = reader.u32();

  if (count === 0) return NOTHING;

  const indexes: number[] = [];
  const values: (Uint8Array | undefined)[] = [];

  for (let number = 0; number < count; number++) {
    indexes.push(reader.u32());
    values.push(reader.u8() ? reader.bytes() : undefined);
  }

  return { conflict: false, indexes, values };
}

function readChange(reader: PackReader): Change {
  const kind = reader.u8();
  const key = kind === ChangeKind.CLEAR ? undefined : reader.bytes();
  const value = kind === ChangeKind.INSERT || kind === ChangeKind.UPDATE ? reader.bytes() : undefined;

  return { kind, key, value };
}

/** The events of an operation. They are read when somebody listens: every peer hears of every operation. */
export function* readRemoteEvents(packed: Buffer): Generator<RemoteEvent> {
  const reader = new PackReader(packed);

  while (!reader.done) yield readRemoteEvent(reader);
}

function readRemoteEvent(reader: PackReader): RemoteEvent {
  const kind = reader.u8();
  const key = kind === ChangeKind.CLEAR ? undefined : reader.bytes();
  const oldValue = kind === ChangeKind.UPDATE || kind === ChangeKind.REMOVE ? reader.bytes() : undefined;
  const value = kind === ChangeKind.INSERT || kind === ChangeKind.UPDATE ? reader.bytes() : undefined;

  return { kind, key, value, oldValue };
}

function readEntry(reader: PackReader): EncodedEntry {
  return { key: reader.bytes(), value: reader.bytes() };
}

function readOperation(reader: PackReader): LoggedOperation {
  return {
    type: reader.u32(),
    sourceId: reader.str(),
    storageId: reader.str(),
    keys: list(reader, readBytes),
    values: list(reader, readBytes),
  };
}

/** An entry of the log as the native side packs it. */
export function readLogEntry(reader: PackReader): LoggedEntry {
  return {
    index: reader.f64(),
    term: reader.f64(),
    timestamp: reader.f64(),
    operations: list(reader, readOperation),
  };
}

function readError(reader: PackReader): HamokError {
  const code = reader.str() as HamokErrorCode;

  return hamokError(code, reader.str());
}

function readBytes(reader: PackReader): Uint8Array {
  return reader.bytes();
}

function readText(reader: PackReader): string {
  return reader.str();
}

function optional(reader: PackReader): string | undefined {
  return reader.u8() ? reader.str() : undefined;
}

/** A list grows as it is read: a damaged count ends at the end of the buffer, and takes no memory in advance. */
function list<T>(reader: PackReader, item: (reader: PackReader) => T): T[] {
  const items: T[] = [];

  for (let left = reader.u32(); left > 0; left--) items.push(item(reader));

  return items;
}
