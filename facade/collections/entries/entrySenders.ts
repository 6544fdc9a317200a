/** How the operations on entries go to the native side: a map's entries and a record's fields alike. */
import type { Send, SendBatch } from '../../node/CollectionPort';
import { Opcode } from '../../node/protocol';

export const setAll: SendBatch = (outbox, token, handle, keys, values) =>
  outbox.entries(Opcode.SET_ALL, token, handle, keys, values);

export const insertAll: SendBatch = (outbox, token, handle, keys, values) =>
  outbox.entries(Opcode.INSERT_ALL, token, handle, keys, values);

export const removeAll: SendBatch = (outbox, token, handle, keys) => outbox.removal(token, handle, keys);

/** Of queues too. */
export const clear: Send = (outbox, { token, handle }) => outbox.clear(token, handle);
