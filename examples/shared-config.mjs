// A configuration that all instances of a service share, and that may be changed while they run.
//
//   node examples/shared-config.mjs
import assert from 'node:assert/strict';
import { Hamok } from '../index.js';
import { createLocalTransport } from './local-transport.mjs';
import { until } from './until.mjs';

const HOSTS = { eu: 'eu.example.org', us: 'us.example.org', asia: 'asia.example.org' };

// In a service each of these would be a process of its own.
const connect = createLocalTransport();
const services = ['ada', 'ben', 'cleo'].map((peerId) =>
  createService(peerId, { region: 'eu', host: HOSTS.eu, maxRooms: 10 }),
);
const [ada, ben, cleo] = services;

/** @param defaults what this version of the service was built with */
function createService(peerId, defaults) {
  const hamok = connect(new Hamok({ peerId }));
  // Who comes first sets the defaults: fields that exist win over the defaults of those who come later.
  const config = hamok.createRecord({ recordId: 'config', initialObject: defaults });

  return { hamok, config };
}

/** Every instance hears of every change, in the same order. */
function tellChanges({ hamok, config }) {
  config.on('insert', ({ key, value }) => console.log(`  ${hamok.localPeerId}: ${key} is ${value}, which is new`));
  config.on('update', ({ key, oldValue, newValue }) => {
    console.log(`  ${hamok.localPeerId}: ${key} is ${newValue} now, not ${oldValue}`);
    // Fields that change in one step have all changed before the first of their events: nobody sees one without the other.
    assert.equal(config.get('host'), HOSTS[config.get('region')]);
  });
}

/** Changes one field, whatever its value is by then: looks, and begins again if somebody has changed it meanwhile. */
async function change(config, key, next) {
  for (;;) {
    const current = config.get(key);
    if (await config.updateIf(key, next(current), current)) return;
  }
}

/** Until every instance has applied, and told, what is committed now. */
const settled = () => Promise.all(services.map(({ hamok }) => hamok.waitUntilCommitHead()));

await Promise.all(services.map(({ hamok }) => hamok.join()));
await Promise.all(services.map(({ config }) => config.ready));
services.forEach(tellChanges);
console.log(`The service starts in ${cleo.config.get('region')} with ${cleo.config.get('maxRooms')} rooms`);

console.log('Two operators move it at the same time; region and host belong together:');
const seen = { region: 'eu', host: HOSTS.eu };
const moves = await Promise.all([
  ada.config.updateInstanceIf({ region: 'us', host: HOSTS.us }, seen),
  ben.config.updateInstanceIf({ region: 'asia', host: HOSTS.asia }, seen),
]);
await settled();
console.log(`${moves.filter((moved) => moved).length} of ${moves.length} moved it`);

console.log('All three add a room at the same time:');
await Promise.all(services.map(({ config }) => change(config, 'maxRooms', (rooms) => rooms + 1)));
await settled();
console.log(`${cleo.config.get('maxRooms')} rooms`);

console.log('An instance of a newer version comes, with other defaults and one more field:');
const dora = createService('dora', { region: 'eu', host: HOSTS.eu, maxRooms: 99, theme: 'dark' });
services.push(dora);
await dora.hamok.join();
await until('all have the new field', () => services.every(({ config }) => config.get('theme') !== undefined));

// `instance` is a copy: to change it changes nothing in the record.
const instances = services.map(({ config }) => JSON.stringify(config.instance));
console.log(`${services.length} instances, ${new Set(instances).size} configuration: ${instances[0]}`);

await Promise.all(services.map(({ hamok }) => hamok.leave()));
for (const { hamok } of services) hamok.close();
