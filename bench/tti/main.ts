// npm run bench: time to interactive in every scenario, raw e2b beside Pilotlight. See bench/METHODOLOGY.md.
import { parseArgs } from 'node:util';
import { startLocalHost } from '@pilotlight/local';
import { type BenchRow, report, row } from '../support/report.js';
import { fillMarkers, markdownTable, saveResults } from '../support/results.js';
import { percentile, round } from '../support/statistics.js';
import { burst, type Sample, sequential, staggered } from './scenarios.js';
import { allWays } from './ways.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Claims of each way, one after another. */
    rounds: { type: 'string', default: '30' },
    /** Claims at once, and claims spread over 20 s. */
    burst: { type: 'string', default: '100' },
    /** Writes bench/results and the README. */
    save: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const depth = Number(values.burst);
const spanMs = 20_000;

interface Figures {
  profile: 'off' | 'on';
  scenario: Sample['scenario'];
  way: Sample['way'];
  count: number;
  otherwise: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

function figuresOf(profile: Figures['profile'], { scenario, way, durationsMs, otherwise }: Sample): Figures {
  const at = (share: number) => round(percentile(durationsMs, share));
  return {
    profile,
    scenario,
    way,
    count: durationsMs.length,
    otherwise,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

async function measure(profile: Figures['profile']): Promise<Figures[]> {
  const host = await startLocalHost(profile === 'on' ? { latency: { profile: 'e2b' } } : {});
  const ways = allWays(host.connectionOptions, depth);
  try {
    // Thrown away: the first create of a process loads modules.
    await sequential(ways, 1);
    const samples = await sequential(ways, rounds);
    for (const way of ways) samples.push(await staggered(way, depth, spanMs));
    for (const way of ways) samples.push(await burst(way, depth));
    return samples.map((sample) => figuresOf(profile, sample));
  } finally {
    await Promise.all(ways.map((way) => way.close()));
    await host.close();
  }
}

const figures = [...(await measure('off')), ...(await measure('on'))];
const find = (profile: string, scenario: string, way: string) =>
  figures.find((each) => each.profile === profile && each.scenario === scenario && each.way === way);

/** Hot against raw in the same run: what the pool is for. */
const rows: BenchRow[] = (['off', 'on'] as const).flatMap((profile) =>
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

const table = markdownTable(
  ['latency profile, scenario, way', 'n', 'p50 ms', 'p95 ms', 'p99 ms'],
  figures.map(({ profile, scenario, way, count, p50Ms, p95Ms, p99Ms }) => [
    `${profile}, ${scenario}, ${way}`,
    ...[count, p50Ms, p95Ms, p99Ms].map(String),
  ]),
);
if (values.save) {
  saveResults('tti', 1, { rounds, depth, spanMs, figures });
  const short = figures.filter(({ profile }) => profile === 'on');
  fillMarkers(
    'README.md',
    'tti',
    markdownTable(
      ['TTI, with E2B’s latency played', 'p50 ms', 'p95 ms'],
      short.map(({ scenario, way, p50Ms, p95Ms }) => [
        `${scenario}, ${way === 'raw' ? 'raw e2b' : way}`,
        String(p50Ms),
        String(p95Ms),
      ]),
    ),
  );
}
if (!values.json) console.log(table);
report('tti', rows, { figures });
