import type { ClaimSource } from '../claim.js';

/**
 * The ledger's record of one sandbox, written before the sandbox exists and removed after it is known to be gone.
 * `slotId` is the nonce in the sandbox's metadata, by which it is found again after a crash.
 */
export interface SlotRecord {
  readonly slotId: string;
  /** Counts the writes; a write based on an older version is refused. */
  readonly version: number;
  readonly pool: string;
  readonly specKey: string;
  /** Replica that works on it. */
  readonly owner: string;
  readonly purpose: SlotPurpose;
  readonly createdAtMs: number;
  /** When somebody has to look at it again: lease, renewal or end, whichever its state means. */
  readonly dueAtMs: number;
  /** Latest possible end, by the plan's maximum life. */
  readonly hardEndsAtMs: number;
  readonly state: SlotState;
}

/** What the slot was made for: a claimant who waits, or a tier of the pool. */
export type SlotPurpose = 'claim' | 'hot' | 'parked';

export type SlotState =
  /** Written ahead; the sandbox may or may not exist. */
  | { readonly name: 'creating' }
  /** The create call gave no answer; the sandbox may exist all the same. */
  | { readonly name: 'lost'; readonly lostAtMs: number }
  | { readonly name: 'warming'; readonly place: SlotPlace }
  | { readonly name: 'hot'; readonly place: SlotPlace; readonly hotSinceMs: number; readonly endsAtMs: number }
  | { readonly name: 'parked'; readonly place: SlotPlace; readonly parkedAtMs: number }
  /** Left by its claimant for the same user only. */
  | { readonly name: 'kept'; readonly place: SlotPlace; readonly tenant: string; readonly userId: string }
  | {
      readonly name: 'claimed';
      readonly place: SlotPlace;
      readonly claim: ClaimRecord;
      readonly endsAtMs: number;
      /** Made ready for the claimant, handed over, acknowledged. Until the last one a lease runs. */
      readonly hold: 'preparing' | 'leased' | 'acked';
    }
  /** Somebody holds the right to kill it. */
  | { readonly name: 'retiring'; readonly sandboxId: string | undefined; readonly reason: RetireReason };

/** A sandbox as it may be stored: the secrets of its connection are sealed or left out. */
export interface SlotPlace {
  readonly sandboxId: string;
  readonly sandboxDomain?: string | undefined;
  readonly envdVersion: string;
  readonly sealed?: string | undefined;
}

/** Who has a slot. Holds nothing of what the claimant brought along: no environment, no secret, no file. */
export interface ClaimRecord {
  readonly claimId: string;
  readonly key: string;
  readonly tenant: string;
  readonly userId?: string | undefined;
  readonly runtime: string;
  readonly specKey: string;
  readonly source: ClaimSource;
}

export type RetireReason =
  | 'surplus'
  | 'spec_changed'
  | 'expired'
  | 'unhealthy'
  | 'unacknowledged'
  | 'claim_ended'
  | 'claim_cancelled'
  | 'warm_up_failed'
  | 'abandoned'
  | 'orphan'
  | 'runtime_removed'
  | 'closed';

/** A snapshot of a warmed sandbox that others of the same spec start from. */
export interface SnapshotLink {
  readonly specKey: string;
  readonly snapshotId: string;
  readonly createdAtMs: number;
}

/** The sandbox of a slot, when it is known. */
export function sandboxIdOf(state: SlotState): string | undefined {
  switch (state.name) {
    case 'creating':
    case 'lost':
      return undefined;
    case 'retiring':
      return state.sandboxId;
    default:
      return state.place.sandboxId;
  }
}

/** Whether it fills a place that its pool's target asks for. */
export function countsForGoal(record: SlotRecord): boolean {
  switch (record.state.name) {
    case 'creating':
    case 'lost':
    case 'warming':
    case 'hot':
    case 'parked':
      return true;
    case 'kept':
    case 'claimed':
    case 'retiring':
      return false;
  }
}

/** Whether it uses the provider's concurrency. A sandbox that is paused does not. */
export function countsAsRunning(record: SlotRecord): boolean {
  return record.state.name !== 'parked' && record.state.name !== 'kept';
}

/** Where a slot waits to be taken; equal for slots that serve the same claims. */
export function shelfOf(record: SlotRecord): string | undefined {
  switch (record.state.name) {
    case 'hot':
    case 'parked':
      return shelf(record.state.name, record.pool, record.specKey);
    case 'kept':
      return keptShelf(record.pool, record.specKey, record.state.tenant, record.state.userId);
    default:
      return undefined;
  }
}

export function shelf(tier: 'hot' | 'parked', pool: string, specKey: string): string {
  return JSON.stringify([tier, pool, specKey]);
}

export function keptShelf(pool: string, specKey: string, tenant: string, userId: string): string {
  return JSON.stringify(['kept', pool, specKey, tenant, userId]);
}
