// @ts-check
// What `npm run bench` prints and writes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';

/**
 * @typedef {object} Row
 * @property {string} measure
 * @property {number} [value]  missing when the scenario could not run: `note` says why
 * @property {string} [unit]
 * @property {number} [atMost]  what is required, when less is better
 * @property {number} [atLeast]  what is required, when more is better
 * @property {number | string} [old]  the same figure of the package that this one replaces
 * @property {string} [runs]  what the value is the median of
 * @property {string} [note]
 */

/** Whether a figure is what is required; undefined when nothing is. @param {Row} row */
export function met({ value, atMost, atLeast }) {
  if (value === undefined || (atMost === undefined && atLeast === undefined)) return undefined;
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? 0);
}

/** @param {Row[]} rows */
export function table(rows) {
  const header = ['measure', 'value', 'required', '', 'old package', 'median of'];
  const lines = rows.map((row) => [
    row.measure,
    row.value === undefined ? '' : figure(row.value, row.unit),
    required(row),
    { true: 'ok', false: 'MISSED', undefined: '' }[`${met(row)}`] ?? '',
    typeof row.old === 'number' ? figure(row.old, row.unit) : (row.old ?? ''),
    row.note ?? row.runs ?? '',
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...lines].map((line) => line[column]?.length ?? 0)));
  const print = (/** @type {string[]} */ line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 1 || column === 2 ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [print(header), widths.map((width) => '─'.repeat(width)).join('──'), ...lines.map(print)].join('\n');
}

/** One line on where the figures come from, without which they mean nothing. */
export function machine() {
  const processors = cpus();
  return `${processors.length} x ${processors[0]?.model.trim()}, Node ${process.version}, ${process.platform} ${process.arch}`;
}

/** @param {string} file @param {Row[]} rows */
export function writeResults(file, rows) {
  mkdirSync(dirname(file), { recursive: true });
  const results = rows.map((row) => ({ ...row, met: met(row) }));
  const document = { measuredAt: new Date().toISOString(), machine: machine(), results };
  writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`);
}

/** @param {Row} row */
function required({ atMost, atLeast, unit }) {
  if (atMost !== undefined) return `<= ${figure(atMost, unit)}`;
  if (atLeast !== undefined) return `>= ${figure(atLeast, unit)}`;
  return '';
}

/** Three digits that count. @param {number} value @param {string} [unit] */
function figure(value, unit = '') {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toLocaleString('en-US', { maximumFractionDigits: digits });
  return unit === '' || unit.startsWith('/') ? `${text}${unit}` : `${text} ${unit}`;
}
