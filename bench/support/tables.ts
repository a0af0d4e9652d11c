import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchRow } from './report.js';
import { markdownTable, type Results, readResults, replaceBetween } from './results.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One way of getting a sandbox in one scenario, in milliseconds. */
export interface TtiFigures {
  scenario: string;
  way: string;
  /** Claims answered in this way, and those answered otherwise, which are not in the row. */
  count: number;
  otherwise: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** One scenario with one latency profile. */
export interface TtiPart {
  profile: 'off' | 'on';
  rounds: number;
  /** Claims of a burst, and of a staggered run, which is spread over `spanMs`. */
  depth: number;
  spanMs: number;
  figures: TtiFigures[];
}

export interface RowsPart {
  rows: BenchRow[];
}

const wayNames: Readonly<Record<string, string>> = {
  bare: 'a command on a connected sandbox',
  raw: '`Sandbox.create` of `e2b` alone',
  hot: 'Pilotlight, hot',
  parked: 'Pilotlight, parked',
  linked: 'Pilotlight, linked',
  cold: 'Pilotlight, cold',
};

/** What the README shows: with E2B's latency played. */
export function ttiSummary({ parts }: Results<TtiPart>): string {
  const shown = Object.values(parts).filter(({ profile }) => profile === 'on');
  const figures = shown.flatMap((part) => part.figures);
  const { depth, spanMs } = shown[0] ?? { depth: 0, spanMs: 0 };
  const scenarios = {
    sequential: 'one after another',
    staggered: `${depth} over ${spanMs / 1000} s`,
    burst: `${depth} at once`,
  };
  const cell = (way: string, scenario: string) => {
    const found = figures.find((each) => each.way === way && each.scenario === scenario);
    return found === undefined || found.count === 0 ? 'not measured' : `${found.p50Ms} / ${found.p95Ms}`;
  };
  return markdownTable(
    ['TTI in ms, p50 / p95', ...Object.values(scenarios)],
    Object.entries(wayNames).map(([way, name]) => [
      name,
      ...Object.keys(scenarios).map((scenario) => cell(way, scenario)),
    ]),
  );
}

export function ttiTable({ parts }: Results<TtiPart>): string {
  return markdownTable(
    ['latency profile, scenario, way', 'n', 'answered otherwise', 'p50 ms', 'p95 ms', 'p99 ms'],
    Object.values(parts).flatMap(({ profile, figures }) =>
      figures.map(({ scenario, way, count, otherwise, p50Ms, p95Ms, p99Ms }) => [
        `${profile}, ${scenario}, ${way}`,
        ...[count, otherwise, p50Ms, p95Ms, p99Ms].map(String),
      ]),
    ),
  );
}

/** A failing row stays in; so does one that could not be measured, with the reason. */
export function rowsTable({ parts }: Results<RowsPart>): string {
  return markdownTable(
    ['figure', 'measured', 'target', 'result'],
    Object.values(parts).flatMap(({ rows }) =>
      rows.map(({ name, measured, unit, op, target, pass, why }) => [
        name,
        measured === null ? `not measured: ${why ?? 'no reason given'}` : `${measured} ${unit}`,
        `${op} ${target} ${unit}`,
        pass ? 'pass' : 'FAIL',
      ]),
    ),
  );
}

const unmeasured = 'No run is saved yet.';

/** The documents with generated tables, as they should be. */
export function generated(): { path: string; text: string }[] {
  const tti = readResults<TtiPart>('tti');
  const readme = replaceBetween(
    readFileSync(`${root}README.md`, 'utf8'),
    'tti',
    Object.values(tti.parts).some(({ profile }) => profile === 'on') ? ttiSummary(tti) : unmeasured,
  );
  if (readme === undefined) throw new Error('README.md has no lines <!-- tti:start --> and <!-- tti:end -->.');
  const tables = [
    '# Results\n\nMade from the files beside this one by `--save` of the benchmarks; [what the words mean](../METHODOLOGY.md).',
    `## Time to interactive\n\n${orUnmeasured(tti, ttiTable)}`,
    `## Key figures\n\n${orUnmeasured(readResults<RowsPart>('kpi'), rowsTable)}`,
    `## Import\n\n${orUnmeasured(readResults<RowsPart>('import'), rowsTable)}`,
  ];
  return [
    { path: 'README.md', text: readme },
    { path: 'bench/results/README.md', text: `${tables.join('\n\n')}\n` },
  ];
}

function orUnmeasured<Content>(results: Results<Content>, table: (results: Results<Content>) => string): string {
  return Object.keys(results.parts).length === 0 ? unmeasured : table(results);
}

export function writeGenerated(): void {
  for (const { path, text } of generated()) writeFileSync(`${root}${path}`, text);
}
