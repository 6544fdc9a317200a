/**
 * A page of the documentation, taken apart for tests that hold it against the package.
 *
 * A fence below `<!-- run -->` is a program, one below `<!-- run: redis -->` a program that needs a Redis. The next fence
 * below `<!-- output -->` is what it prints.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Several times what a program takes: a machine may be busy, but a program ends by itself. */
const PROGRAM_TIMEOUT_MS = 25_000;

export const root = join(__dirname, '..', '..');

/** A file of the repository. */
export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export interface Program {
  /** The heading above it. */
  readonly title: string;
  readonly source: string;
  readonly output: string;
}

export class Page {
  readonly text: string;

  /** @param file its path in the repository */
  constructor(private readonly file: string) {
    this.text = read(file);
  }

  /** The programs with this mark, in order. */
  programs(mark: string): Program[] {
    const pattern = new RegExp(
      `^<!-- ${mark} -->\\n\`\`\`js\\n(.*?)^\`\`\`$.*?^<!-- output -->\\n\`\`\`text\\n(.*?)^\`\`\`$`,
      'gms',
    );

    return [...this.text.matchAll(pattern)].map(({ index, 1: source, 2: output }) => {
      const [, title] = [...this.text.slice(0, index).matchAll(/^#+ (.+)$/gm)].at(-1) ?? [];

      return { title: title!, source: source!, output: output! };
    });
  }

  /** The code in this language. */
  code(language: string): string[] {
    const pattern = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');

    return [...this.text.matchAll(pattern)].map(([, code]) => code!);
  }

  /** What stands in backticks, outside of blocks of code. */
  get quoted(): string[] {
    const prose = this.text.replace(/^```.*?^```$/gms, '');

    return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, quoted]) => quoted!);
  }

  /**
   * The names in the first column of a table, sorted.
   * @param column the heading of that column
   * @param start what stands before the table
   */
  names(column: string, start: string): string[] {
    const at = this.text.indexOf(start);
    const table = new RegExp(`^\\| ${column} \\|.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, 'm').exec(this.text.slice(at));

    if (at < 0) throw new Error(`${this.file} says nothing about ${start}`);

    return [...(table?.[1] ?? '').matchAll(/^\| (.*?) \|/gm)]
      .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
      .sort();
  }

  /** The links that lead to nothing in the repository. */
  get brokenLinks(): string[] {
    return [...this.text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#') as [string, string?];
        const file = path === '' ? this.file : join(dirname(this.file), path);

        return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
      });
  }
}

/** How a process ended. */
interface Ending {
  /** Its exit code, or the signal that ended it. */
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with what a reader gets with `npm install`, in which programs run. */
export class ProgramFolder {
  private readonly folder = mkdtempSync(join(tmpdir(), 'hamok-docs-'));
  private count = 0;

  constructor() {
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(root, join(this.folder, 'node_modules', 'hamok'), 'junction');
    for (const name of ['ioredis', '@types']) {
      symlinkSync(join(root, 'node_modules', name), join(this.folder, 'node_modules', name), 'junction');
    }
  }

  /** Runs a program to its end, as a reader would. */
  run({ source }: Program, env: Record<string, string> = {}): Promise<Ending> {
    return this.node([this.write('mjs', source)], env);
  }

  /** Checks the types in pieces of TypeScript. Each has a `hamok`. */
  compile(pieces: readonly string[]): Promise<Ending> {
    const header = "import { Hamok } from 'hamok';\n\ndeclare const hamok: Hamok;\n";
    const files = pieces.map((piece) => this.write('mts', `${header}\n${piece}`));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'ES2022',
      '--module',
      'Node16',
      '--types',
      'node',
    ];

    return this.node([tsc, ...options, ...files], {});
  }

  private write(ending: string, source: string): string {
    const file = join(this.folder, `program-${++this.count}.${ending}`);

    writeFileSync(file, source);

    return file;
  }

  private node(args: readonly string[], env: Record<string, string>): Promise<Ending> {
    const options = { cwd: this.folder, env: { ...process.env, ...env }, timeout: PROGRAM_TIMEOUT_MS };

    return new Promise((resolve) => {
      execFile(process.execPath, args, options, (error, stdout, stderr) => {
        resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
      });
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The members of an object type in a source file, sorted. */
export function members(file: string, type: string): string[] {
  const [, body] =
    new RegExp(`^export type ${type}\\b[^{;]*(?:<.*?>)?[^{;]*\\{\\n(.*?)^\\};`, 'ms').exec(read(file)) ?? [];

  return [...(body ?? '').matchAll(/^ {2}'?([\w-]+)'?\??:/gm)].map(([, name]) => name!).sort();
}

/** What a page names in backticks and the package does not have: classes, types and files, codes, methods. */
export function unknownNames(page: Page): string[] {
  const files = facadeSources();
  const sources = files.map(read).join('\n');
  const words = new Set(sources.match(/\w+/g));
  const exported = new Set(
    [...sources.matchAll(/^export (?:abstract )?(?:class|type|interface|const|enum|function) (\w+)/gm)].map(
      ([, name]) => name!,
    ),
  );
  const isKnown = (quoted: string) => {
    const [, method] = /^(?:\w+\.)*(\w+)\(/.exec(quoted) ?? [];

    if (/^(rejects|vi|jest)\./.test(quoted)) return true;
    if (method) return words.has(method);
    if (/^[A-Z][a-z]+[A-Za-z]*$/.test(quoted)) {
      return exported.has(quoted) || quoted in globalThis || files.some((file) => file.endsWith(`/${quoted}.ts`));
    }
    if (/^[A-Z]+_[A-Z_]+$/.test(quoted)) return words.has(quoted);

    return true;
  };

  return [...new Set(page.quoted)].filter((quoted) => !isKnown(quoted));
}

function facadeSources(): string[] {
  const files = readdirSync(join(root, 'facade'), { recursive: true, encoding: 'utf8' });

  return files.filter((file) => file.endsWith('.ts')).map((file) => join('facade', file));
}

/** The anchors of a page's headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
