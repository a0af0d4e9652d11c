import type { MissReason } from '../claim.js';
import type { TakeResult } from '../ledger/ledger.js';
import type { Fleet } from '../pool/fleet.js';
import type { Pool } from '../pool/pool.js';

/** Why there was no hot slot: the first that applies. */
export function missReason(pool: Pool, fleet: Fleet, found: { taken: TakeResult; unhealthy: boolean }): MissReason {
  const gate = fleet.gate.state();
  if (found.unhealthy) return 'unhealthy';
  if (found.taken.kind === 'empty' && found.taken.passed > 0) return 'expired';
  if (pool.paused || pool.targets.hot === 0) return 'disabled';
  if (pool.draining) return 'spec_changed';
  if (pool.failing) return 'provider_error';
  if (gate.limit !== undefined || gate.delayedMs > 0) return 'quota';
  return 'pool_empty';
}
