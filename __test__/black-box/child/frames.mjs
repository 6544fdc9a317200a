// @ts-check
/**
 * Frames on a byte stream: each is preceded by its length. Both ends of the data plane use this, the hub and the peers.
 *
 * A peer's first frame is its peer id. Each of the following begins with the peer id that the message is for, preceded
 * by the length of that in one byte; 0 stands for everybody. What the hub sends are messages and nothing else.
 */

const PREFIX_BYTES = 4;

/** @param {readonly Uint8Array[]} parts of what the frame holds */
export function frame(...parts) {
  const prefix = Buffer.alloc(PREFIX_BYTES);

  prefix.writeUInt32BE(parts.reduce((sum, { length }) => sum + length, 0));

  return Buffer.concat([prefix, ...parts]);
}

/**
 * Makes frames of the chunks that a socket gives.
 * @param {(content: Buffer) => void} receive
 * @returns {(chunk: Buffer) => void}
 */
export function frameReader(receive) {
  /** @type {Buffer} */
  let pending = Buffer.alloc(0);

  return (chunk) => {
    let start = 0;

    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
    while (pending.length - start >= PREFIX_BYTES) {
      const end = start + PREFIX_BYTES + pending.readUInt32BE(start);

      if (pending.length < end) break;
      receive(pending.subarray(start + PREFIX_BYTES, end));
      start = end;
    }
    pending = pending.subarray(start);
  };
}

/** @param {string | undefined} destinationId @param {Uint8Array} message */
export function addressed(destinationId, message) {
  const id = Buffer.from(destinationId ?? '');

  return frame(Uint8Array.of(id.length), id, message);
}

/** @param {Buffer} content of an addressed frame */
export function readAddressed(content) {
  const end = 1 + (content[0] ?? 0);

  return { destinationId: content.toString('utf8', 1, end) || undefined, message: content.subarray(end) };
}
