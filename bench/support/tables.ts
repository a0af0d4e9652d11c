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

export interface TtiPart {
  figures: TtiFigures[];
}

export interface RowsPart {
  rows: BenchRow[];
}

/** What the README shows: with E2B's latency played. */
export function ttiSummary({ parts }: Results<TtiPart>): string {
  return markdownTable(
    ['TTI, with E2B’s latency played', 'p50 ms', 'p95 ms'],
    (parts.on?.figures ?? []).map(({ scenario, way, p50Ms, p95Ms }) => [
      `${scenario}, ${way === 'raw' ? 'raw e2b' : way}`,
      String(p50Ms),
      String(p95Ms),
    ]),
  );
}

export function ttiTable({ parts }: Results<TtiPart>): string {
  return markdownTable(
    ['latency profile, scenario, way', 'n', 'answered otherwise', 'p50 ms', 'p95 ms', 'p99 ms'],
    Object.entries(parts).flatMap(([profile, { figures }]) =>
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
    tti.parts.on ? ttiSummary(tti) : unmeasured,
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
