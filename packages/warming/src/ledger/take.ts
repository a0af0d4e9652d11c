import type { TakeRequest, TakeResult } from './ledger.js';
import type { SlotRecord } from './record.js';

/** Whether a slot on a shelf lives long enough for the claim that looks at it. */
export function fits(record: SlotRecord, request: TakeRequest): boolean {
  if (record.hardEndsAtMs < request.hardEndsAfterMs) return false;
  return record.state.name !== 'hot' || record.state.endsAtMs >= request.endsAfterMs;
}

/** The record after the claim took it. Its version is the one it was read at. */
export function claimed(
  record: SlotRecord,
  request: Pick<TakeRequest, 'claim' | 'leaseUntilMs' | 'owner' | 'preparing'>,
): SlotRecord {
  const { state } = record;
  if (state.name !== 'hot' && state.name !== 'parked' && state.name !== 'kept') {
    throw new TypeError(`A slot that is ${state.name} stands on no shelf.`);
  }
  return {
    ...record,
    owner: request.owner,
    dueAtMs: request.leaseUntilMs,
    state: {
      name: 'claimed',
      place: state.place,
      claim: request.claim,
      endsAtMs: state.name === 'hot' ? state.endsAtMs : record.hardEndsAtMs,
      hold: request.preparing ? 'preparing' : 'leased',
    },
  };
}

/** The answer to a claim whose key is bound to this slot. */
export function repeated(record: SlotRecord, request: TakeRequest): TakeResult {
  if (record.state.name !== 'claimed') throw new TypeError('A key is bound to claimed slots only.');
  const { claim, hold } = record.state;
  if (claim.specKey !== request.claim.specKey || claim.runtime !== request.claim.runtime) {
    return { kind: 'conflict', runtime: claim.runtime };
  }
  if (hold === 'preparing' && claim.claimId !== request.claim.claimId) return { kind: 'held', untilMs: record.dueAtMs };
  return { kind: 'taken', record, from: 'hot', repeated: true };
}
