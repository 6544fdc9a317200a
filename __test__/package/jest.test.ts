/** The package in a user's tests that run with jest: fixtures/jest. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createProject } from './support/projects';
import { runNode } from './support/run';

/** As for all programs here: a machine may be busy. */
const LIMIT = ['--testTimeout=30000'];

let project: string;

beforeAll(async () => {
  project = await createProject(inject('packed'), 'jest', { dependencies: { jest: '^30' }, fixtures: ['jest'] });
});

describe('jest', () => {
  it.each([
    ['in parallel processes', ['--maxWorkers=3']],
    ['in parallel threads', ['--maxWorkers=3', '--workerThreads']],
    ['in band, and finds no open handles', ['--runInBand', '--detectOpenHandles']],
  ])('runs several files %s, and ends by itself', async (_, options) => {
    const files = readdirSync(join(project, '__tests__'));
    const { code, output } = await runNode(project, ['node_modules/jest/bin/jest.js', ...LIMIT, ...options]);

    expect(code, output).toBe(0);
    expect(output).toContain(`Test Suites: ${files.length} passed, ${files.length} total`);
    expect(output).not.toMatch(/open handle|did not exit|failed to exit/i);
  });
});
