import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepAlivePolicy } from '../target/keep-alive.js';
import { buildFamily, FAMILIES } from './families.js';
import { replayHistory } from './history.js';
import { replay } from './replay.js';
import { Simulator } from './simulator.js';
import { readTrace } from './trace.js';

const LEAD = 15;

function claims(...seconds: number[]): { seconds: number; key: string }[] {
  return seconds.map((at) => ({ seconds: at, key: 'a' }));
}

describe('the claim pool of a replay', () => {
  it('is cold for the first claim and for one that comes within the lead time', async () => {
    const policy = keepAlivePolicy({ keepSeconds: 600, defaultLeadSeconds: LEAD });
    const report = await replay({ arrivals: claims(0, 10, 100), policy, leadSeconds: LEAD });
    expect(report).toMatchObject({ arrivals: 3, cold: 2, ownHits: 1 });
  });

  it('counts idle from ready to claim, and one lead for an evicted sandbox', async () => {
    const policy = keepAlivePolicy({ keepSeconds: 600, defaultLeadSeconds: LEAD });
    const report = await replay({ arrivals: claims(0, 100, 2_000), policy, leadSeconds: LEAD });
    expect(report.evictions).toBe(1);
    expect(report.idleSeconds).toBeCloseTo(100 - LEAD + 600 + LEAD, 3);
  });

  it('lets what a burst called for run out first', async () => {
    const policy = keepAlivePolicy({ keepSeconds: 600, defaultLeadSeconds: LEAD });
    const steady = Array.from({ length: 100 }, (_, index) => 60 * (index + 1));
    const report = await replay({ arrivals: claims(0, 1, 2, 3, ...steady), policy, leadSeconds: LEAD });
    expect(report).toMatchObject({ cold: 4, evictions: 3 });
  });

  it('serves one sandbox once', async () => {
    const policy = buildFamily('fixed', { leadSeconds: LEAD, valueSeconds: 0, hot: 1 });
    const report = await replay({ arrivals: claims(0, 50, 50, 50), policy, leadSeconds: LEAD });
    expect(report.ownHits).toBe(1);
  });

  it('agrees with Erlang: one sandbox per key is missed a/(1+a) of the time when claims come at random', () => {
    let state = 1;
    const uniform = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state + 0.5) / 4_294_967_296;
    };
    const policy = buildFamily('fixed', { leadSeconds: LEAD, valueSeconds: 0, hot: 1 });
    const simulator = new Simulator({ policy, leadSeconds: LEAD });
    let seconds = 0;
    for (let index = 0; index < 40_000; index++) {
      seconds -= 20 * Math.log(uniform());
      simulator.arrive({ seconds, key: 'a' });
    }
    const { cold, arrivals } = simulator.finish();
    const load = LEAD / 20;
    expect(cold / arrivals).toBeCloseTo(load / (1 + load), 1);
  });

  it.each(FAMILIES)('replays %s within its means', async (family) => {
    const policy = buildFamily(family, { leadSeconds: LEAD, valueSeconds: 900 });
    const arrivals = claims(...Array.from({ length: 60 }, (_, index) => index * 300));
    const report = await replay({ arrivals, policy, leadSeconds: LEAD });
    expect(report.cold + report.ownHits).toBe(60);
    expect(report.idleSeconds).toBeGreaterThanOrEqual(0);
    const saved = buildFamily(family, { leadSeconds: LEAD, valueSeconds: 900 });
    saved.restore(policy.save());
    expect(saved.size().runtimes).toBe(policy.size().runtimes);
  });
});

describe('a service’s own history', () => {
  const claims = Array.from({ length: 40 }, (_, index) => ({ atMs: 1_700_000_000_000 + index * 90_000, runtime: 'a' }));

  it('is replayed under each policy, in whatever order it comes, as a table and as a plot', async () => {
    const options = { leadSeconds: LEAD, families: ['forecast', 'keep-alive'] as const, valuesSeconds: [60, 600] };
    const report = await replayHistory({ ...options, claims: claims.toReversed(), fromMs: claims[1]!.atMs });
    const straight = await replayHistory({ ...options, claims, fromMs: claims[1]!.atMs });
    expect(report.rows).toEqual(straight.rows);
    expect(report.claims).toBe(39);
    expect(report.text.split('\n')).toHaveLength(5);
    expect(report.html).toContain('<svg');
  });

  it('refuses a time that is none', async () => {
    const wrong = replayHistory({ leadSeconds: LEAD, claims: [{ atMs: Number.NaN, runtime: 'a' }] });
    await expect(wrong).rejects.toThrow(/atMs/);
  });
});

describe('traces and logs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotlight-replay-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes every prepared sandbox, so that idle and hits can be recomputed', async () => {
    const logFile = join(folder, 'log.csv.gz');
    const policy = keepAlivePolicy({ keepSeconds: 60, defaultLeadSeconds: LEAD });
    const report = await replay({ arrivals: claims(0, 50, 1_000, 1_040), policy, leadSeconds: LEAD, logFile });
    const [, ...rows] = gunzipSync(await readFile(logFile))
      .toString()
      .trim()
      .split('\n');
    let idle = 0;
    for (const row of rows) {
      const [, ordered, ready, ended, outcome] = row.split(',');
      expect(Number(ready) - Number(ordered)).toBeCloseTo(LEAD, 3);
      idle += Math.max(0, Number(ended) - Number(ready)) + (outcome === 'evicted' ? LEAD : 0);
    }
    expect(rows.filter((row) => row.endsWith('claimed'))).toHaveLength(report.ownHits);
    expect(idle).toBeCloseTo(report.idleSeconds, 2);
  });

  it.each([
    ['out of order', 't,key\n5,a\n4,a\n', /comes after/],
    ['without a key', 't,key\n5\n', /cannot read/],
    ['with a time that is no number', 't,key\nNaN,a\n', /cannot read/],
  ])('refuses a trace %s with the line', async (_name, text, message) => {
    const file = join(folder, 'trace.csv');
    await writeFile(file, text);
    const reading = (async () => {
      for await (const _arrival of readTrace(file));
    })();
    await expect(reading).rejects.toThrow(message);
  });

  it.each([
    ['that is not there', 'none.csv.gz', undefined],
    ['that is cut off', 'cut.csv.gz', gzipSync('t,key\n5,a\n6,a\n').subarray(0, 20)],
    ['that is not what its name says', 'plain.csv.gz', Buffer.from('t,key\n5,a\n')],
  ])('refuses a file %s with its name', async (_name, name, bytes) => {
    const file = join(folder, name);
    if (bytes) await writeFile(file, bytes);
    const reading = (async () => {
      for await (const _arrival of readTrace(file));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'invalid_option', message: expect.stringContaining(name) });
  });

  it('takes one arrival and duplicate times', async () => {
    const file = join(folder, 'trace.csv');
    await writeFile(file, 't,key\n5,a,\n5,a,\n');
    const policy = buildFamily('forecast', { leadSeconds: LEAD, valueSeconds: 600 });
    const report = await replay({ arrivals: readTrace(file), policy, leadSeconds: LEAD });
    expect(report).toMatchObject({ arrivals: 2, cold: 2 });
  });
});
