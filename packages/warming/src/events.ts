import type { ClaimSource, MissReason, WarmingProgress } from './claim.js';

/** Every event of a `RuntimeWarmingManager`. One object as payload; no secret in any of them. */
export interface WarmingEvents {
  /** A warming claim went on, or ended: see `outcome`. */
  'claim-progress': [event: WarmingProgress];
  /** A claim was answered or became ready. */
  'claim-ready': [
    event: { claimId: string; runtime: string; source: ClaimSource; latencyMs: number; sandboxId: string },
  ];
  /** A claim could not be answered HOT. */
  'claim-missed': [event: { claimId: string; runtime: string; reason: MissReason }];
  'claim-failed': [event: { claimId: string; runtime: string; error: Error }];
  'claim-retired': [event: { claimId: string; runtime: string; sandboxId: string }];
  /** A pool's numbers changed. */
  'pool-changed': [
    event: { runtime: string; target: number; hot: number; parked: number; warming: number; claimed: number },
  ];
  /** A sandbox was retired that no claim had. */
  'slot-retired': [event: { runtime: string; sandboxId: string; reason: string }];
  /** Work in the background failed and will be tried again. */
  'background-error': [event: { runtime: string | undefined; error: Error }];
}
