/** Packs the package once for all tests of this folder, and removes everything they made when they are over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildFacade } from '../../../scripts/prepare.mjs';
import { createProject, type Packed, pack, root } from './projects';

declare module 'vitest' {
  export interface ProvidedContext {
    packed: Packed;
    /** A project with the package, the programs of fixtures/node, and nothing else. */
    plainProject: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'hamok-package-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });

  try {
    await buildFacade();

    const packed = { folder, tarball: await pack(root, folder) };

    provide('packed', packed);
    provide('plainProject', await createProject(packed, 'plain', { fixtures: ['node'] }));
  } catch (error) {
    remove();
    throw error;
  }

  return remove;
}
