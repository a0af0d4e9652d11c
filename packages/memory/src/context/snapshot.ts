import { TextRanker } from '../embedded/ranker.js';
import { clip } from '../text/sanitize.js';
import type { TokenCounter } from '../text/tokens.js';
import { wordsOf } from '../text/words.js';
import type { MemoryItem } from '../types.js';
import type { ContextItem } from './context.js';
import { lineOf } from './prompt.js';

/** A {@link ContextItem} with what selection needs to know about it. */
export interface Candidate {
  readonly item: ContextItem;
  readonly tokens: number;
  readonly expirationDate: string | undefined;
}

/** A user's memories at one moment, made ready once and selected from many times. */
export interface Snapshot {
  /** Newest first, without duplicates. */
  readonly candidates: readonly Candidate[];
  /** What it was made of. */
  readonly rows: readonly MemoryItem[];
  /** True when the source holds more than is here. */
  readonly partial: boolean;
  /** Ids, best first, of the candidates that match about as well as the best one. */
  rank(query: string): string[];
}

export interface SnapshotRules {
  longestItemChars: number;
  countTokens: TokenCounter;
}

const nearDuplicate = 0.9;
// Scores mean nothing between questions, so what counts as a match is measured against the best of its own.
const relevantShare = 0.4;

/** Orders rows newest first, keeps the newest of equal or nearly equal texts, dates and measures them. Pure. */
export function snapshotOf(rows: readonly MemoryItem[], partial: boolean, rules: SnapshotRules): Snapshot {
  const newestFirst = rows
    .map((row) => ({ row, at: timeOf(row) }))
    .sort((left, right) => right.at - left.at || (left.row.id < right.row.id ? -1 : 1));
  const candidates: Candidate[] = [];
  const kept: Set<string>[] = [];
  for (const { row, at } of newestFirst) {
    const words = new Set(wordsOf(row.memory.slice(0, rules.longestItemChars)));
    if (words.size === 0 || kept.some((other) => similarity(words, other) >= nearDuplicate)) continue;
    kept.push(words);
    const item: ContextItem = {
      id: row.id,
      memory: clip(row.memory.replace(/\s+/g, ' ').trim(), rules.longestItemChars),
      ...(at === 0 ? {} : { date: new Date(at).toISOString().slice(0, 10) }),
    };
    candidates.push({ item, tokens: rules.countTokens(`${lineOf(item)}\n`), expirationDate: row.expirationDate });
  }
  // Built here and not at the first question: a snapshot is made while a sandbox warms, a question comes with a claim.
  const ranker = new TextRanker();
  for (const { item } of candidates) ranker.put({ id: item.id, text: item.memory });
  return {
    candidates,
    rows,
    partial,
    rank(query) {
      const hits = ranker.rank(query);
      const least = (hits[0]?.score ?? 0) * relevantShare;
      return hits.filter(({ score }) => score >= least).map(({ id }) => id);
    },
  };
}

function timeOf(row: MemoryItem): number {
  const at = Date.parse(row.updatedAt ?? row.createdAt ?? '');
  return Number.isNaN(at) ? 0 : at;
}

// Sets far apart in size cannot be alike, which spares most of the comparisons.
function similarity(left: Set<string>, right: Set<string>): number {
  const [small, large] = left.size < right.size ? [left, right] : [right, left];
  if (small.size < large.size * nearDuplicate) return 0;
  let common = 0;
  for (const word of small) if (large.has(word)) common += 1;
  return common / (left.size + right.size - common);
}
