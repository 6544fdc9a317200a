import { Message, type PartialMessage } from '@bufbuild/protobuf';
import protobuf from 'protobufjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createNativeMessage,
  HamokMessage,
  HamokMessage_MessageProtocol,
  HamokMessage_MessageType,
} from '../../facade/messages/HamokMessage';
import { seededRandom } from './seeded-random';

const random = seededRandom('hamok-message.test.ts');

/** The schema, read by another implementation of protobuf: the judge of the bytes. */
const schema = protobuf.parse(
  `
  syntax = "proto2";
  package io.github.hamok.dev.schema;

  message HamokMessage {
    enum MessageProtocol {
      GRID_COMMUNICATION_PROTOCOL = 1;
      RAFT_COMMUNICATION_PROTOCOL = 2;
      STORAGE_COMMUNICATION_PROTOCOL = 3;
    }
    enum MessageType {
      HELLO_NOTIFICATION = 1;
      ENDPOINT_STATES_NOTIFICATION = 2;
      ONGOING_REQUESTS_NOTIFICATION = 3;
      JOIN_NOTIFICATION = 4;
      RAFT_VOTE_REQUEST = 12;
      RAFT_VOTE_RESPONSE = 13;
      RAFT_APPEND_ENTRIES_REQUEST_CHUNK = 16;
      RAFT_APPEND_ENTRIES_RESPONSE = 17;
      SUBMIT_MESSAGE_REQUEST = 20;
      SUBMIT_MESSAGE_RESPONSE = 21;
      CLEAR_ENTRIES_REQUEST = 24;
      CLEAR_ENTRIES_RESPONSE = 25;
      CLEAR_ENTRIES_NOTIFICATION = 26;
      GET_ENTRIES_REQUEST = 28;
      GET_ENTRIES_RESPONSE = 29;
      GET_SIZE_REQUEST = 32;
      GET_SIZE_RESPONSE = 33;
      GET_KEYS_REQUEST = 36;
      GET_KEYS_RESPONSE = 37;
      DELETE_ENTRIES_REQUEST = 40;
      DELETE_ENTRIES_RESPONSE = 41;
      DELETE_ENTRIES_NOTIFICATION = 42;
      REMOVE_ENTRIES_REQUEST = 44;
      REMOVE_ENTRIES_RESPONSE = 45;
      REMOVE_ENTRIES_NOTIFICATION = 46;
      ENTRIES_REMOVED_NOTIFICATION = 47;
      INSERT_ENTRIES_REQUEST = 52;
      INSERT_ENTRIES_RESPONSE = 53;
      INSERT_ENTRIES_NOTIFICATION = 54;
      ENTRIES_INSERTED_NOTIFICATION = 55;
      UPDATE_ENTRIES_REQUEST = 56;
      UPDATE_ENTRIES_RESPONSE = 57;
      UPDATE_ENTRIES_NOTIFICATION = 58;
      ENTRY_UPDATED_NOTIFICATION = 59;
      STORAGE_APPLIED_COMMIT_NOTIFICATION = 60;
      STORAGE_HELLO_NOTIFICATION = 61;
      STORAGE_STATE_NOTIFICATION = 62;
    }
    optional MessageProtocol protocol = 1;
    optional MessageType type = 2;
    optional string sourceId = 3;
    optional string destinationId = 4;
    optional string storageId = 5;
    optional string requestId = 6;
    optional uint64 timestamp = 7;
    optional int32 storageSize = 8;
    repeated bytes keys = 10;
    repeated bytes values = 11;
    repeated string activeEndpointIds = 12;
    repeated HamokMessage embeddedMessages = 13;
    optional bool success = 14;
    optional bool executeSync = 15;
    optional string raftLeaderId = 16;
    optional int32 raftNumberOfLogs = 17;
    optional int32 raftLastAppliedIndex = 18;
    optional int32 raftCommitIndex = 19;
    optional int32 raftLeaderNextIndex = 20;
    optional int32 raftPrevLogTerm = 21;
    optional int32 raftPrevLogIndex = 22;
    optional int32 raftTerm = 23;
    optional int32 raftPeerNextIndex = 24;
    optional string raftCandidateId = 25;
    optional int32 sequence = 26;
    optional bool lastMessage = 27;
    optional bytes prevValue = 28;
    optional bytes snapshot = 29;
  }`,
  { keepCase: true },
).root;
const Judge = schema.lookupType('io.github.hamok.dev.schema.HamokMessage');

const ENVELOPE = ['protocol', 'type', 'sourceId', 'destinationId', 'snapshot'];

type Plain = Record<string, unknown>;

/** A random value of a field of the schema, as protobuf-es holds it. */
function randomValue({ type, resolvedType }: protobuf.Field, depth: number): unknown {
  if (resolvedType instanceof protobuf.Enum) return random.pick(Object.values(resolvedType.values));
  if (resolvedType instanceof protobuf.Type) return randomFields(depth + 1);

  switch (type) {
    case 'string':
      // The library takes a leading U+FEFF for a byte order mark and drops it.
      return random.text(random.pick([3, 40, 300])).replace(/^\uFEFF+/, '');
    case 'bytes':
      return random.bytes(random.pick([0, 3, 200]));
    case 'bool':
      return random.chance(0.5);
    case 'int32':
      return random.pick([0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), random.int(-(2 ** 31), 2 ** 31 - 1)]);
    case 'uint64':
      return random.pick([0n, 1n, 2n ** 64n - 1n, BigInt(Date.now()), BigInt(random.int(0, 2 ** 52)) * 4096n]);
    default:
      throw new Error(`No random ${type}`);
  }
}

/** Random fields: often those of an envelope, now and then all. */
function randomFields(depth = 0): Plain {
  const density = random.pick([0, 0.1, 0.5, 1]);
  const fields: Plain = {};

  for (const field of Judge.fieldsArray) {
    field.resolve();
    if (field.name === 'embeddedMessages' && depth > 1) continue;
    if (!random.chance(ENVELOPE.includes(field.name) ? Math.max(density, 0.8) : density)) continue;

    fields[field.name] = field.repeated
      ? Array.from({ length: random.int(1, 4) }, () => randomValue(field, depth))
      : randomValue(field, depth);
  }

  return fields;
}

/** The same fields in the form of the judge: 64-bit numbers in its own type. */
function forJudge(fields: Plain): Plain {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (typeof value === 'bigint') return [name, { low: Number(value & 0xffffffffn), high: Number(value >> 32n) }];
      if (name === 'embeddedMessages') return [name, (value as Plain[]).map(forJudge)];
      return [name, value];
    }),
  );
}

/** What the judge decodes, in the form of `toJson()`. */
function judgeJson(bytes: Uint8Array): unknown {
  return Judge.toObject(Judge.decode(bytes), { enums: String, longs: String, bytes: String });
}

/** The library's own codec: it is used whenever options are given. */
const encodeByLibrary = (message: HamokMessage) => message.toBinary({});
const decodeByLibrary = (bytes: Uint8Array) => HamokMessage.fromBinary(bytes, {});

function outcome<T>(action: () => T): { result: T } | { error: unknown } {
  try {
    return { result: action() };
  } catch (error) {
    return { error };
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('HamokMessage', () => {
  it('has the names and numbers of the schema', () => {
    expect(HamokMessage.typeName).toBe(Judge.fullName.slice(1));
    expect(HamokMessage.fields.byNumber().map(({ no, name, repeated }) => ({ no, name, repeated }))).toEqual(
      Judge.fieldsArray.map(({ id, name, repeated }) => ({ no: id, name, repeated })),
    );

    for (const [ours, name] of [
      [HamokMessage_MessageProtocol, 'MessageProtocol'],
      [HamokMessage_MessageType, 'MessageType'],
    ] as const) {
      const { values } = Judge.lookupEnum(name);
      const enumType = HamokMessage.runtime.getEnumType(ours);

      expect(Object.fromEntries(enumType.values.map(({ name, no }) => [name, no]))).toEqual(values);
      expect(ours).toMatchObject(values);
      expect(enumType.typeName).toBe(`${HamokMessage.typeName}.${name}`);
    }
  });

  it('has every field as an own enumerable property, undefined or empty when unset', () => {
    const names = Judge.fieldsArray.map(({ name }) => name);

    for (const message of [new HamokMessage(), createNativeMessage('a', undefined, new Uint8Array(1))]) {
      expect(Object.keys(message)).toEqual(names);
      expect(Object.getOwnPropertyNames(message)).toEqual(names);
    }
    expect(Object.values(new HamokMessage())).toEqual(
      Judge.fieldsArray.map(({ repeated }) => (repeated ? [] : undefined)),
    );
  });

  it('encodes and decodes every message as protobufjs does', () => {
    for (let round = 0; round < 400; ++round) {
      const fields = randomFields();
      const message = new HamokMessage(fields as PartialMessage<HamokMessage>);
      const bytes = message.toBinary();
      const judgeBytes = new Uint8Array(Judge.encode(forJudge(fields)).finish());

      expect(Buffer.compare(bytes, judgeBytes)).toBe(0);
      expect(judgeJson(bytes)).toEqual(message.toJson());

      const decoded = HamokMessage.fromBinary(judgeBytes);

      expect(decoded.equals(message)).toBe(true);
      expect(decoded.toJson()).toEqual(message.toJson());
    }
  });

  it('gives a Uint8Array with a buffer of its own', () => {
    const bytes = createNativeMessage('a', 'b', new Uint8Array(100)).toBinary();

    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes.byteOffset).toBe(0);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });

  it('encodes and decodes envelopes without the library, to what the library gives', () => {
    const library = [vi.spyOn(Message.prototype, 'toBinary'), vi.spyOn(Message.prototype, 'fromBinary')];
    const ids = ['', 'a', 'p'.repeat(127), 'p'.repeat(128), 'péer 日 😀', '\uFEFFid', 'x'.repeat(20_000)];
    const sizes = [0, 1, 127, 128, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21];

    for (const sourceId of ids) {
      for (const destinationId of [undefined, ...ids]) {
        const message = createNativeMessage(sourceId, destinationId, random.bytes(300));
        const bytes = message.toBinary();
        const decoded = HamokMessage.fromBinary(bytes);

        for (const spy of library) expect(spy).not.toHaveBeenCalled();

        expect(Buffer.compare(bytes, encodeByLibrary(message))).toBe(0);
        expect(decoded).toEqual(decodeByLibrary(bytes));
        for (const spy of library) spy.mockClear();
      }
    }
    for (const size of sizes) {
      const message = createNativeMessage('a', 'b', new Uint8Array(size).fill(size));
      const bytes = message.toBinary();

      expect(HamokMessage.fromBinary(bytes).snapshot).toHaveLength(size);
      for (const spy of library) expect(spy).not.toHaveBeenCalled();

      expect(Buffer.compare(bytes, encodeByLibrary(message))).toBe(0);
      for (const spy of library) spy.mockClear();
    }
  });

  it('replaces lone surrogates as the library does', () => {
    const message = createNativeMessage('a\uD800b', '\uDC00', new Uint8Array(1));

    expect(Buffer.compare(message.toBinary(), encodeByLibrary(message))).toBe(0);
    expect(HamokMessage.fromBinary(message.toBinary()).sourceId).toBe('a\uFFFDb');
  });

  it('leaves fields of unusual types to the library', () => {
    const wrong: [string, unknown][] = [
      ['protocol', 128],
      ['protocol', -1],
      ['protocol', 1.5],
      ['protocol', '1'],
      ['type', null],
      ['sourceId', 7],
      ['destinationId', null],
      ['snapshot', 'text'],
      ['snapshot', [1, 2]],
      ['storageId', null],
      ['keys', ['text']],
    ];

    for (const [name, value] of wrong) {
      const message = Object.assign(createNativeMessage('a', 'b', new Uint8Array(1)), { [name]: value });

      expect(outcome(() => message.toBinary())).toEqual(outcome(() => encodeByLibrary(message)));
    }
  });

  it('decodes damaged bytes to what the library makes of them', () => {
    for (let round = 0; round < 20_000; ++round) {
      const message = createNativeMessage(
        random.text(5),
        random.chance(0.5) ? random.text(5) : undefined,
        random.bytes(9),
      );
      const bytes = message.toBinary();

      for (let damage = random.int(1, 3); damage > 0; --damage)
        bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);

      const damaged = random.chance(0.3) ? bytes.subarray(0, random.int(0, bytes.length)) : bytes;

      expect(outcome(() => HamokMessage.fromBinary(damaged))).toEqual(outcome(() => decodeByLibrary(damaged)));
    }
  });

  it('throws a RangeError for bytes that end within a field', () => {
    const bytes = createNativeMessage('source', 'destination', new Uint8Array(300)).toBinary();
    const fieldEnds = [0, 2, 4, 12, 25];

    for (let length = 0; length < bytes.length; ++length) {
      const decode = () => HamokMessage.fromBinary(bytes.subarray(0, length));

      if (fieldEnds.includes(length)) expect(decode).not.toThrow();
      else expect(decode, `${length} bytes`).toThrow(RangeError);
    }
  });

  it('decodes bytes fields as views of the input', () => {
    const bytes = createNativeMessage('a', undefined, Uint8Array.of(1, 2, 3)).toBinary();

    expect(HamokMessage.fromBinary(bytes).snapshot?.buffer).toBe(bytes.buffer);
    expect(HamokMessage.fromBinary(Buffer.from(bytes)).snapshot).toEqual(Buffer.of(1, 2, 3));
  });

  it('keeps fields that the schema does not know', () => {
    const bytes = Buffer.concat([
      createNativeMessage('a', 'b', new Uint8Array(2)).toBinary(),
      Buffer.of(0xf2, 0x01, 1, 65),
    ]);

    expect(Buffer.from(HamokMessage.fromBinary(bytes).toBinary())).toEqual(bytes);
  });

  it('has camelCase names, enum names, base64 and decimal strings in JSON, and no unset fields', () => {
    const message = new HamokMessage({
      protocol: HamokMessage_MessageProtocol.STORAGE_COMMUNICATION_PROTOCOL,
      type: HamokMessage_MessageType.UPDATE_ENTRIES_REQUEST,
      timestamp: 2n ** 63n,
      raftTerm: -1,
      success: false,
      keys: [Uint8Array.of(1, 2, 255)],
      activeEndpointIds: ['é'],
      embeddedMessages: [{ sourceId: '' }],
    });
    const json = {
      protocol: 'STORAGE_COMMUNICATION_PROTOCOL',
      type: 'UPDATE_ENTRIES_REQUEST',
      timestamp: '9223372036854775808',
      keys: ['AQL/'],
      activeEndpointIds: ['é'],
      embeddedMessages: [{ sourceId: '' }],
      success: false,
      raftTerm: -1,
    };

    expect(message.toJson()).toEqual(json);
    expect(JSON.parse(message.toJsonString())).toEqual(json);
    expect(HamokMessage.fromJson(json)).toEqual(message);
    expect(HamokMessage.fromJsonString(JSON.stringify(json))).toEqual(message);
    expect(new HamokMessage().fromJson(json)).toEqual(message);
    expect(JSON.parse(JSON.stringify(message))).toMatchObject(json);
    expect(HamokMessage.fromJsonString(JSON.stringify(message))).toEqual(message);
    expect(() => HamokMessage.fromJson({ noField: 1 })).toThrow('noField');
  });

  it('travels through spread and structuredClone', () => {
    const message = new HamokMessage(randomFields() as PartialMessage<HamokMessage>);

    expect(new HamokMessage({ ...message })).toEqual(message);

    const envelope = createNativeMessage('a', 'b', Uint8Array.of(1, 2));
    const copy = structuredClone(envelope);

    expect(copy).toEqual({ ...envelope });
    expect(new HamokMessage(copy).toBinary()).toEqual(envelope.toBinary());
  });

  it('encodes what the fields say at the moment, however the message was made', () => {
    const made = createNativeMessage('a', 'b', Uint8Array.of(1, 2));

    for (const message of [made, HamokMessage.fromBinary(made.toBinary())]) {
      message.sourceId = 'another';
      message.destinationId = undefined;
      message.snapshot = Uint8Array.of(3);
      expect(judgeJson(message.toBinary())).toEqual({
        protocol: 'GRID_COMMUNICATION_PROTOCOL',
        type: 'HELLO_NOTIFICATION',
        sourceId: 'another',
        snapshot: 'Aw==',
      });

      message.keys.push(Uint8Array.of(4));
      message.sequence = 5;
      expect(judgeJson(message.toBinary())).toMatchObject({ keys: ['BA=='], sequence: 5 });
    }

    for (const field of Judge.fieldsArray) {
      const value = randomValue(field.resolve(), 1);
      const edit = new HamokMessage({ [field.name]: field.repeated ? [value] : value });
      const message = createNativeMessage('a', 'b', Uint8Array.of(1));

      Object.assign(message, { [field.name]: edit[field.name as keyof HamokMessage] });
      expect(Buffer.compare(message.toBinary(), encodeByLibrary(message)), field.name).toBe(0);
      expect(judgeJson(message.toBinary()), field.name).toMatchObject(edit.toJson() as object);
    }
  });

  it('compares and clones by content', () => {
    const message = new HamokMessage({ ...randomFields(), sequence: 1, snapshot: Uint8Array.of(1) } as never);
    const clone = message.clone();

    expect(clone).toBeInstanceOf(HamokMessage);
    expect(clone).toEqual(message);
    expect(clone.getType()).toBe(HamokMessage);
    expect(HamokMessage.equals(message, clone)).toBe(true);
    expect(HamokMessage.equals(message, undefined)).toBe(false);

    (clone.snapshot as Uint8Array)[0] = 2;
    expect(message.snapshot).toEqual(Uint8Array.of(1));
    expect(message.equals(clone)).toBe(false);
  });
});
