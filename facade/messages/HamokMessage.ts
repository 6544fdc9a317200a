/**
 * The one message that peers exchange: protobuf (proto2) `io.github.hamok.dev.schema.HamokMessage`, with the shape that
 * protobuf-es v1 gives its classes.
 *
 * What a peer sends is an envelope: protocol, type, source, destination, and the payload in `snapshot`. Envelopes are
 * encoded and decoded here by hand, since every write of the grid passes through both; every other message goes
 * through the library. Both ways give the same bytes and the same fields.
 */
import {
  type BinaryReadOptions,
  type BinaryWriteOptions,
  type FieldList,
  type JsonReadOptions,
  type JsonValue,
  Message,
  type PartialMessage,
  type PlainMessage,
  proto2,
  ScalarType,
} from '@bufbuild/protobuf';

/** What part of the system a message belongs to. */
export enum HamokMessage_MessageProtocol {
  /** Between the peers of a grid. */
  GRID_COMMUNICATION_PROTOCOL = 1,
  /** About the ordering engine: an entry of its own in the log. */
  RAFT_COMMUNICATION_PROTOCOL = 2,
  /** About a collection: what `commit` events carry. */
  STORAGE_COMMUNICATION_PROTOCOL = 3,
}

/**
 * What a message says. This version sends `HELLO_NOTIFICATION`s only, and shows the `CLEAR_`, `DELETE_`, `REMOVE_`, `INSERT_`
 * and `UPDATE_ENTRIES_REQUEST`s of collections in `commit` events and in the log. The others are free for what an
 * application submits.
 */
export enum HamokMessage_MessageType {
  /** What one peer sends to others; the payload is in `snapshot`. */
  HELLO_NOTIFICATION = 1,
  /** Tells which peers the sender hears. */
  ENDPOINT_STATES_NOTIFICATION = 2,
  /** Tells that requests are still under way. */
  ONGOING_REQUESTS_NOTIFICATION = 3,
  /** Tells that a peer wants to join. */
  JOIN_NOTIFICATION = 4,
  /** Asks for a vote. */
  RAFT_VOTE_REQUEST = 12,
  /** Answers a request for a vote. */
  RAFT_VOTE_RESPONSE = 13,
  /** Carries a part of the entries that the leader appends. */
  RAFT_APPEND_ENTRIES_REQUEST_CHUNK = 16,
  /** Answers the leader that appends entries. */
  RAFT_APPEND_ENTRIES_RESPONSE = 17,
  /** Asks the leader to order a message. */
  SUBMIT_MESSAGE_REQUEST = 20,
  /** Answers a request to order a message. */
  SUBMIT_MESSAGE_RESPONSE = 21,
  /** Deletes all entries: `clear`. */
  CLEAR_ENTRIES_REQUEST = 24,
  /** Answers that all entries were deleted. */
  CLEAR_ENTRIES_RESPONSE = 25,
  /** Has all entries deleted, without an answer. */
  CLEAR_ENTRIES_NOTIFICATION = 26,
  /** Asks for the entries of `keys`. */
  GET_ENTRIES_REQUEST = 28,
  /** Gives entries. */
  GET_ENTRIES_RESPONSE = 29,
  /** Asks for the number of entries. */
  GET_SIZE_REQUEST = 32,
  /** Gives the number of entries. */
  GET_SIZE_RESPONSE = 33,
  /** Asks for the keys. */
  GET_KEYS_REQUEST = 36,
  /** Gives the keys. */
  GET_KEYS_RESPONSE = 37,
  /** Deletes the entries of `keys`: `delete` and `deleteAll` of a remote map. */
  DELETE_ENTRIES_REQUEST = 40,
  /** Answers which keys existed. */
  DELETE_ENTRIES_RESPONSE = 41,
  /** Has entries deleted, without an answer. */
  DELETE_ENTRIES_NOTIFICATION = 42,
  /** Deletes the entries of `keys`, by any other call; without `keys`: a `pop`. */
  REMOVE_ENTRIES_REQUEST = 44,
  /** Answers which entries were deleted. */
  REMOVE_ENTRIES_RESPONSE = 45,
  /** Has entries deleted, without an answer. */
  REMOVE_ENTRIES_NOTIFICATION = 46,
  /** Tells which entries were deleted. */
  ENTRIES_REMOVED_NOTIFICATION = 47,
  /** Sets those entries whose keys do not exist; without `keys`: a `push`. */
  INSERT_ENTRIES_REQUEST = 52,
  /** Answers which entries existed. */
  INSERT_ENTRIES_RESPONSE = 53,
  /** Has entries inserted, without an answer. */
  INSERT_ENTRIES_NOTIFICATION = 54,
  /** Tells which entries were inserted. */
  ENTRIES_INSERTED_NOTIFICATION = 55,
  /** Sets entries, or those that are as expected: `set`, `setAll`, `updateIf` and their like. */
  UPDATE_ENTRIES_REQUEST = 56,
  /** Answers which entries existed. */
  UPDATE_ENTRIES_RESPONSE = 57,
  /** Has entries set, without an answer. */
  UPDATE_ENTRIES_NOTIFICATION = 58,
  /** Tells which entry was set. */
  ENTRY_UPDATED_NOTIFICATION = 59,
  /** Tells how far a collection has applied the log. */
  STORAGE_APPLIED_COMMIT_NOTIFICATION = 60,
  /** Asks for the state of a collection. */
  STORAGE_HELLO_NOTIFICATION = 61,
  /** Gives the state of a collection. */
  STORAGE_STATE_NOTIFICATION = 62,
}

const TYPE_NAME = 'io.github.hamok.dev.schema.HamokMessage';

setEnumType(HamokMessage_MessageProtocol, `${TYPE_NAME}.MessageProtocol`);
setEnumType(HamokMessage_MessageType, `${TYPE_NAME}.MessageType`);

/**
 * A message of the grid. Every field is an own enumerable property: `undefined` when unset, an empty array when
 * repeated. `toBinary()` encodes what the fields say at the moment of the call, so fields may be edited freely.
 */
export class HamokMessage extends Message<HamokMessage> {
  /** What part of the system the message belongs to. */
  protocol?: HamokMessage_MessageProtocol;

  /** What the message says. */
  type?: HamokMessage_MessageType;

  /** Id of the peer that made the message. */
  sourceId?: string;

  /** Id of the peer that the message is for; unset: for every peer (broadcast). */
  destinationId?: string;

  /** Id of the collection that the message is about. */
  storageId?: string;

  /** Id of the request that the message makes or answers. */
  requestId?: string;

  /** Time in milliseconds since 1970, unsigned 64 bits. */
  timestamp?: bigint;

  /** Number of entries of the collection. */
  storageSize?: number;

  /** Encoded keys. */
  keys: Uint8Array[] = [];

  /** Encoded values, in the order of `keys`. */
  values: Uint8Array[] = [];

  /** Ids of the peers that the source hears. */
  activeEndpointIds: string[] = [];

  /** Messages within the message. */
  embeddedMessages: HamokMessage[] = [];

  /** Whether the request succeeded. */
  success?: boolean;

  /** Whether the request is to be executed synchronously. */
  executeSync?: boolean;

  /** Id of the peer that leads. */
  raftLeaderId?: string;

  /** Number of log entries. */
  raftNumberOfLogs?: number;

  /** Index of the last log entry that was applied. */
  raftLastAppliedIndex?: number;

  /** Index of the last log entry that was committed. */
  raftCommitIndex?: number;

  /** Index of the leader's next log entry. */
  raftLeaderNextIndex?: number;

  /** Term of the log entry before those that are sent. */
  raftPrevLogTerm?: number;

  /** Index of the log entry before those that are sent. */
  raftPrevLogIndex?: number;

  /** Term of the sender. */
  raftTerm?: number;

  /** Index of the log entry that the peer expects next. */
  raftPeerNextIndex?: number;

  /** Id of the peer that asks for votes. */
  raftCandidateId?: string;

  /** Position of this message in a chain of messages. */
  sequence?: number;

  /** Whether this message ends its chain. */
  lastMessage?: boolean;

  /** Encoded value that the key had before. */
  prevValue?: Uint8Array;

  /** Payload of an envelope, or the encoded state of a collection. */
  snapshot?: Uint8Array;

  /**
   * Makes a message.
   * @param data fields to set; `undefined` and `null` leave a field unset. Arrays of bytes become `Uint8Array`s, plain
   * objects in `embeddedMessages` become messages; everything else is taken as it is, without a copy.
   */
  constructor(data?: PartialMessage<HamokMessage>) {
    super();
    proto2.util.initPartial(data, this);
  }

  /** The protobuf runtime that the class works with. */
  static readonly runtime: typeof proto2 = proto2;

  /** Full protobuf name of the message. */
  static readonly typeName = TYPE_NAME;

  /** Descriptions of the fields, for reflection. */
  static readonly fields: FieldList = proto2.util.newFieldList(() => [
    {
      no: 1,
      name: 'protocol',
      kind: 'enum',
      T: proto2.getEnumType(HamokMessage_MessageProtocol),
      opt: true,
    },
    { no: 2, name: 'type', kind: 'enum', T: proto2.getEnumType(HamokMessage_MessageType), opt: true },
    { no: 3, name: 'sourceId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 4, name: 'destinationId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 5, name: 'storageId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 6, name: 'requestId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 7, name: 'timestamp', kind: 'scalar', T: ScalarType.UINT64, opt: true },
    { no: 8, name: 'storageSize', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 10, name: 'keys', kind: 'scalar', T: ScalarType.BYTES, repeated: true },
    { no: 11, name: 'values', kind: 'scalar', T: ScalarType.BYTES, repeated: true },
    { no: 12, name: 'activeEndpointIds', kind: 'scalar', T: ScalarType.STRING, repeated: true },
    { no: 13, name: 'embeddedMessages', kind: 'message', T: HamokMessage, repeated: true },
    { no: 14, name: 'success', kind: 'scalar', T: ScalarType.BOOL, opt: true },
    { no: 15, name: 'executeSync', kind: 'scalar', T: ScalarType.BOOL, opt: true },
    { no: 16, name: 'raftLeaderId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 17, name: 'raftNumberOfLogs', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 18, name: 'raftLastAppliedIndex', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 19, name: 'raftCommitIndex', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 20, name: 'raftLeaderNextIndex', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 21, name: 'raftPrevLogTerm', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 22, name: 'raftPrevLogIndex', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 23, name: 'raftTerm', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 24, name: 'raftPeerNextIndex', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 25, name: 'raftCandidateId', kind: 'scalar', T: ScalarType.STRING, opt: true },
    { no: 26, name: 'sequence', kind: 'scalar', T: ScalarType.INT32, opt: true },
    { no: 27, name: 'lastMessage', kind: 'scalar', T: ScalarType.BOOL, opt: true },
    { no: 28, name: 'prevValue', kind: 'scalar', T: ScalarType.BYTES, opt: true },
    { no: 29, name: 'snapshot', kind: 'scalar', T: ScalarType.BYTES, opt: true },
  ]);

  /**
   * Decodes a message. Fields of type bytes are views of `bytes`, not copies: do not reuse that memory while the
   * message is in use.
   *
   * @throws RangeError when the bytes end within a field; Error when they are no protobuf of this schema.
   */
  static fromBinary(bytes: Uint8Array, options?: Partial<BinaryReadOptions>): HamokMessage {
    return (options === undefined && decodeEnvelope(bytes)) || new HamokMessage().fromBinary(bytes, options);
  }

  /** Makes a message of what `toJson()` gives. @throws Error when a field is unknown or has a wrong type. */
  static fromJson(jsonValue: JsonValue, options?: Partial<JsonReadOptions>): HamokMessage {
    return new HamokMessage().fromJson(jsonValue, options);
  }

  /** Makes a message of what `toJsonString()` gives. @throws Error as `fromJson()`, or when the text is not JSON. */
  static fromJsonString(jsonString: string, options?: Partial<JsonReadOptions>): HamokMessage {
    return new HamokMessage().fromJsonString(jsonString, options);
  }

  /** Whether all fields of two messages are equal. */
  static equals(
    a: HamokMessage | PlainMessage<HamokMessage> | undefined,
    b: HamokMessage | PlainMessage<HamokMessage> | undefined,
  ): boolean {
    return proto2.util.equals(HamokMessage, a, b);
  }

  /** The message as protobuf, in a `Uint8Array` with a buffer of its own. @throws Error when a field has a wrong type. */
  override toBinary(options?: Partial<BinaryWriteOptions>): Uint8Array {
    return (options === undefined && encodeEnvelope(this)) || super.toBinary(options);
  }
}

/**
 * Makes an envelope: what carries a payload to one peer, or to all when `destinationId` is undefined.
 * The payload is not copied until `toBinary()`.
 */
export function createNativeMessage(
  sourceId: string,
  destinationId: string | undefined,
  payload: Uint8Array,
): HamokMessage {
  const message = new HamokMessage();

  message.protocol = HamokMessage_MessageProtocol.GRID_COMMUNICATION_PROTOCOL;
  message.type = HamokMessage_MessageType.HELLO_NOTIFICATION;
  message.sourceId = sourceId;
  message.destinationId = destinationId;
  message.snapshot = payload;

  return message;
}

/** First bytes of an envelope's fields on the wire, in the order of the fields. The last has a second byte. */
const PROTOCOL_TAG = 0x08;
const TYPE_TAG = 0x10;
const SOURCE_ID_TAG = 0x1a;
const DESTINATION_ID_TAG = 0x22;
const SNAPSHOT_TAG = 0xea;
const SNAPSHOT_TAG_END = 0x01;

const textDecoder = new TextDecoder();

/** Encodes an envelope; undefined for any other message, which is the library's then. */
function encodeEnvelope(message: HamokMessage): Uint8Array | undefined {
  const { protocol, type, sourceId, destinationId, snapshot } = message;

  if (
    !isOneByte(protocol) ||
    !isOneByte(type) ||
    typeof sourceId !== 'string' ||
    (destinationId !== undefined && typeof destinationId !== 'string') ||
    !(snapshot instanceof Uint8Array) ||
    !isEnvelope(message)
  ) {
    return undefined;
  }

  const sourceLength = Buffer.byteLength(sourceId);
  const destinationLength = destinationId === undefined ? 0 : Buffer.byteLength(destinationId);
  const length =
    7 +
    varintLength(sourceLength) +
    sourceLength +
    (destinationId === undefined ? 0 : 1 + varintLength(destinationLength) + destinationLength) +
    varintLength(snapshot.length) +
    snapshot.length;

  // Memory of its own that is not zeroed first: every byte is written below.
  const bytes = Buffer.allocUnsafeSlow(length);

  bytes[0] = PROTOCOL_TAG;
  bytes[1] = protocol;
  bytes[2] = TYPE_TAG;
  bytes[3] = type;
  bytes[4] = SOURCE_ID_TAG;

  let at = writeVarint(bytes, 5, sourceLength);
  at += bytes.write(sourceId, at, sourceLength);

  if (destinationId !== undefined) {
    bytes[at++] = DESTINATION_ID_TAG;
    at = writeVarint(bytes, at, destinationLength);
    at += bytes.write(destinationId, at, destinationLength);
  }

  bytes[at++] = SNAPSHOT_TAG;
  bytes[at++] = SNAPSHOT_TAG_END;
  bytes.set(snapshot, writeVarint(bytes, at, snapshot.length));

  return new Uint8Array(bytes.buffer);
}

/** Decodes bytes that hold fields of an envelope only, once each, in order; undefined for any other bytes. */
function decodeEnvelope(bytes: Uint8Array): HamokMessage | undefined {
  if (!(bytes instanceof Uint8Array)) return undefined;

  const message = new HamokMessage();

  for (let at = 0, last = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number;

    if (tag <= last) return undefined;
    last = tag;

    if (tag === PROTOCOL_TAG || tag === TYPE_TAG) {
      const value = bytes[at++] as number;

      if (!isOneByte(value)) return undefined;
      if (tag === PROTOCOL_TAG) message.protocol = value;
      else message.type = value;
      continue;
    }
    if (tag === SNAPSHOT_TAG && bytes[at++] !== SNAPSHOT_TAG_END) return undefined;

    // A length of up to four bytes (256 MiB). Past the end of the input it reads as zeros, and `end` is past it too.
    let length = 0;
    let byte = 0x80;

    for (let shift = 0; byte & 0x80; shift += 7) {
      if (shift > 21) return undefined;
      byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
    }

    const end = at + length;

    if (end > bytes.length) return undefined;
    if (tag === SNAPSHOT_TAG) message.snapshot = bytes.subarray(at, end);
    else if (tag === SOURCE_ID_TAG) message.sourceId = textDecoder.decode(bytes.subarray(at, end));
    else if (tag === DESTINATION_ID_TAG) message.destinationId = textDecoder.decode(bytes.subarray(at, end));
    else return undefined;

    at = end;
  }

  return message;
}

/** Whether no field is set but those of an envelope, and nothing unknown came with the message. */
function isEnvelope(message: HamokMessage): boolean {
  return (
    message.storageId === undefined &&
    message.requestId === undefined &&
    message.timestamp === undefined &&
    message.storageSize === undefined &&
    message.keys.length === 0 &&
    message.values.length === 0 &&
    message.activeEndpointIds.length === 0 &&
    message.embeddedMessages.length === 0 &&
    message.success === undefined &&
    message.executeSync === undefined &&
    message.raftLeaderId === undefined &&
    message.raftNumberOfLogs === undefined &&
    message.raftLastAppliedIndex === undefined &&
    message.raftCommitIndex === undefined &&
    message.raftLeaderNextIndex === undefined &&
    message.raftPrevLogTerm === undefined &&
    message.raftPrevLogIndex === undefined &&
    message.raftTerm === undefined &&
    message.raftPeerNextIndex === undefined &&
    message.raftCandidateId === undefined &&
    message.sequence === undefined &&
    message.lastMessage === undefined &&
    message.prevValue === undefined &&
    proto2.bin.listUnknownFields(message).length === 0
  );
}

/** Whether an enum value is a varint of one byte. */
function isOneByte(value: number | undefined): value is number {
  return typeof value === 'number' && (value & 0x7f) === value;
}

function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;

  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;

  return end;
}

/** Attaches names to an enum for reflection; TypeScript's own object maps names to numbers and back. */
function setEnumType(enumObject: Parameters<typeof proto2.util.setEnumType>[0], typeName: string): void {
  const values = Object.entries(enumObject).flatMap(([name, no]) => (typeof no === 'number' ? [{ no, name }] : []));

  proto2.util.setEnumType(enumObject, typeName, values);
}
