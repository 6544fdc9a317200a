/** Peers of the facade over a native side that is a fake. */
import { Hamok } from '../../../facade/Hamok';
import type { HamokConfig } from '../../../facade/HamokConfig';
import { setNativePeerFactory } from '../../../facade/node/nativePeerFactory';
import { FakeNativePeer } from './fake-native-peer';

const open: Hamok[] = [];

/** To be called after each test. */
export function closePeers(): void {
  for (const hamok of open.splice(0)) hamok.close();
  setNativePeerFactory();
}

export function createPeer(config: Partial<HamokConfig> = {}): { hamok: Hamok; native: FakeNativePeer } {
  let native!: FakeNativePeer;

  setNativePeerFactory((options) => {
    native = new FakeNativePeer(options);
    return native;
  });

  const hamok = new Hamok({ peerId: 'me', ...config });

  open.push(hamok);

  return { hamok, native };
}

/** A peer that leads a grid. */
export async function createJoinedPeer(config: Partial<HamokConfig> = {}): Promise<ReturnType<typeof createPeer>> {
  const peer = createPeer(config);
  const joined = peer.hamok.join();

  peer.native.join();
  await joined;

  return peer;
}
