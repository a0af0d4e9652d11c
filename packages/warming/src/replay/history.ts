import { checkedNumber } from '../target/time-line.js';
import { type CompareOptions, type Comparison, comparePolicies } from './compare.js';
import type { Arrival } from './trace.js';

/** One claim of the past, as a service's own records tell it. */
export interface PastClaim {
  /** When it was asked for, Unix time in milliseconds. */
  atMs: number;
  runtime: string;
}

/** What to replay of a history, and how; see {@link CompareOptions}. */
export interface HistoryOptions extends Omit<CompareOptions, 'arrivals'> {
  /** In any order: replicas write side by side. */
  claims: Iterable<PastClaim> | AsyncIterable<PastClaim>;
  /** Claims before are left out. @default all */
  fromMs?: number;
  /** Claims from then on are left out. @default all */
  untilMs?: number;
}

/** A comparison, and the same as a page for people. */
export interface HistoryReport extends Comparison {
  claims: number;
  /** The rows as text, one line per policy and price. */
  text: string;
  /** Plot and rows as one self-contained HTML page. */
  html: string;
}

const COLUMNS = ['policy', 'price, s', 'hits', 'idle s/claim', 'evicted', 'cold share, p75 runtime'] as const;

/**
 * What a service's own claims would have cost and hit under each policy.
 *
 * @throws WarmingError `invalid_option` when a claim's time is not a number of at least 0
 */
export async function replayHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { claims, fromMs = -Infinity, untilMs = Infinity, ...compared } = options;
  const arrivals: Arrival[] = [];
  for await (const { atMs, runtime } of claims) {
    const seconds = checkedNumber('atMs', atMs, 0) / 1000;
    if (atMs >= fromMs && atMs < untilMs) arrivals.push({ seconds, key: runtime });
  }
  arrivals.sort((a, b) => a.seconds - b.seconds || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const comparison = await comparePolicies({ ...compared, arrivals });
  const cells = comparison.rows.map((row) => [
    row.policy,
    String(row.valueSeconds),
    `${((1 - row.coldShare) * 100).toFixed(1)} %`,
    row.idleSecondsPerClaim.toFixed(1),
    String(row.evictions),
    `${(row.keyColdShareP75 * 100).toFixed(1)} %`,
  ]);
  return { ...comparison, claims: arrivals.length, text: textOf(cells), html: htmlOf(comparison.svg, cells) };
}

function textOf(cells: readonly string[][]): string {
  const all = [[...COLUMNS], ...cells];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  return all.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n');
}

function htmlOf(svg: string, cells: readonly string[][]): string {
  const line = (list: readonly string[], tag: string): string =>
    `<tr>${list.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return [
    '<!doctype html><meta charset="utf-8"><title>Replay</title>',
    '<style>body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto}td,th{padding:.2rem .8rem;text-align:left}</style>',
    svg,
    `<table>${line(COLUMNS, 'th')}${cells.map((list) => line(list, 'td')).join('')}</table>`,
  ].join('\n');
}
