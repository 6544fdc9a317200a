/** Peers in several threads and several processes of one program. */
import { describe, expect, inject, it } from 'vitest';
import { report } from './support/run';

const project = inject('plainProject');

describe('worker threads', () => {
  it('with a grid each go on when one of them is terminated', async () => {
    const other = { exitCode: 0, equal: true };

    expect(await report(project, ['workers.cjs'])).toEqual([other, other]);
  });

  it('with a peer each go on as a grid when the one that leads is terminated', async () => {
    expect(await report(project, ['workers-of-one-grid.cjs'])).toEqual([0, 0]);
  });
});

describe('a forked process', () => {
  it.each(['advanced', 'json'])(
    'shares a map with its parent over IPC (%s) and ends by itself',
    async (serialization) => {
      const both = { 'of the child': 2, 'of the parent': 1 };

      expect(await report(project, ['processes.cjs', serialization])).toEqual({
        parentSaw: both,
        childSaw: both,
        child: { code: 0, signal: null },
      });
    },
  );
});
