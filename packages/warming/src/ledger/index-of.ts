import { countsAsRunning, countsForGoal, type SlotRecord, shelfOf } from './record.js';

/** What a ledger has to find or count a record by; the same for every adapter. */
export interface RecordIndex {
  readonly shelf: string | undefined;
  /** Pool, spec and purpose, when it counts for the goal. */
  readonly goal: string | undefined;
  readonly running: boolean;
  readonly tenant: string | undefined;
  readonly claimKey: string | undefined;
}

export function indexOf(record: SlotRecord): RecordIndex {
  const { state } = record;
  const claim = state.name === 'claimed' ? state.claim : undefined;
  return {
    shelf: shelfOf(record),
    goal: countsForGoal(record) ? goalOf(record) : undefined,
    running: countsAsRunning(record),
    tenant: claim?.tenant,
    claimKey: claim?.key,
  };
}

export function goalOf({ pool, specKey, purpose }: SlotRecord): string {
  return JSON.stringify([pool, specKey, purpose]);
}
