// What an event costs: one that is waited for, and many that nobody waits for.
import { setImmediate as turn } from 'node:timers/promises';
import { Grid } from './grid.mjs';
import { latency, medians, throughput } from './measure.mjs';

const RUNS = 5;
const PUBLISHES = 2_000;
const NOTIFIES = 50_000;
/** As many go out in one turn of the event loop. */
const BURST = 500;

export async function measure() {
  const { grid, peers } = await Grid.joined();
  const emitters = peers.map((peer) => peer.createEmitter({ emitterId: 'events' }));
  let deliveries = 0;
  const count = () => {
    deliveries += 1;
  };
  const [sender, ...receivers] = emitters;
  await Promise.all(receivers.map((emitter) => emitter.subscribe('tick', count)));
  await sender.ready;

  const publish = await medians(RUNS, () => latency(PUBLISHES, (index) => sender.publish('tick', index, 'payload')));
  const notify = async () => {
    deliveries = 0;
    const expected = NOTIFIES * receivers.length;
    const { perSecond, cpuMicroseconds } = await throughput(expected, async () => {
      for (let sent = 0; sent < NOTIFIES; sent += BURST) {
        for (let index = 0; index < BURST; index++) sender.notify('tick', sent + index, 'payload');
        await turn();
      }
      while (deliveries < expected) await turn();
    });
    return { perSecond, cpuMicroseconds };
  };
  await notify();
  const notified = await medians(RUNS, notify);
  grid.close();

  const published = `${RUNS} x ${PUBLISHES} to two other peers`;
  const runs = `${RUNS} x ${NOTIFIES} to two other peers`;
  return [
    { measure: 'publish, p50', value: publish.p50, unit: 'ms', atMost: 0.38, old: 0.38, runs: published },
    { measure: 'publish, p99', value: publish.p99, unit: 'ms', runs: published },
    { measure: 'notify, deliveries', value: notified.perSecond, unit: '/s', atLeast: 100_000, old: 35_000, runs },
    { measure: '  CPU per delivery, all peers', value: notified.cpuMicroseconds, unit: 'us', runs },
  ];
}
