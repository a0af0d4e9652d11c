import type { ClaimSource } from '../claim.js';
import type { Origin } from '../warm-up/way.js';

/** One way to come by a sandbox for a claimant who waits. */
export interface Tier {
  readonly origin: Origin;
  readonly source: ClaimSource;
  /** Takes a slot that exists, or creates one. */
  readonly by: 'take' | 'create';
  /** What the sandbox needs before hand-over: nothing, its missing steps and the probe, or the whole warm-up. */
  readonly needs: 'nothing' | 'verify' | 'warm-up';
}

/**
 * The order in which a claim is served, and what it falls through to. A tier that has nothing, or whose sandbox turns out
 * not to be ready, is left for the next one. A claim that gets its sandbox from `affinity` or `hot` at once is answered
 * HOT; the rest is WARMING.
 */
export const tiers: readonly Tier[] = [
  { origin: 'affinity', source: 'affinity', by: 'take', needs: 'verify' },
  { origin: 'hot', source: 'hot', by: 'take', needs: 'nothing' },
  { origin: 'generic', source: 'generic', by: 'take', needs: 'verify' },
  { origin: 'parked', source: 'parked', by: 'take', needs: 'verify' },
  { origin: 'linked', source: 'linked', by: 'create', needs: 'verify' },
  { origin: 'cold', source: 'cold', by: 'create', needs: 'warm-up' },
];
