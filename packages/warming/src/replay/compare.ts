import { buildFamily, type Family } from './families.js';
import { type FrontierSeries, frontierSvg } from './plot.js';
import { type ReplayReport, replay } from './replay.js';
import type { Arrival } from './trace.js';

/** Which policies to compare, at which prices. Times in seconds. */
export interface CompareOptions {
  arrivals: readonly Arrival[];
  leadSeconds: number;
  /** @default forecast, keep-alive, newsvendor, hybrid-histogram */
  families?: readonly Family[];
  /** @default from 15 seconds to about a week */
  valuesSeconds?: readonly number[];
  title?: string;
}

/** What past claims would have cost and hit under each policy. */
export interface Comparison {
  rows: (ReplayReport & { valueSeconds: number })[];
  /** The frontiers as a self-contained SVG. */
  svg: string;
}

const DEFAULT_FAMILIES: readonly Family[] = ['forecast', 'keep-alive', 'newsvendor', 'hybrid-histogram'];
const DEFAULT_VALUES: readonly number[] = [15, 60, 200, 600, 2_000, 6_000, 20_000, 60_000, 600_000];

/** Replays a history under several policies and prices; `pilotlight replay` prints the rows and writes the plot. */
export async function comparePolicies(options: CompareOptions): Promise<Comparison> {
  const { arrivals, leadSeconds } = options;
  const rows: Comparison['rows'] = [];
  const series: FrontierSeries[] = [];
  for (const family of options.families ?? DEFAULT_FAMILIES) {
    const points = [];
    for (const valueSeconds of options.valuesSeconds ?? DEFAULT_VALUES) {
      const policy = buildFamily(family, { leadSeconds, valueSeconds });
      const report = await replay({ arrivals, policy, leadSeconds });
      rows.push({ ...report, valueSeconds });
      points.push({ idle: report.idleSecondsPerClaim, cold: report.coldShare });
    }
    series.push({ name: family, points });
  }
  return { rows, svg: frontierSvg(options.title ?? 'Hits by what they cost', series) };
}
