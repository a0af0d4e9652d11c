import type { ClaimRecord } from './record.js';

/** Hands the work on claims that must warm to whichever replica is free. */
export interface ClaimDispatch {
  /**
   * Puts a claim in the line. Whoever takes it calls `ClaimService.resume`, also when an earlier one died with it.
   *
   * @param held true when this replica works on it already: the others wait until it is gone
   */
  enqueue(record: ClaimRecord, held: boolean): Promise<void>;
  /** True when it was taken out of the line; else whoever works on it was asked to give it up. */
  withdraw(record: ClaimRecord): Promise<boolean>;
}
