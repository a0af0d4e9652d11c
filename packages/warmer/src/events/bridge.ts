import type { WarmingEvents } from '@pilotlight/warming';
import type { FastifyBaseLogger } from 'fastify';
import type { ClaimManager } from '../claims/manager.js';
import type { ClaimService } from '../claims/service.js';
import { toWireError } from '../errors.js';
import type { Metrics } from '../operation/metrics.js';
import type { RuntimeRegistry } from '../runtimes/registry.js';
import type { EventAudience, EventLog } from './log.js';

/**
 * Brings the engine's own events to the stream. Those of claims come from the claim service, which knows whose they
 * are; here is what belongs to pools, each to the owner of its runtime.
 */
export function bridgeEngineEvents(parts: {
  manager: ClaimManager;
  registry: RuntimeRegistry;
  claims: ClaimService;
  metrics: Metrics;
  log: EventLog;
  logger: FastifyBaseLogger;
}): () => void {
  const { manager, registry, claims, metrics, log, logger } = parts;

  const place = (pool: string): { runtime: string; audience: EventAudience } | undefined => {
    const runtime = registry.byPool(pool);
    if (!runtime) return undefined;
    const { name, tenant } = runtime;
    return { runtime: name, audience: tenant === undefined ? { kind: 'everyone' } : { kind: 'tenant', tenant } };
  };
  const poolChanged = ({ runtime: pool, ...counts }: WarmingEvents['pool-changed'][0]): void => {
    const known = place(pool);
    if (!known) return;
    if (known.audience.kind === 'everyone') metrics.pool(known.runtime, counts);
    log.append({ type: 'pool-changed', runtime: known.runtime, ...counts }, known.audience);
  };
  const slotRetired = ({ runtime: pool, sandboxId, reason }: WarmingEvents['slot-retired'][0]): void => {
    const known = place(pool);
    if (!known) return;
    const audience: EventAudience = known.audience.kind === 'everyone' ? { kind: 'operator' } : known.audience;
    log.append({ type: 'slot-retired', runtime: known.runtime, sandboxId, reason }, audience);
  };
  const backgroundError = ({ runtime: pool, error }: WarmingEvents['background-error'][0]): void => {
    logger.warn({ err: error, pool }, 'background work failed; it will be tried again');
    const known = pool === undefined ? undefined : place(pool);
    const owned = known?.audience.kind === 'tenant';
    log.append(
      {
        type: 'background-error',
        ...(known ? { runtime: known.runtime } : {}),
        error: toWireError(error, { ownsRuntime: owned }),
      },
      known && owned ? known.audience : { kind: 'operator' },
    );
  };
  const claimRetired = ({ claimId }: WarmingEvents['claim-retired'][0]): void => {
    claims.retiredByEngine(claimId).catch((error: unknown) => logger.warn({ err: error }, 'claim record not written'));
  };

  manager.on('pool-changed', poolChanged);
  manager.on('slot-retired', slotRetired);
  manager.on('background-error', backgroundError);
  manager.on('claim-retired', claimRetired);
  return () => {
    manager.off('pool-changed', poolChanged);
    manager.off('slot-retired', slotRetired);
    manager.off('background-error', backgroundError);
    manager.off('claim-retired', claimRetired);
  };
}
