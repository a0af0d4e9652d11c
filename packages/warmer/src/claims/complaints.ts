import { WarmerError } from '../errors.js';
import type { ClaimRecord } from './record.js';

export function claimConflict(key: string): WarmerError {
  return new WarmerError(
    'claim_conflict',
    `The claim key "${key}" is in use for another request. Send the same request, or use another key.`,
  );
}

export function claimGone(record: ClaimRecord): WarmerError {
  return new WarmerError('sandbox_gone', `The claim "${record.claimId}" has ended. Claim "${record.runtime}" again.`);
}

/** The same for a claim that never was and for one of another tenant: an id tells nothing. */
export function claimUnknown(claimId: string): WarmerError {
  return new WarmerError('claim_unknown', `There is no claim "${claimId}". Make one with POST /v1/claims.`);
}
