import type { WireScope } from '@pilotlight/warming/wire';
import type { FastifyRequest } from 'fastify';
import { maySee, type Principal, requireScope } from '../auth/tokens.js';
import { claimUnknown } from '../claims/complaints.js';
import type { ClaimRecord } from '../claims/record.js';
import { WarmerError } from '../errors.js';
import type { Sight } from '../events/hub.js';
import type { ServiceContext } from './context.js';

/** @throws {@link WarmerError} `forbidden` when the token lacks the scope */
export function allow(request: FastifyRequest, scope: WireScope): Principal {
  const { principal } = request;
  if (!principal) throw new WarmerError('unauthenticated', 'Send a token: "Authorization: Bearer plt_…".');
  requireScope(principal, scope);
  return principal;
}

/** @throws {@link WarmerError} `claim_unknown`, also for a claim of another tenant: an id tells nothing */
export async function ownClaim(context: ServiceContext, principal: Principal, claimId: string): Promise<ClaimRecord> {
  const record = await context.claims.find(claimId);
  if (!record || !maySee(principal, record.tenant)) throw claimUnknown(claimId);
  return record;
}

export function sightOf(principal: Principal): Sight {
  const operator = principal.scopes.has('operator');
  return { tenant: principal.tenant, pools: operator || principal.scopes.has('pools:read'), operator };
}
