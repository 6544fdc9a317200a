/** The data plane of a peer: one TCP connection to the hub, which carries the peer's messages and nothing else. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { addressed, frame, frameReader } from './frames.mjs';

/**
 * Connects a peer to the hub. Resolves with the socket when messages can go.
 * @param passes whether a message for this peer, or for all, goes out; none of the others does
 */
export async function connectToHub(port, hamok, HamokMessage, passes = (_destinationId) => true) {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });

  // A hub that is gone means that the test is over.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(frame(Buffer.from(hamok.localPeerId)));
  socket.on(
    'data',
    frameReader((bytes) => hamok.accept(HamokMessage.fromBinary(bytes))),
  );
  hamok.on('message', (message) => {
    if (socket.writable && passes(message.destinationId))
      socket.write(addressed(message.destinationId, message.toBinary()));
  });

  return socket;
}
