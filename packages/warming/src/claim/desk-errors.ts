import { InvalidSpecError, QuotaError, WarmingError } from '../errors.js';

export function conflict(key: string, runtime: string): WarmingError {
  return new WarmingError(
    'claim_conflict',
    `Claim key ${JSON.stringify(key)} is in use for runtime "${runtime}", or for an older version of it. ` +
      'Use another key, or retire that claim first.',
  );
}

export function tenantFull(tenant: string, claims: number): QuotaError {
  return new QuotaError(
    `Tenant "${tenant}" has ${claims} claims, as many as "tenantMaxClaims" allows. Retire one of them, or raise the limit.`,
  );
}

export function lineIsFull(limit: number): QuotaError {
  return new QuotaError(
    `${limit} claims wait for a sandbox already, as many as "budget.queueLimit" allows. Try again later, or raise the limits of the budget.`,
  );
}

export function cancelled(runtime: string, cause: unknown): WarmingError {
  const message = `The claim of runtime "${runtime}" was cancelled before it began. Claim again when it is needed.`;
  return new WarmingError('claim_cancelled', message, { cause });
}

export function tooLong(lifeMs: number, mostMs: number): InvalidSpecError {
  const message = `is more than "maxLifeMs" allows, which is ${mostMs}`;
  return new InvalidSpecError('The claim request', [{ path: 'lifeMs', message, value: lifeMs }]);
}
