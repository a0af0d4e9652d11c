import type { ContextItem } from './context.js';
import type { Candidate, Snapshot } from './snapshot.js';

export interface SelectionRules {
  tokenBudget: number;
  maxItems: number;
  /** Tokens of the block around the items. */
  overheadTokens: number;
  /** Today, `YYYY-MM-DD`. */
  today: string;
  query?: string | undefined;
  /** Ids the source itself found for the query, best first; they go before our own ranking. */
  preferred?: readonly string[] | undefined;
}

export interface Selection {
  /** Newest first. */
  items: ContextItem[];
  /** Tokens of the rendered block; 0 when it holds no item. */
  tokens: number;
  /** How many memories found no room. */
  omitted: number;
}

/**
 * What goes into the prompt. When everything fits, everything goes, whatever the question; otherwise the best matches
 * of the question and then the newest, whole memories only. Pure, and the same input gives the same order.
 */
export function select(snapshot: Snapshot, rules: SelectionRules): Selection {
  const alive = snapshot.candidates.filter(
    ({ expirationDate }) => expirationDate === undefined || expirationDate >= rules.today,
  );
  const total = alive.reduce((sum, candidate) => sum + candidate.tokens, rules.overheadTokens);
  const fits = alive.length <= rules.maxItems && total <= rules.tokenBudget;
  const chosen = fits ? new Set(alive) : choose(alive, snapshot, rules);
  const items = alive.filter((candidate) => chosen.has(candidate));
  const tokens = items.reduce(
    (sum, candidate) => sum + candidate.tokens,
    items.length === 0 ? 0 : rules.overheadTokens,
  );
  return { items: items.map(({ item }) => item), tokens, omitted: alive.length - items.length };
}

function choose(alive: readonly Candidate[], snapshot: Snapshot, rules: SelectionRules): Set<Candidate> {
  const byId = new Map(alive.map((candidate) => [candidate.item.id, candidate]));
  const ranked = rules.query === undefined ? [] : snapshot.rank(rules.query);
  const chosen = new Set<Candidate>();
  let left = rules.tokenBudget - rules.overheadTokens;
  for (const id of [...(rules.preferred ?? []), ...ranked, ...byId.keys()]) {
    if (chosen.size >= rules.maxItems) break;
    const candidate = byId.get(id);
    if (candidate === undefined || chosen.has(candidate) || candidate.tokens > left) continue;
    chosen.add(candidate);
    left -= candidate.tokens;
  }
  return chosen;
}
