/** Compiled, never run: what ES modules import, with the endings that Node.js wants there. */
import { createHamokJsonBinaryCodec, type Hamok, type HamokMap, HamokMessage } from 'hamok';
import { MemoryBaseMap } from 'hamok/lib/collections/BaseMap.js';
import type { HamokMap as DeepMap } from 'hamok/lib/collections/HamokMap.js';
import type { RemoteMap } from 'hamok/lib/collections/RemoteMap.js';
import { Hamok as SameHamok } from 'hamok/lib/index.js';
import { HamokMessage_MessageType } from 'hamok/lib/messages/HamokMessage.js';
import { typeOf } from './type-of.js';

export function use(store: RemoteMap<string, number>): DeepMap<string, number> {
  const hamok: Hamok = new SameHamok();
  const map: HamokMap<string, number> = hamok.createMap({
    mapId: 'map',
    baseMap: new MemoryBaseMap<string, number>(),
    valueCodec: createHamokJsonBinaryCodec<number>(),
  });

  hamok.accept(new HamokMessage({ type: HamokMessage_MessageType.HELLO_NOTIFICATION }));
  typeOf(hamok.createRemoteMap({ mapId: 'remote', remoteMap: store }).get('a')).is<Promise<number | undefined>>();

  return map;
}

export async function importLater(): Promise<Hamok> {
  const { Hamok: LaterHamok } = await import('hamok');

  return new LaterHamok();
}

// @ts-expect-error there is no such export
export { Hamok as default, start } from 'hamok';
