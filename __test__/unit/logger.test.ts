import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addHamokLogTransport, createLogger, type HamokLogLevel, setHamokLogLevel } from '../../facade/common/logger';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'hamok-logger-'));

interface Line {
  level: number;
  name: string;
  moduleName?: string;
  msg: string;
}

const parse = (text: string): Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const messages = (lines: Line[]) => lines.map(({ msg }) => msg);

/** Runs a program in a process of its own that ends by itself, with what the logger module exports in scope. */
function run(program: string): Promise<{ text: string; lines: Line[] }> {
  const exports = 'addHamokLogTransport, createLogger, setHamokLogLevel';
  const source = `const { ${exports} } = require('./common/logger');\n${program}`;
  const env = { ...process.env, NODE_PATH: join(root, 'node_modules'), NODE_OPTIONS: '' };

  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', source], { cwd: directory, env, timeout: 20_000 }, (error, text) => {
      if (error) reject(error);
      else resolve({ text, lines: text.includes('{') ? parse(text) : [] });
    });
  });
}

beforeAll(() => {
  mkdirSync(join(directory, 'common'));

  for (const name of ['errors', 'logger']) {
    const source = readFileSync(join(root, 'facade/common', `${name}.ts`), 'utf8');
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };

    writeFileSync(join(directory, 'common', `${name}.js`), ts.transpileModule(source, { compilerOptions }).outputText);
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('loggers', () => {
  it('write JSON lines with name and moduleName to standard output, from warn on, and let the process end', async () => {
    const { lines } = await run(`
      const logger = createLogger('Module');
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level]('said %s', level);
    `);

    expect(lines).toMatchObject([
      { level: 40, name: 'hamok', moduleName: 'Module', msg: 'said warn' },
      { level: 50, name: 'hamok', moduleName: 'Module', msg: 'said error' },
      { level: 60, name: 'hamok', moduleName: 'Module', msg: 'said fatal' },
    ]);
  });

  it('start no worker, and lose nothing when the process exits at once', async () => {
    const { lines } = await run(`
      process.on('worker', () => { throw new Error('a worker was started'); });
      const logger = createLogger('Module');
      for (let i = 0; i < 1000; ++i) logger.warn('line');
      process.exit();
    `);

    expect(lines).toHaveLength(1000);
  });

  it('are one for each module', () => {
    expect(createLogger('A')).toBe(createLogger('A'));
    expect(createLogger('A')).not.toBe(createLogger('B'));
  });
});

describe('setHamokLogLevel', () => {
  it('changes loggers that exist and those made later', async () => {
    const { lines } = await run(`
      const before = createLogger('Before');
      for (const level of ['debug', 'error', 'silent', 'trace']) {
        setHamokLogLevel(level);
        const after = createLogger('After ' + level);
        for (const logger of [before, after]) {
          logger.trace(level + ' trace');
          logger.debug(level + ' debug');
          logger.fatal(level + ' fatal');
        }
      }
    `);

    expect(messages(lines)).toEqual([
      ...['debug debug', 'debug fatal', 'debug debug', 'debug fatal'],
      ...['error fatal', 'error fatal'],
      ...['trace trace', 'trace debug', 'trace fatal', 'trace trace', 'trace debug', 'trace fatal'],
    ]);
  });

  it('refuses what is no level', () => {
    for (const level of ['', 'loud', 'WARN', 'toString', 'Infinity', 40, undefined, null]) {
      let error: unknown;
      try {
        setHamokLogLevel(level as HamokLogLevel);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });
});

describe('addHamokLogTransport', () => {
  it('sends the lines of loggers made before and after to the transport, and to standard output', async () => {
    const file = join(directory, 'transport.log');
    const { lines } = await run(`
      setHamokLogLevel('info');
      const before = createLogger('Before');
      addHamokLogTransport({ target: 'pino/file', options: { destination: ${JSON.stringify(file)} } });
      before.info('one');
      createLogger('After').info('two');
      setHamokLogLevel('error');
      before.info('left out');
    `);

    expect(parse(readFileSync(file, 'utf8'))).toMatchObject([
      { name: 'hamok', moduleName: 'Before', msg: 'one' },
      { name: 'hamok', moduleName: 'After', msg: 'two' },
    ]);
    expect(messages(lines)).toEqual(['one', 'two']);
  });

  it('leaves out lines below the level of the transport', async () => {
    const files = ['errors.log', 'all.log'].map((name) => join(directory, name));
    await run(`
      const [errors, all] = ${JSON.stringify(files)};
      setHamokLogLevel('trace');
      addHamokLogTransport({ target: 'pino/file', level: 'error', options: { destination: errors } });
      addHamokLogTransport({ target: 'pino/file', options: { destination: all } });
      createLogger('Module').trace('trace');
      createLogger('Module').error('error');
    `);

    expect(files.map((file) => messages(parse(readFileSync(file, 'utf8'))))).toEqual([['error'], ['trace', 'error']]);
  });

  it('lets a transport that writes to standard output take the place of the plain lines', async () => {
    const { lines } = await run(`
      addHamokLogTransport({ target: 'pino/file' });
      createLogger('Module').warn('once');
    `);

    expect(messages(lines)).toEqual(['once']);
  });

  it('does not hold the process when it ends abruptly, and loses no line', async () => {
    const file = join(directory, 'exit.log');
    await run(`
      addHamokLogTransport({ target: 'pino/file', options: { destination: ${JSON.stringify(file)} } });
      setInterval(() => {}, 1000);
      setTimeout(() => {
        createLogger('Module').warn('last words');
        process.exit();
      }, 500);
    `);

    expect(messages(parse(readFileSync(file, 'utf8')))).toEqual(['last words']);
  });

  it('drops a transport that fails, and says so', async () => {
    writeFileSync(join(directory, 'broken.js'), `module.exports = () => { throw new Error('no such luck'); };`);

    const { lines } = await run(`
      addHamokLogTransport({ target: ${JSON.stringify(join(directory, 'broken.js'))} });
      createLogger('Module').warn('first');
      setTimeout(() => createLogger('Module').warn('later'), 1000);
    `);

    expect(lines).toMatchObject([
      { msg: 'first' },
      { level: 50, msg: expect.stringContaining('broken.js'), err: { message: 'no such luck' } },
      { msg: 'later' },
    ]);
  });

  it('refuses a target that does not exist and a level that is none', () => {
    expect(() => addHamokLogTransport({ target: 'no-such-transport' })).toThrow('no-such-transport');
    expect(() => addHamokLogTransport({ target: 'pino/file', level: 'loud' })).toThrow(TypeError);
  });
});
