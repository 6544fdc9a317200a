// The transport of the examples whose peers live in one process, to keep them short. It does what every transport does:
// what a peer emits reaches the others as bytes, in a later turn of the event loop.
import { HamokMessage } from '../index.js';

/** @returns a function that connects a peer to all that it was called with, and gives the peer back */
export function createLocalTransport() {
  const peers = new Set();

  return function connect(peer) {
    peers.add(peer);
    peer.on('message', (message) => {
      const bytes = message.toBinary();
      // Each peer ignores what it has sent itself, and what is for another.
      for (const receiver of peers) setImmediate(() => receiver.accept(HamokMessage.fromBinary(bytes)));
    });
    peer.once('close', () => peers.delete(peer));

    return peer;
  };
}
