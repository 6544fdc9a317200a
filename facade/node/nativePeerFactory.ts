/** The one place that makes native peers, so that tests can put another in its place. */
import { loadNative, type NativePeer, type NativePeerOptions } from '../binding/native';

export type NativePeerFactory = (options: NativePeerOptions) => NativePeer;

const fromLibrary: NativePeerFactory = (options) => new (loadNative().NativePeer)(options);

let factory = fromLibrary;

/** Makes a peer. @throws HamokError `UNSUPPORTED_PLATFORM` when there is no native library for this platform */
export function createNativePeer(options: NativePeerOptions): NativePeer {
  return factory(options);
}

/** For tests: what `createNativePeer` does from now on; without an argument: what it did at first. */
export function setNativePeerFactory(replacement: NativePeerFactory = fromLibrary): void {
  factory = replacement;
}
