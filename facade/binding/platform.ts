/**
 * Decides, for native.ts, which native libraries may fit a machine, and what to tell the user when none does. Nothing
 * here loads anything or reads the machine except `currentPlatform`, so that every decision can be tested anywhere.
 */
import { join } from 'node:path';

/** What of a machine decides which native library fits. */
export interface Platform {
  readonly os: NodeJS.Platform;
  readonly arch: string;
  /** The C library of a Linux system. */
  readonly libc?: 'glibc' | 'musl';
}

/** One library that was tried: no `error` means that there was none. */
export interface LoadAttempt {
  readonly request: string;
  readonly error?: unknown;
}

/** The platforms with a package of their own: the folders of npm/. */
export const PREBUILT_PLATFORMS: readonly string[] = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-x64-msvc',
];

export function currentPlatform(): Platform {
  const { platform: os, arch } = process;
  return os === 'linux' ? { os, arch, libc: currentLibc() } : { os, arch };
}

/** The name that napi-rs gives a platform in file and package names: `linux-x64-gnu`. */
export function platformName({ os, arch, libc }: Platform): string {
  const abi: Partial<Record<NodeJS.Platform, string>> = { linux: libc === 'musl' ? '-musl' : '-gnu', win32: '-msvc' };
  return `${os}-${arch}${abi[os] ?? ''}`;
}

/**
 * What to `require`, in this order: a library built in the checkout wins over an installed package, so that developers
 * run what they built.
 */
export function libraryCandidates(platform: Platform, packageRoot: string): string[] {
  const name = platformName(platform);
  const built = join(packageRoot, `hamok.${name}.node`);
  return PREBUILT_PLATFORMS.includes(name) ? [built, `hamok-${name}`] : [built];
}

/**
 * The error for a machine on which no candidate could be loaded. Its `code` is `NATIVE_LOAD_FAILED` when a library is
 * there but does not load (that one's error is the `cause`), otherwise `UNSUPPORTED_PLATFORM`.
 */
export function loadFailure(platform: Platform, attempts: readonly LoadAttempt[]): Error & { code: string } {
  const name = platformName(platform);
  const machine = `${platform.os} ${platform.arch}${platform.libc ? ` (${platform.libc})` : ''}`;
  const tried = attempts.map(({ request, error }) => `  - ${request}: ${error ? textOf(error) : 'not found'}`);
  const fromSource =
    'or build hamok from source: `npm run build` in its repository, which needs Rust (https://rustup.rs)';
  const broken = attempts.find(({ error }) => error);

  if (broken) {
    const text = [
      `The native library of hamok is present but cannot be loaded on ${machine}. Tried:`,
      ...tried,
      `Remove node_modules and install again on this machine, ${fromSource}.`,
    ].join('\n');
    return Object.assign(new Error(text, { cause: broken.error }), { code: 'NATIVE_LOAD_FAILED' });
  }

  const text = PREBUILT_PLATFORMS.includes(name)
    ? [
        `The native library of hamok for ${machine} is not installed. Tried:`,
        ...tried,
        `It is in the optional dependency hamok-${name}: install again on this machine, without --omit=optional,`,
        `${fromSource}.`,
      ]
    : [
        `hamok has no prebuilt native library for ${machine}. Tried:`,
        ...tried,
        `Use one of ${PREBUILT_PLATFORMS.join(', ')},`,
        `${fromSource}.`,
      ];
  return Object.assign(new Error(text.join('\n')), { code: 'UNSUPPORTED_PLATFORM' });
}

/** Only a process that runs on glibc reports a version of it. */
function currentLibc(): 'glibc' | 'musl' {
  // The report would otherwise look up a name for every open socket, which can take seconds.
  const settings = process.report as { excludeNetwork?: boolean };
  const { excludeNetwork } = settings;
  settings.excludeNetwork = true;
  try {
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime ? 'glibc' : 'musl';
  } finally {
    settings.excludeNetwork = excludeNetwork ?? false;
  }
}

function textOf(error: unknown): string {
  return (error as { message?: string }).message ?? String(error);
}
