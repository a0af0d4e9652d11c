// npm run bench: time to interactive in every scenario, raw e2b beside Pilotlight. See bench/METHODOLOGY.md.
import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { type BenchRow, report, row } from '../support/report.js';
import { saveResults, surroundings } from '../support/results.js';
import { percentile, round } from '../support/statistics.js';
import { type TtiFigures, type TtiPart, ttiTable, writeGenerated } from '../support/tables.js';
import { burst, type Sample, sequential, staggered } from './scenarios.js';
import { allWays } from './ways.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Claims of each way, one after another. */
    rounds: { type: 'string', default: '30' },
    /** Claims at once, and claims spread over 20 s. */
    burst: { type: 'string', default: '100' },
    /** Of E2B's latency: `off`, `on`, or both. */
    profile: { type: 'string', default: 'off,on' },
    /** Writes bench/results and the README. */
    save: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const depth = Number(values.burst);
const spanMs = 20_000;

type Profile = 'off' | 'on';

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

async function measure(profile: Profile): Promise<TtiFigures[]> {
  const host = await startLocalHost(profile === 'on' ? { latency: { profile: 'e2b' } } : {});
  const ways = allWays(host.connectionOptions, depth);
  try {
    // Thrown away: the first create of a process loads modules.
    await sequential(ways, 1);
    const samples = await sequential(ways, rounds);
    for (const way of ways) samples.push(await staggered(way, depth, spanMs));
    for (const way of ways) samples.push(await burst(way, depth));
    return samples.map(figuresOf);
  } finally {
    await Promise.all(ways.map((way) => way.close()));
    await host.close();
  }
}

const profiles = (['off', 'on'] as const).filter((profile) => values.profile.split(',').includes(profile));
const measured: Partial<Record<Profile, TtiFigures[]>> = {};
for (const profile of profiles) {
  measured[profile] = await measure(profile);
  if (values.save) {
    saveResults<TtiPart & { rounds: number }>('tti', profile, {
      rounds,
      depth,
      spanMs,
      figures: measured[profile],
    });
  }
}
if (values.save) writeGenerated();
const find = (profile: Profile, scenario: string, way: string) =>
  measured[profile]?.find((each) => each.scenario === scenario && each.way === way);

/** Hot against raw in the same run: what the pool is for. */
const rows: BenchRow[] = profiles.flatMap((profile) =>
  (['sequential', 'staggered', 'burst'] as const).map((scenario) => {
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

if (!values.json) {
  const parts = Object.fromEntries(
    profiles.map((profile) => [profile, { ...surroundings(), depth, spanMs, figures: measured[profile] ?? [] }]),
  );
  console.log(ttiTable({ version: 1, parts }));
}
report('tti', rows, { figures: measured });
