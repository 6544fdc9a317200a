// A transport for peers in processes of their own whose common parent hands on what they say, over the channels that
// Node.js opens between a parent and its children. It needs no server, so examples can use it; a service would not.
import { fork } from 'node:child_process';
import { HamokMessage } from '../index.js';

/**
 * In the parent.
 * @returns a function that starts a program as one more peer. What the program tells its parent otherwise comes as
 *   `message` events of the child process, with a `kind`
 */
export function createProcessGrid() {
  const children = new Set();

  return function start(file, ...args) {
    // `advanced` can carry bytes.
    const child = fork(file, args, { serialization: 'advanced' });

    children.add(child);
    child.once('exit', () => children.delete(child));
    child.on('message', (message) => {
      if (message.kind !== 'grid') return;
      // One that is about to end takes nothing any more. What gets lost is sent again.
      for (const other of children) if (other !== child && other.connected) other.send(message, () => {});
    });

    return child;
  };
}

/** In a child. */
export function connectToParent(hamok) {
  hamok.on('message', (message) => tellParent({ kind: 'grid', bytes: message.toBinary() }));
  process.on('message', ({ kind, bytes }) => {
    if (kind === 'grid') hamok.accept(HamokMessage.fromBinary(bytes));
  });
  // Without its parent it is alone, and has nothing left to do.
  process.once('disconnect', () => hamok.close());
}

/** In a child: sends its parent something with a `kind`. Resolves when it is on its way. */
export function tellParent(message) {
  return new Promise((resolve) => {
    if (process.connected) process.send(message, () => resolve());
    else resolve();
  });
}
