// What the transport of this benchmark costs by itself: no operation between peers can be faster.
import { HamokMessage } from '../index.js';
import { latency, medians } from './measure.mjs';

const HOPS = 5_000;

export async function measure() {
  const message = new HamokMessage({
    protocol: 1,
    type: 1,
    sourceId: 'peer-1',
    destinationId: 'peer-2',
    snapshot: new Uint8Array(200),
  });
  const hop = () => {
    const bytes = message.toBinary();
    return new Promise((resolve) => setImmediate(() => resolve(HamokMessage.fromBinary(bytes))));
  };
  const { p50 } = await medians(5, () => latency(HOPS, hop));

  return [{ measure: 'one transport hop, p50', value: p50 * 1000, unit: 'us', runs: `5 x ${HOPS} hops, 200 bytes` }];
}
