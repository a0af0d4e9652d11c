import { owns } from './scope.js';
import type { Redactor } from './text/redact.js';
import { clip, sanitizeText } from './text/sanitize.js';
import type { MemoryItem, MemoryScope } from './types.js';

/** How rows and texts are made safe, in both directions. */
export interface Cleaning {
  redact: Redactor;
  /** Texts of rows are cut to this many characters. */
  longestMemoryChars: number;
}

// Redaction sees a little more than is kept, so that a credential across the cut is still recognised.
const redactionMarginChars = 8_192;
const deepestMetadata = 6;

/** The text as it may be stored or shown: bounded, without controls, without credentials. */
export function cleanText(text: string, cleaning: Cleaning): string {
  const bounded = text.slice(0, cleaning.longestMemoryChars + redactionMarginChars);
  return clip(cleaning.redact(sanitizeText(bounded)), cleaning.longestMemoryChars);
}

/** Metadata with every string cleaned, and without names that would claim another owner. */
export function cleanMetadata(metadata: Record<string, unknown>, cleaning: Cleaning): Record<string, unknown> {
  const cleaned: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (ownerNames.has(name)) continue;
    cleaned[sanitizeText(name)] = cleanValue(value, cleaning, 0);
  }
  return cleaned;
}

/** Only the rows that belong to the scope, each cleaned. `foreign` counts those that do not. */
export function ownRows(
  scope: MemoryScope,
  rows: readonly MemoryItem[],
  cleaning: Cleaning,
): { rows: MemoryItem[]; foreign: number } {
  const own = rows.filter((row) => owns(scope, row));
  return { rows: own.map((row) => cleanRow(row, cleaning)), foreign: rows.length - own.length };
}

/** Rows a source reports about what was just added; those that name another owner are dropped, the others get ours. */
export function addedRows(scope: MemoryScope, rows: readonly MemoryItem[], cleaning: Cleaning): MemoryItem[] {
  const own = rows.filter((row) => namesNobody(row) || owns(scope, row));
  return own.map((row) => cleanRow({ ...row, ...scope }, cleaning));
}

function namesNobody({ userId, agentId, appId, runId }: MemoryItem): boolean {
  return userId === undefined && agentId === undefined && appId === undefined && runId === undefined;
}

/** The row with its texts cleaned. */
export function cleanRow(row: MemoryItem, cleaning: Cleaning): MemoryItem {
  const cleaned: MemoryItem = { ...row, memory: cleanText(row.memory, cleaning) };
  if (row.metadata !== undefined) cleaned.metadata = cleanMetadata(row.metadata, cleaning);
  if (row.categories !== undefined)
    cleaned.categories = row.categories.map((category) => cleanText(category, cleaning));
  return cleaned;
}

const ownerNames = new Set([
  'user_id',
  'agent_id',
  'app_id',
  'run_id',
  'session_id',
  'userId',
  'agentId',
  'appId',
  'runId',
  'sessionId',
  'actor_id',
  '__proto__',
]);

function cleanValue(value: unknown, cleaning: Cleaning, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value, cleaning);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= deepestMetadata) return '[too deep]';
  if (Array.isArray(value)) return value.map((entry) => cleanValue(entry, cleaning, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [sanitizeText(name), cleanValue(entry, cleaning, depth + 1)]),
  );
}
