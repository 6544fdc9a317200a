// The grid that every scenario measures: peers in one process with default settings, and between them a transport as
// users have one. A message becomes bytes, waits for `setImmediate` (one hop), and becomes a message again at each
// peer that it is for.
import { Hamok, HamokMessage } from '../index.js';

export class Grid {
  /** @type {Set<Hamok>} */
  peers = new Set();
  /** Deliveries so far: a broadcast counts once for each peer that gets it. */
  messages = 0;
  bytes = 0;

  /** A peer that hears the others and is heard by them, but has not joined. */
  add(peerId) {
    const peer = new Hamok({ peerId });
    peer.on('message', (message) => this.#carry(peer, message));
    this.peers.add(peer);
    return peer;
  }

  /** A grid of peers that have joined, the leader first. */
  static async joined(count = 3) {
    const grid = new Grid();
    const peers = Array.from({ length: count }, (_, index) => grid.add(`peer-${index + 1}`));
    await Promise.all(peers.map((peer) => peer.join()));
    return { grid, peers: peers.sort((a, b) => Number(b.leader) - Number(a.leader)) };
  }

  /** Nothing reaches the peer or comes from it any more, nor does what is under way. */
  cut(peer) {
    this.peers.delete(peer);
  }

  close() {
    for (const peer of this.peers) peer.close();
    this.peers.clear();
  }

  #carry(source, message) {
    if (!this.peers.has(source)) return;
    const { destinationId } = message;
    const bytes = message.toBinary();
    for (const peer of this.peers) {
      if (peer === source || (destinationId !== undefined && peer.localPeerId !== destinationId)) continue;
      this.messages += 1;
      this.bytes += bytes.length;
      setImmediate(() => {
        if (this.peers.has(peer) && this.peers.has(source)) peer.accept(HamokMessage.fromBinary(bytes));
      });
    }
  }
}
