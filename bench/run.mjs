// npm run bench [-- SCENARIO…]: measures the package and prints one table. It exits with 0 when a figure is missed,
// since another machine is no failure, and with 1 when a scenario fails.
//
// Every scenario runs in a process of its own, so that none inherits the heap or the compiled code of another.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { machine, met, table, writeResults } from './report.mjs';

const SCENARIOS = [
  'floor',
  'join',
  'latency',
  'throughput',
  'batches',
  'reads',
  'catch-up',
  'failover',
  'queue',
  'emitter',
  'remote-memory',
  'remote-redis',
  'stores',
  'exact-redis',
  'exact-postgres',
  'soak',
];
const TIMEOUT_MS = 300_000;
const RESULTS = fileURLToPath(new URL('results/latest.json', import.meta.url));

if (process.send) {
  const { measure } = await import(`./${process.argv[2]}.mjs`);
  // By force: what a scenario left open is not what is measured.
  process.send(await measure(), () => process.exit());
} else {
  process.exitCode = await main(process.argv.slice(2));
}

async function main(names) {
  const unknown = names.filter((name) => !SCENARIOS.includes(name));
  if (unknown.length > 0) {
    console.error(`usage: npm run bench [-- SCENARIO…]\nscenarios: ${SCENARIOS.join(', ')}`);
    return unknown.every((name) => name === '--help') ? 0 : 2;
  }

  const rows = [];
  let failed = false;
  for (const name of names.length > 0 ? names : SCENARIOS) {
    const start = performance.now();
    try {
      rows.push(...(await measured(name)));
    } catch (error) {
      failed = true;
      rows.push({ measure: name, note: `FAILED: ${error.message}` });
    }
    console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }

  const missed = rows.filter((row) => met(row) === false).length;
  writeResults(RESULTS, rows);
  console.log(`\n${table(rows)}\n\n${machine()}`);
  console.log(missed === 0 ? 'No figure misses what is required.' : `${missed} figures miss what is required.`);
  return failed ? 1 : 0;
}

async function measured(name) {
  const child = fork(fileURLToPath(import.meta.url), [name]);
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  let rows;
  child.once('message', (message) => {
    rows = message;
  });
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  if (!rows) throw new Error(signal ? `no result within ${TIMEOUT_MS / 1000} s` : `ended with code ${code}`);
  return rows;
}
