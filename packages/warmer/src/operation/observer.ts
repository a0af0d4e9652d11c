import type { WireEvent } from '@pilotlight/warming/wire';
import type { LoggedEvent } from '../events/log.js';
import type { Metrics } from './metrics.js';
import type { ObjectiveWatch } from './objectives.js';
import type { PoolDirectory } from './pools.js';
import type { UsageBook } from './usage.js';

type Phase = Extract<WireEvent, { type: 'claim-progress' }>['phase'];

/**
 * Reads the stream of events and keeps every number the service shows: pools, usage, objectives, metrics. Replicas read
 * the same stream and so show the same numbers.
 */
export class Observer {
  readonly #parts: { pools: PoolDirectory; usage: UsageBook; objectives: ObjectiveWatch; metrics: Metrics };
  /** Claims that had to warm, with the phase they are in and since when. */
  readonly #warming = new Map<string, { phase: Phase | undefined; sinceMs: number }>();

  constructor(parts: { pools: PoolDirectory; usage: UsageBook; objectives: ObjectiveWatch; metrics: Metrics }) {
    this.#parts = parts;
  }

  observe({ event, audience }: LoggedEvent): void {
    const { pools, usage, objectives, metrics } = this.#parts;
    if (event.type === 'pool-changed') {
      const { target, hot, parked, warming, claimed } = event;
      const owner = audience.kind === 'tenant' ? audience.tenant : undefined;
      pools.counted(owner, event.runtime, { target, hot, parked, warming, claimed });
      return;
    }
    if (audience.kind !== 'tenant') return;
    const { tenant } = audience;
    switch (event.type) {
      case 'claim-missed':
        this.#warming.set(event.claimId, { phase: undefined, sinceMs: event.atMs });
        pools.missed(tenant, event.runtime, event.atMs, event.reason);
        usage.count(tenant, 'warming');
        objectives.add('hit_rate', 0);
        metrics.claimed('WARMING', 'none');
        metrics.missed(event.reason);
        return;
      case 'claim-ready': {
        const { claimId, runtime, atMs, latencyMs, source } = event;
        usage.handedOver(claimId, atMs);
        metrics.handedOver(source, latencyMs);
        if (this.#warming.has(claimId)) {
          pools.warmed(tenant, runtime, atMs, latencyMs);
          objectives.add('warming_claim', latencyMs);
          return;
        }
        pools.answeredHot(tenant, runtime, atMs, latencyMs);
        usage.count(tenant, 'hot');
        objectives.add('hot_claim', latencyMs);
        objectives.add('hit_rate', 1);
        metrics.claimed('HOT', source);
        return;
      }
      case 'claim-progress':
        this.#phase(event);
        return;
      case 'claim-failed':
        usage.count(tenant, 'failed');
        metrics.failed(event.error.code);
        return;
      case 'claim-retired':
        usage.retired(tenant, event.claimId, event.atMs);
        return;
      default:
        return;
    }
  }

  #phase(event: Extract<WireEvent, { type: 'claim-progress' }>): void {
    const known = this.#warming.get(event.claimId);
    if (known && known.phase !== event.phase) {
      const elapsedMs = event.atMs - known.sinceMs;
      if (known.phase === 'probing') this.#parts.metrics.waitedForReady(elapsedMs);
      if (known.phase === 'restoring') this.#parts.metrics.restored(elapsedMs);
      this.#warming.set(event.claimId, { phase: event.phase, sinceMs: event.atMs });
    }
    if (event.outcome !== undefined) this.#warming.delete(event.claimId);
  }
}
