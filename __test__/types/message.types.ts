/** Compiled, never run: messages, as protobuf-es v1 makes them. */
import type { JsonValue, Message, PartialMessage, PlainMessage } from '@bufbuild/protobuf';
import { HamokMessage, HamokMessage_MessageProtocol, HamokMessage_MessageType } from 'hamok';
import { typeOf } from './type-of';

export function make(): HamokMessage {
  const embedded = new HamokMessage({ keys: [new Uint8Array()], sequence: 1, lastMessage: true });
  const fields: PartialMessage<HamokMessage> = {
    protocol: HamokMessage_MessageProtocol.STORAGE_COMMUNICATION_PROTOCOL,
    type: HamokMessage_MessageType.UPDATE_ENTRIES_REQUEST,
    sourceId: 'a',
    timestamp: 5n,
    embeddedMessages: [embedded, { storageId: 'rooms' }],
  };

  // @ts-expect-error there is no such field
  new HamokMessage({ source: 'a' });
  // @ts-expect-error the time is a bigint
  new HamokMessage({ timestamp: 5 });
  // @ts-expect-error the type is one of the enum's
  new HamokMessage({ type: 'HELLO_NOTIFICATION' });
  // @ts-expect-error keys are bytes
  new HamokMessage({ keys: ['a'] });

  return new HamokMessage(fields);
}

export function read(message: HamokMessage): void {
  typeOf(message.protocol).is<HamokMessage_MessageProtocol | undefined>();
  typeOf(message.type).is<HamokMessage_MessageType | undefined>();
  typeOf(message.destinationId).is<string | undefined>();
  typeOf(message.timestamp).is<bigint | undefined>();
  typeOf(message.keys).is<Uint8Array[]>();
  typeOf(message.values).is<Uint8Array[]>();
  typeOf(message.activeEndpointIds).is<string[]>();
  typeOf(message.embeddedMessages).is<HamokMessage[]>();
  typeOf(message.success).is<boolean | undefined>();
  typeOf(message.raftTerm).is<number | undefined>();
  typeOf(message.prevValue).is<Uint8Array | undefined>();
  typeOf(message.snapshot).is<Uint8Array | undefined>();
  message.destinationId = undefined;
  message.type = HamokMessage_MessageType.HELLO_NOTIFICATION;

  // @ts-expect-error there is no such field
  message.payload;
  // @ts-expect-error there is no such type
  HamokMessage_MessageType.GOODBYE;
  // @ts-expect-error repeated fields are lists, never unset
  message.values = undefined;
}

export function convert(message: HamokMessage): void {
  const bytes: Uint8Array = message.toBinary();
  const plain: PlainMessage<HamokMessage> = message;
  const base: Message<HamokMessage> = message;

  typeOf(HamokMessage.fromBinary(bytes)).is<HamokMessage>();
  typeOf(HamokMessage.fromJson(message.toJson({ emitDefaultValues: true }))).is<HamokMessage>();
  typeOf(HamokMessage.fromJsonString(message.toJsonString())).is<HamokMessage>();
  typeOf(new HamokMessage().fromBinary(bytes, { readUnknownFields: false })).is<HamokMessage>();
  typeOf(message.toJson()).is<JsonValue>();
  typeOf(message.clone()).is<HamokMessage>();
  typeOf(message.equals(base.clone())).is<boolean>();
  typeOf(HamokMessage.equals(message, plain)).is<boolean>();
  typeOf(message.getType().typeName).is<string>();
  typeOf(HamokMessage.typeName).is<string>();
  typeOf(HamokMessage.fields.byNumber().map(({ name }) => name)).is<string[]>();
  typeOf(HamokMessage_MessageType[HamokMessage_MessageType.HELLO_NOTIFICATION]).is<string>();

  // @ts-expect-error text is no protobuf
  HamokMessage.fromBinary('text');
}
