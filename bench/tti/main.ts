// npm run bench: time to interactive in every scenario, raw e2b beside Pilotlight. See bench/METHODOLOGY.md.
import { parseArgs } from 'node:util';
import { type LocalHost, startLocalHost } from '@pilotlight/local';
import { type BenchRow, report, row } from '../support/report.js';
import { type Results, saveResults, surroundings } from '../support/results.js';
import { percentile, round } from '../support/statistics.js';
import { type TtiFigures, type TtiPart, ttiTable, writeGenerated } from '../support/tables.js';
import { burst, type Sample, type ScenarioName, sequential, staggered } from './scenarios.js';
import { allWays, type Way } from './ways.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Claims of each way, one after another. */
    rounds: { type: 'string', default: '30' },
    /** Claims at once, and claims spread over 20 s. */
    burst: { type: 'string', default: '100' },
    /** `sequential`, `staggered`, `burst`, or several. */
    scenario: { type: 'string', default: 'sequential,staggered,burst' },
    /** Of E2B's latency: `off`, `on`, or both. */
    profile: { type: 'string', default: 'off,on' },
    /** Writes bench/results and the README. */
    save: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const depth = Number(values.burst);
const spanMs = 20_000;

function figuresOf({ scenario, way, durationsMs, otherwise }: Sample): TtiFigures {
  const at = (share: number) => round(percentile(durationsMs, share));
  return {
    scenario,
    way,
    count: durationsMs.length,
    otherwise,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

async function measure(host: LocalHost, scenario: ScenarioName): Promise<Sample[]> {
  switch (scenario) {
    case 'sequential':
      // Pools of one: a pool that still fills itself would be measured with the claims.
      return withWays(host, 1, async (ways) => {
        // Thrown away: the first create of a process loads modules.
        await sequential(ways, 1);
        return sequential(ways, rounds);
      });
    case 'staggered':
      return withWays(host, depth, (ways) => oneByOne(ways, (way) => staggered(way, depth, spanMs)));
    case 'burst':
      return withWays(host, depth, (ways) => oneByOne(ways, (way) => burst(way, depth)));
  }
}

/** Nothing of the way before is left to be done when one is measured: every pool that was begun is full again. */
async function oneByOne(ways: readonly Way[], work: (way: Way) => Promise<Sample>): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const [index, way] of ways.entries()) {
    for (const begun of ways.slice(0, index)) await begun.prepare(depth);
    samples.push(await work(way));
  }
  return samples;
}

/** Every way with pools of `size`, closed when the work is done. */
async function withWays<Value>(
  host: LocalHost,
  size: number,
  work: (ways: readonly Way[]) => Promise<Value>,
): Promise<Value> {
  const ways = allWays(host.connectionOptions, size);
  try {
    return await work(ways);
  } finally {
    await Promise.all(ways.map((way) => way.close()));
  }
}

const among = <Name extends string>(names: readonly Name[], given: string): Name[] =>
  names.filter((name) => given.split(',').includes(name));
const profiles = among(['off', 'on'] as const, values.profile);
const scenarios = among(['sequential', 'staggered', 'burst'] as const, values.scenario);
const parts: Results<TtiPart>['parts'] = {};
for (const profile of profiles) {
  const host = await startLocalHost(profile === 'on' ? { latency: { profile: 'e2b' } } : {});
  try {
    for (const scenario of scenarios) {
      const part = { profile, rounds, depth, spanMs, figures: (await measure(host, scenario)).map(figuresOf) };
      parts[`${profile}, ${scenario}`] = { ...surroundings(), ...part };
      if (values.save) saveResults<TtiPart>('tti', `${profile}, ${scenario}`, part);
    }
  } finally {
    await host.close();
  }
}
if (values.save) writeGenerated();
const find = (profile: string, scenario: string, way: string) =>
  parts[`${profile}, ${scenario}`]?.figures.find((each) => each.way === way);

/** Hot against raw in the same run: what the pool is for. */
const rows: BenchRow[] = profiles.flatMap((profile) =>
  scenarios.map((scenario) => {
    const [hot, raw] = [find(profile, scenario, 'hot'), find(profile, scenario, 'raw')];
    return row({
      name: `hot p50, ${scenario}, latency profile ${profile}`,
      measured: hot && hot.count > 0 ? hot.p50Ms : null,
      unit: 'ms',
      op: '<=',
      target: raw?.p50Ms ?? 0,
      baseline: `raw e2b create and first command, same run: ${raw?.p50Ms} ms`,
    });
  }),
);

if (!values.json) console.log(ttiTable({ version: 1, parts }));
report('tti', rows, { parts });
