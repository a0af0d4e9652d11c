import type { ClaimRecord, SlotRecord, SnapshotLink } from './record.js';

/**
 * The durable record of what one fleet has at the provider. Every method that changes something is atomic: it happened
 * as a whole or not at all, also when several replicas share the ledger. A call may be repeated when its answer was lost.
 * Throws `WarmingError` with `ledger_unavailable` (nothing is known of the call's effect) or `ledger_corrupt`.
 */
export interface Ledger {
  /** Short name for metrics and messages. */
  readonly name: string;
  /** Whether other processes may read it, now or after this one ended. */
  readonly shared: boolean;

  /** Connects and checks what is there. Idempotent. */
  open(): Promise<void>;

  /**
   * Identity of the data: a new one when they were lost (flushed, evicted, another file). Creates one when there is none.
   */
  epoch(): Promise<LedgerEpoch>;

  /** The ledger's own time, the same for all who share it, by which every lease is measured. Never falls. */
  nowMs(): number;

  /**
   * Stores a new record ahead of the sandbox it stands for, if the limits allow it. `exists` when the slot is there
   * already, which makes a repetition harmless.
   */
  reserve(record: SlotRecord, limits: ReserveLimits): Promise<ReserveResult>;

  /**
   * Stores a changed record if nobody else changed it since `record.version` was read. A record that becomes `claimed`
   * binds its claim key; one that ceases to be frees it.
   *
   * @returns the record with its new version; undefined when it was refused (changed or gone, or the key is another's)
   */
  write(record: SlotRecord): Promise<SlotRecord | undefined>;

  /** Removes a record if nobody else changed it since. True when it is gone through this call. */
  remove(record: SlotRecord): Promise<boolean>;

  read(slotId: string): Promise<SlotRecord | undefined>;

  /** The slot of a claim key, when it has one. */
  find(claimKey: string): Promise<SlotRecord | undefined>;

  /**
   * Takes a slot from a shelf and marks it claimed in the same step, at most once per slot. The same claim key gives the
   * same slot for as long as the claim lasts.
   */
  take(request: TakeRequest): Promise<TakeResult>;

  /** Ends the hold that `take` put on a key. Without effect when the key is bound to a slot or held by another claim. */
  unhold(claimKey: string, claimId: string): Promise<void>;

  /** All slots of a pool, whatever their state. */
  view(pool: string): Promise<readonly SlotRecord[]>;

  /** Slots whose `dueAtMs` has come, the earliest first. */
  due(beforeMs: number, limit: number): Promise<readonly SlotRecord[]>;

  /** All slots of the fleet. */
  all(): Promise<readonly SlotRecord[]>;

  /**
   * Stores a record that is not there, or that is there in an older version, without limits: what is known to be claimed,
   * after data were lost.
   */
  restore(record: SlotRecord): Promise<boolean>;

  link(specKey: string): Promise<SnapshotLink | undefined>;
  /** Keeps the first link of a spec. @returns the link that is kept */
  saveLink(link: SnapshotLink): Promise<SnapshotLink>;
  /** True when this very link was there and is gone now: whoever gets true deletes the snapshot. */
  dropLink(specKey: string, snapshotId: string): Promise<boolean>;
  links(): Promise<readonly SnapshotLink[]>;

  /** Calls back when others may have changed something. Absent when nobody else can, or when it cannot be told. */
  watch?(listener: (notice: LedgerNotice) => void): () => void;

  /** Writes what is pending and releases what was opened. Idempotent. */
  close(): Promise<void>;
}

export type LedgerNotice =
  /** A slot of the pool became ready or ended: a pool may have too few or too many. Whoever did it. */
  | { readonly kind: 'changed'; readonly pool: string }
  /** Slots of the pool were taken by another process, which refills: only the counts are others. */
  | { readonly kind: 'taken'; readonly pool: string }
  /** The ledger was away for a while: anything may have changed, or been lost. */
  | { readonly kind: 'back' };

export interface LedgerEpoch {
  readonly id: string;
  /** On the ledger's clock. */
  readonly startedAtMs: number;
}

/** What a new slot must fit into. Each bound counts the record itself. */
export interface ReserveLimits {
  /** Slots of the pool, whatever their state. */
  readonly max: number;
  /** Slots of the pool with the same spec and purpose that nobody has claimed. Not checked for the purpose `claim`. */
  readonly goal: number;
  /** Slots of the fleet that use the provider's concurrency. */
  readonly running: number;
  readonly rate: CreateRate;
}

/** A bucket of tokens, shared by all who share the ledger. */
export interface CreateRate {
  readonly perSecond: number;
  readonly burst: number;
  /** Tokens that must be left afterwards: what refill leaves for those who wait. */
  readonly leave: number;
}

export type ReserveResult =
  /** `running`: slots of the fleet that use the provider's concurrency, this one included. */
  | { readonly kind: 'reserved'; readonly record: SlotRecord; readonly running: number }
  | { readonly kind: 'exists'; readonly record: SlotRecord }
  | { readonly kind: 'full'; readonly bound: 'max' | 'goal' | 'running'; readonly running: number }
  /** The rate is used up; a token is there after this time at the earliest. */
  | { readonly kind: 'wait'; readonly retryInMs: number };

export interface TakeRequest {
  readonly claim: ClaimRecord;
  /** Where to look, first to last; see `shelf`. */
  readonly shelves: readonly string[];
  /** Left alone unless the sandbox can live this long. */
  readonly hardEndsAfterMs: number;
  /** A hot sandbox that ends before is left alone. */
  readonly endsAfterMs: number;
  /** End of the lease within which the claimant acknowledges. */
  readonly leaseUntilMs: number;
  readonly owner: string;
  /** The sandbox is not ready yet: until it is, the key is held rather than answered. */
  readonly preparing: boolean;
  /** Claims a tenant may have at once. */
  readonly tenantMax: number;
  /** Hold the key until then when there is no slot, so that nobody else makes one for it. */
  readonly holdUntilMs?: number | undefined;
}

export type TakeResult =
  /** `from` is the state it was taken from. `repeated`: this key had it already. */
  | {
      readonly kind: 'taken';
      readonly record: SlotRecord;
      readonly from: 'hot' | 'parked' | 'kept';
      readonly repeated: boolean;
    }
  /** `passed`: slots that were there, but would not have lived long enough. */
  | { readonly kind: 'empty'; readonly passed: number }
  /** Somebody else is making a sandbox for this key; look again after `untilMs` at the latest. */
  | { readonly kind: 'held'; readonly untilMs: number }
  /** The key is bound to another runtime or spec. */
  | { readonly kind: 'conflict'; readonly runtime: string }
  | { readonly kind: 'tenant_full'; readonly claims: number };
