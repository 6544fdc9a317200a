import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  currentPlatform,
  libraryCandidates,
  loadFailure,
  type Platform,
  PREBUILT_PLATFORMS,
  platformName,
} from '../../facade/binding/platform';
import { libraryFileName } from '../../scripts/prepare.mjs';

const root = join(__dirname, '..', '..');
const alpine: Platform = { os: 'linux', arch: 'x64', libc: 'musl' };
const raspberry: Platform = { os: 'linux', arch: 'arm', libc: 'glibc' };

function manifest(folder: string) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

describe('which native library fits', () => {
  it.each<[string, Platform]>([
    ['linux-x64-gnu', { os: 'linux', arch: 'x64', libc: 'glibc' }],
    ['linux-x64-musl', alpine],
    ['linux-arm64-gnu', { os: 'linux', arch: 'arm64', libc: 'glibc' }],
    ['darwin-arm64', { os: 'darwin', arch: 'arm64' }],
    ['win32-x64-msvc', { os: 'win32', arch: 'x64' }],
    ['freebsd-x64', { os: 'freebsd', arch: 'x64' }],
  ])('is named %s as napi-rs names it', (name, platform) => {
    expect(platformName(platform)).toBe(name);
  });

  it('is the one built in the checkout first, then the platform package', () => {
    expect(libraryCandidates(alpine, '/app')).toEqual([
      join('/app', 'hamok.linux-x64-musl.node'),
      'hamok-linux-x64-musl',
    ]);
  });

  it('is only one built in the checkout where no package exists', () => {
    expect(libraryCandidates(raspberry, '/app')).toEqual([join('/app', 'hamok.linux-arm-gnu.node')]);
  });

  it('has on this machine the file name that the build gives it', () => {
    expect(libraryCandidates(currentPlatform(), root)[0]).toBe(join(root, libraryFileName()));
  });
});

describe('the platform packages', () => {
  it('are those of npm/', () => {
    const folders = readdirSync(join(root, 'npm'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(PREBUILT_PLATFORMS);
  });

  it('are as many as package.json has targets for', () => {
    expect(manifest('.').napi.targets).toHaveLength(PREBUILT_PLATFORMS.length);
  });

  it.each(PREBUILT_PLATFORMS)('%s has the name, file and version that are looked for', (name) => {
    const library = `hamok.${name}.node`;
    expect(manifest(`npm/${name}`)).toMatchObject({
      name: `hamok-${name}`,
      version: manifest('.').version,
      main: library,
      files: [library],
    });
  });
});

describe('when no library can be loaded', () => {
  const notFound = [{ request: '/app/hamok.linux-x64-musl.node' }, { request: 'hamok-linux-x64-musl' }];

  it('the error names the machine, what was tried, and the package to install', () => {
    const { code, message, cause } = loadFailure(alpine, notFound);
    expect(code).toBe('UNSUPPORTED_PLATFORM');
    expect(message).toContain('linux x64 (musl)');
    for (const { request } of notFound) expect(message).toContain(`${request}: not found`);
    expect(message).toContain('optional dependency hamok-linux-x64-musl');
    expect(message).toContain('Rust');
    expect(cause).toBeUndefined();
  });

  it('the error says so where no package exists', () => {
    const { code, message } = loadFailure(raspberry, [{ request: '/app/hamok.linux-arm-gnu.node' }]);
    expect(code).toBe('UNSUPPORTED_PLATFORM');
    expect(message).toContain('no prebuilt native library for linux arm (glibc)');
    expect(message).toContain('linux-x64-gnu');
    expect(message).not.toContain('optional dependency');
  });

  it('the error of a library that is present but does not load is the cause', () => {
    const error = new Error("version `GLIBC_2.34' not found");
    const { code, message, cause } = loadFailure(alpine, [notFound[0]!, { request: 'hamok-linux-x64-musl', error }]);
    expect(code).toBe('NATIVE_LOAD_FAILED');
    expect(message).toContain(`hamok-linux-x64-musl: ${error.message}`);
    expect(cause).toBe(error);
  });
});
