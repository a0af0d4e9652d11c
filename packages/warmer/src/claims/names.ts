import { createHash } from 'node:crypto';

/**
 * Names inside the engine carry their tenant, so that no two tenants can ever meet in one pool, one claim key or one
 * user's affinity, whatever names they choose.
 */
export function tenantRuntimeName(tenant: string, runtime: string): string {
  return `t${hash(tenant)}.${runtime}`;
}

export function tenantClaimKey(tenant: string, key: string): string {
  return `${hash(tenant)}:${key}`;
}

export function tenantUserId(tenant: string, userId: string): string {
  return `${hash(tenant)}:${userId}`;
}

/** 48 bits keep a runtime's full name under the engine's limit; tenants are the operator's, so nobody can search for a collision. */
function hash(tenant: string): string {
  return createHash('sha256').update(tenant).digest('hex').slice(0, 12);
}
