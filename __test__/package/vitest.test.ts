/** The package in a user's tests that run with vitest: fixtures/vitest. */
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createProject, ownVersion } from './support/projects';
import { runNode } from './support/run';

const VITEST = 'node_modules/vitest/vitest.mjs';

let project: string;

beforeAll(async () => {
  const dependencies = { vitest: ownVersion('vitest') };

  project = await createProject(inject('packed'), 'vitest', { dependencies, fixtures: ['vitest'] });
});

describe('vitest', () => {
  it.each(['forks', 'threads', 'vmThreads'])('runs several files in the pool %s, and ends by itself', async (pool) => {
    const files = readdirSync(project).filter((name) => name.endsWith('.test.mjs'));
    const { code, output } = await runNode(project, [VITEST, 'run', `--pool=${pool}`, '--testTimeout=30000']);

    expect(code, output).toBe(0);
    expect(output).toMatch(new RegExp(`Test Files +${files.length} passed \\(${files.length}\\)`));
    expect(output).not.toMatch(/close timed out|hanging/i);
  });
});
