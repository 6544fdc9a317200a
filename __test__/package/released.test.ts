/**
 * What users get from the registry: the package without a native library, and the platform package that has it. See
 * npm/README.md.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { currentPlatform, PREBUILT_PLATFORMS, platformName } from '../../facade/binding/platform';
import { createProject, pack, root } from './support/projects';
import { report, runNode } from './support/run';

const name = platformName(currentPlatform());
const library = `hamok.${name}.node`;
const packed = inject('packed');

describe.skipIf(!PREBUILT_PLATFORMS.includes(name))('the package as it is released', () => {
  /** Has the package as `napi prepublish` and scripts/prepack.mjs leave it. */
  let released: string;
  let platformPackage: string;

  beforeAll(async () => {
    const work = join(packed.folder, 'released-packages');
    const hamok = join(work, 'hamok');
    const platform = join(work, 'platform');

    cpSync(join(inject('plainProject'), 'node_modules', 'hamok'), hamok, { recursive: true });
    for (const file of readdirSync(hamok).filter((file) => file.endsWith('.node'))) rmSync(join(hamok, file));

    const manifest = JSON.parse(readFileSync(join(hamok, 'package.json'), 'utf8'));

    // Of this platform only: the others' packages would be looked for in the registry.
    manifest.optionalDependencies = { [`hamok-${name}`]: manifest.version };
    writeFileSync(join(hamok, 'package.json'), JSON.stringify(manifest));
    cpSync(join(root, 'npm', name), platform, { recursive: true });
    cpSync(join(root, library), join(platform, library));
    mkdirSync(join(work, 'tarballs'));
    released = await pack(hamok, join(work, 'tarballs'));
    platformPackage = await pack(platform, join(work, 'tarballs'));
  });

  it('loads the native library from its platform package', async () => {
    const dependencies = { [`hamok-${name}`]: `file:${platformPackage}` };
    const project = await createProject({ ...packed, tarball: released }, 'released', {
      dependencies,
      fixtures: ['node'],
    });
    const all = { a: 0, b: 1, c: 2 };

    expect(readdirSync(join(project, 'node_modules', `hamok-${name}`)).sort()).toEqual(
      ['README.md', library, 'package.json'].sort(),
    );
    expect(await report(project, ['require.cjs', 'leave'])).toMatchObject({ contents: [all, all, all] });
  });

  it('says which package is missing when it was left out', async () => {
    const project = await createProject({ ...packed, tarball: released }, 'released-alone', {
      fixtures: ['node'],
      omitOptional: true,
    });
    const { code, output } = await runNode(project, ['require.cjs', 'leave']);

    expect(code).toBe(1);
    expect(output).toContain('UNSUPPORTED_PLATFORM');
    expect(output).toContain(`hamok-${name}`);
  });
});
