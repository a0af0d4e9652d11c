import type { Claim, MissReason, WarmingProgress } from '@pilotlight/warming';
import type { WireError } from '@pilotlight/warming/wire';
import type { EventAudience, EventLog } from '../events/log.js';
import type { ClaimRecord } from './record.js';

/** How a warming claim ended, as its last event tells. */
export interface WarmingEnd {
  outcome: 'hot' | 'failed' | 'cancelled';
  progress: number;
  elapsedMs: number;
  last: WarmingProgress | undefined;
}

export function audienceOf(record: ClaimRecord): EventAudience {
  return { kind: 'tenant', tenant: record.tenant, claimId: record.claimId };
}

export function announceMiss(log: EventLog, record: ClaimRecord, reason: MissReason): void {
  log.append({ type: 'claim-missed', claimId: record.claimId, runtime: record.runtime, reason }, audienceOf(record));
}

export function announceProgress(log: EventLog, record: ClaimRecord, progress: WarmingProgress): void {
  const { phase, step, eta, elapsedMs } = progress;
  const { claimId, runtime } = record;
  const event = {
    type: 'claim-progress',
    claimId,
    runtime,
    progress: progress.progress,
    phase,
    eta,
    elapsedMs,
  } as const;
  log.append(step === undefined ? event : { ...event, step }, audienceOf(record));
}

export function announceReady(log: EventLog, record: ClaimRecord, claim: Claim): void {
  const { claimId, runtime } = record;
  const { source, latencyMs } = claim;
  const { sandboxId } = claim.connection;
  log.append({ type: 'claim-ready', claimId, runtime, source, latencyMs, sandboxId }, audienceOf(record));
}

export function announceFailure(log: EventLog, record: ClaimRecord, error: WireError): void {
  log.append({ type: 'claim-failed', claimId: record.claimId, runtime: record.runtime, error }, audienceOf(record));
}

export function announceRetired(log: EventLog, record: ClaimRecord, sandboxId: string): void {
  const { claimId, runtime } = record;
  log.append({ type: 'claim-retired', claimId, runtime, sandboxId }, audienceOf(record));
}

/** The terminal event: exactly one for each warming claim. */
export function announceEnd(log: EventLog, record: ClaimRecord, end: WarmingEnd): void {
  const { claimId, runtime } = record;
  const { outcome, progress, elapsedMs, last } = end;
  const phase = outcome === 'hot' ? 'ready' : (last?.phase ?? 'queued');
  const eta = { p50Ms: 0, p90Ms: 0, samples: last?.eta.samples ?? 0 };
  log.append(
    { type: 'claim-progress', claimId, runtime, progress, elapsedMs, phase, eta, outcome },
    audienceOf(record),
  );
}
