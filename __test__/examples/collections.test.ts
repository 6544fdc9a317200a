/** The examples of what services do with collections; all peers of one live in one process. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileFacade } from '../support/peer-process';
import { matches, run } from './run';

const NAMES = ['ada', 'ben', 'cleo'];

beforeAll(() => compileFacade());

describe('leader-only-task', () => {
  it('runs the task on the leader, once per interval, and goes on with the next leader', async () => {
    const { code, stdout, stderr } = await run('leader-only-task');

    expect(stderr).toBe('');
    const [[first]] = matches(stdout, /^(\w+) leads$/gm) as [[string]];
    const [[second]] = matches(stdout, /^(\w+) leads now$/gm) as [[string]];
    expect(second).not.toBe(first);

    const [before, after] = stdout
      .split(`${first} leaves\n`)
      .map((part) => matches(part, /report \d+ is sent by (\w+)/g));
    expect(before!.length).toBeGreaterThanOrEqual(3);
    expect(after!.length).toBeGreaterThanOrEqual(3);
    expect(new Set(before!.flat())).toEqual(new Set([first]));
    expect(new Set(after!.flat())).toEqual(new Set([second]));

    const [[reports, intervals]] = matches(stdout, /(\d+) reports in (\d+) intervals/g) as [[string, string]];
    expect(Number(reports)).toBe(before!.length + after!.length);
    expect(intervals).toBe(reports);
    expect(stdout).toContain('3 peers claim one run at once, 1 may');
    expect(code).toBe(0);
  });
});

describe('job-queue', () => {
  it('gives each job to one worker, and that of a dead worker to another', async () => {
    const { code, stdout, stderr } = await run('job-queue');

    expect(stderr).toBe('');
    const [[dead]] = matches(stdout, /(\w+) dies over job-7/g) as [[string]];
    expect(stdout).toContain(`the leader puts job-7 of ${dead} back`);
    expect(stdout.match(/puts .* back/g)).toHaveLength(1);
    expect(stdout).toContain('all are done: job-7 was taken twice, each other job once');

    const taken = matches(stdout, /(\w+) took (\d+)/g);
    expect(taken.map(([name]) => name)).toEqual(NAMES);
    expect(taken.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(21);
    expect(code).toBe(0);
  });
});

describe('shared-config', () => {
  it('tells all instances of each change, and moves all fields or none', async () => {
    const { code, stdout, stderr } = await run('shared-config');

    expect(stderr).toBe('');
    expect(stdout).toContain('The service starts in eu with 10 rooms');
    expect(stdout).toContain('1 of 2 moved it');
    const [[region]] = matches(stdout, /region is (us|asia) now, not eu/g) as [[string]];

    for (const name of NAMES) {
      const changes = matches(stdout, new RegExp(`${name}: (\\w+) is (\\S+) now, not (\\S+)`, 'g'));
      expect(changes, name).toEqual([
        ['region', region, 'eu'],
        ['host', `${region}.example.org`, 'eu.example.org'],
        ['maxRooms', '11', '10'],
        ['maxRooms', '12', '11'],
        ['maxRooms', '13', '12'],
      ]);
      expect(stdout).toContain(`${name}: theme is dark, which is new`);
    }

    const [[config]] = matches(stdout, /4 instances, 1 configuration: (.*)/g) as [[string]];
    expect(JSON.parse(config)).toEqual({ region, host: `${region}.example.org`, maxRooms: 13, theme: 'dark' });
    expect(code).toBe(0);
  });
});

describe('request-response', () => {
  it('responds to the asker, and says who did not', async () => {
    const { code, stdout, stderr } = await run('request-response');

    expect(stderr).toBe('');
    expect(stdout).toContain('One responds: ben {"result":5}\n');
    expect(stdout).toContain('It fails: ben {"error":"-1 has no root"}\n');
    const [[responses]] = matches(stdout, /All respond, in any order: (.*)/g) as [[string]];
    expect(matches(responses, /(\w+) \{"result":(\d)\}/g).sort()).toEqual(
      NAMES.map((name, index) => [name, `${index + 1}`]),
    );
    expect(stdout).toContain('100 at once: 100 got the response to their request');
    expect(stdout).toContain("Too slow: cleo received 'think about', and did not respond within 200 ms");
    expect(stdout).toContain("Not there: nobody responds to 'sing'");
    expect(code).toBe(0);
  });
});
