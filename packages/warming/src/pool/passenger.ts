import type { Priority } from '../budget/gate.js';
import type { WayTracker } from '../claim/way-tracker.js';
import type { ClaimRecord, SlotPurpose, SlotRecord, SnapshotLink } from '../ledger/record.js';
import type { ProviderSandbox } from '../provider.js';
import type { Fleet } from './fleet.js';
import type { SlotHold } from './hold.js';
import type { PoolSpec } from './spec.js';
import type { Tier } from './tiers.js';

/** A claimant who waits for a flight. */
export interface Passenger {
  readonly claim: Omit<ClaimRecord, 'source'>;
  readonly priority: Priority;
  readonly lifeMs: number;
  readonly deadlineMs: number;
  /** Takes a slot of another tier, marked as claimed; undefined when there is none. */
  take(tier: Tier): Promise<SlotRecord | undefined>;
  /** Prepares the sandbox for the claimant, to whom it belongs by now. */
  prepare(sandbox: ProviderSandbox): Promise<void>;
  /** Hands it over. */
  board(sandbox: ProviderSandbox, record: SlotRecord, claim: ClaimRecord): void;
}

export interface FlightPlan {
  readonly fleet: Fleet;
  readonly spec: PoolSpec;
  readonly purpose: SlotPurpose;
  readonly priority: Priority;
  /** Slots of this purpose the pool may have. */
  goal(): number;
  /** A sandbox that exists already, left by another process. */
  readonly adopted?: SlotRecord;
  /** Another flight of the same spec is under way that can be captured without a claimant waiting for it. */
  othersCapture(): boolean;
}

export type FlightEnd =
  | { readonly kind: 'boarded' }
  | { readonly kind: 'pooled' }
  /** There was no room or no need, or nobody wants it any more. */
  | { readonly kind: 'grounded'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A sandbox on its way, with the record that stands for it. */
export interface Craft {
  readonly hold: SlotHold;
  readonly sandbox: ProviderSandbox;
  readonly tier: Tier;
  readonly link: SnapshotLink | undefined;
}

/** A flight as those see it who do a part of it. */
export interface Journey {
  readonly plan: FlightPlan;
  readonly way: WayTracker;
  readonly signal: AbortSignal;
  passenger: Passenger | undefined;
  purpose: SlotPurpose;
  /** Whether its record is in the ledger, where the plan counts it. */
  recorded: boolean;
  /** The slot it asked for, or has. */
  slotId: string | undefined;
  /** Whether it stands in the line for a create call, with nothing in its hands. */
  inLine: boolean;
}
