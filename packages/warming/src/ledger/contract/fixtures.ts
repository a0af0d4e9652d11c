import assert from 'node:assert/strict';
import type { Ledger, ReserveLimits, TakeRequest } from '../ledger.js';
import { type ClaimRecord, type SlotRecord, shelf } from '../record.js';

/** One promise of the {@link Ledger} port. */
export interface ContractCase {
  readonly name: string;
  /** @param open gives a handle on one and the same empty ledger, another one each time it can */
  run(open: () => Promise<Ledger>): Promise<void>;
}

export const wide: ReserveLimits = {
  max: 1_000,
  goal: 1_000,
  running: 1_000,
  rate: { perSecond: 1_000, burst: 1_000, leave: 0 },
};

export const farMs = 10_000_000_000_000;

export function slot(slotId: string): SlotRecord {
  return {
    slotId,
    version: 1,
    pool: 'pool',
    specKey: 'spec',
    owner: 'replica',
    purpose: 'hot',
    createdAtMs: 1,
    dueAtMs: farMs,
    hardEndsAtMs: farMs,
    state: { name: 'creating' },
  };
}

export function slotWithPlace(slotId: string): SlotRecord {
  const place = { sandboxId: `sandbox-of-${slotId}`, envdVersion: '0.6.13' };
  return { ...slot(slotId), state: { name: 'warming', place } };
}

export async function reserved(ledger: Ledger, slotId: string): Promise<SlotRecord> {
  const result = await ledger.reserve(slot(slotId), wide);
  assert.ok(result.kind === 'reserved');
  return result.record;
}

export async function hot(
  ledger: Ledger,
  slotId: string,
  place: { sealed?: string; sandboxDomain?: string } = {},
): Promise<SlotRecord> {
  const record = await reserved(ledger, slotId);
  const written = await ledger.write({
    ...record,
    state: {
      name: 'hot',
      place: { sandboxId: `sandbox-of-${slotId}`, envdVersion: '0.6.13', ...place },
      hotSinceMs: 1,
      endsAtMs: farMs - 1,
    },
  });
  assert.ok(written);
  return written;
}

export function claimedBy(record: SlotRecord, claimId: string, key: string): SlotRecord {
  const place = 'place' in record.state ? record.state.place : undefined;
  const claim: ClaimRecord = { claimId, key, tenant: 'default', runtime: 'tool', specKey: 'spec', source: 'hot' };
  return { ...record, state: { name: 'claimed', place: place!, claim, endsAtMs: farMs, hold: 'leased' } };
}

export function taking(
  claimId: string,
  claim: Partial<ClaimRecord> = {},
  request: Partial<TakeRequest> = {},
): TakeRequest {
  return {
    claim: { claimId, key: claimId, tenant: 'default', runtime: 'tool', specKey: 'spec', source: 'hot', ...claim },
    shelves: [shelf('hot', 'pool', 'spec')],
    hardEndsAfterMs: 0,
    endsAfterMs: 0,
    leaseUntilMs: farMs,
    owner: 'replica',
    preparing: false,
    tenantMax: 1_000,
    ...request,
  };
}
