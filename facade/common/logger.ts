/**
 * The loggers of this package: pino, one child for each module. Lines go to standard output as JSON until a transport
 * says otherwise; level and transports apply to every logger, whenever it was made.
 *
 * pino fixes the stream of a logger when it is made, so the stream here is one that hands lines to the sinks of the
 * moment. Without a transport there is no worker thread, no timer, and nothing that outlives a write.
 */
import { type DestinationStream, destination, type Logger, levels, pino, transport } from 'pino';
import { invalidArgument } from './errors';

/** How much is logged, from nothing to everything. */
export type HamokLogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Where lines go, as pino's `TransportTargetOptions`. Declared here, so that users need not compile pino's types. */
export interface HamokLogTransport {
  /** A module that makes a pino transport, such as `pino/file`, or the absolute path of one. */
  target: string;
  /** What that module takes. */
  // biome-ignore lint/suspicious/noExplicitAny: as pino has it, so that its own type fits
  options?: Record<string, any>;
  /** Lines below this level are left out. Default: none. */
  level?: string;
}

/** A place that lines go to. */
interface Sink {
  readonly stream: DestinationStream & { flushSync?(): void };
  /** Lines below it are left out; pino's number of the level. */
  readonly minLevel: number;
}

const settings = { name: 'hamok', level: 'warn' };

/** Written synchronously, so that nothing is lost when the process exits. A closed standard output loses lines only. */
const standardOutput: Sink = { stream: destination({ dest: 1, sync: true }).on('error', () => {}), minLevel: 0 };
const sinks = new Set([standardOutput]);

const output = {
  /** Asks pino to set `lastLevel` before each line. */
  [Symbol.for('pino.metadata')]: true,
  lastLevel: 0,

  write(line: string): void {
    for (const { stream, minLevel } of sinks) if (output.lastLevel >= minLevel) stream.write(line);
  },

  /** Called by pino after a `fatal` line. */
  flushSync(): void {
    for (const { stream } of sinks) stream.flushSync?.();
  },
};

const root = pino(settings, output);
const children = new Map<string, Logger>();

/** The logger of a module; the same one for the same name. Its lines carry `name: 'hamok'` and `moduleName`. */
export function createLogger(moduleName: string): Logger {
  const logger = children.get(moduleName) ?? root.child({ moduleName });

  children.set(moduleName, logger);

  return logger;
}

/**
 * Sets how much every logger of this package writes; `warn` until then.
 * @throws TypeError with the code `INVALID_ARGUMENT` when there is no such level
 */
export function setHamokLogLevel(level: HamokLogLevel): void {
  levelNumber(level);
  root.level = level;
  for (const logger of children.values()) logger.level = level;
}

/**
 * Sends the lines of every logger of this package to a pino transport as well. It runs in a worker thread of its own and
 * does not keep the process alive. `options.level` (default: everything) leaves out the lines below it, on top of what
 * `setHamokLogLevel` leaves out. A `pino-pretty` or `pino/file` that itself writes to standard output takes the place of
 * the plain lines there. A transport that fails is dropped, and a line says so.
 *
 * @throws Error when `options.target` cannot be found
 * @throws TypeError with the code `INVALID_ARGUMENT` when there is no level `options.level`
 */
export function addHamokLogTransport(options: HamokLogTransport): void {
  const minLevel = options.level === undefined ? 0 : levelNumber(options.level);
  const stream = transport({ target: options.target, options: options.options });
  const sink: Sink = { stream, minLevel };

  stream.on('error', (error: Error) => {
    sinks.delete(sink);
    if (sinks.size === 0) sinks.add(standardOutput);
    root.error(error, 'Log transport %s failed', options.target);
  });

  // A logger tells its stream the settings when it is made, and some transports wait for them.
  pino(settings, stream);

  if (writesToStandardOutput(options)) sinks.delete(standardOutput);
  sinks.add(sink);
}

function writesToStandardOutput({ target, options }: HamokLogTransport): boolean {
  return (target === 'pino-pretty' || target === 'pino/file') && [undefined, 0, 1].includes(options?.destination);
}

function levelNumber(level: string): number {
  const number = Object.hasOwn(levels.values, level) ? levels.values[level] : undefined;

  if (number === undefined) {
    throw invalidArgument(`No log level ${level}: use one of silent, fatal, error, warn, info, debug, trace`);
  }

  return number;
}
