import type { MissReason } from '@pilotlight/warming';
import type { WirePool } from '@pilotlight/warming/wire';
import { tenantRuntimeName } from '../claims/names.js';
import type { RegisteredRuntime, RuntimeRegistry } from '../runtimes/registry.js';
import { percentile, Samples } from './samples.js';

/** Numbers of one pool as the engine tells them. */
export interface PoolCounts {
  target: number;
  hot: number;
  parked: number;
  warming: number;
  claimed: number;
}

interface PoolLedger {
  counts: PoolCounts;
  state: WirePool['state'];
  hot: number;
  warmed: number;
  misses: Partial<Record<MissReason, number>>;
  hotMs: Samples;
  warmingMs: Samples;
  /** Claims per minute, by the minute's start. */
  minutes: Map<number, number>;
  /** Claims that were expected of a minute, as it began. */
  expected: Map<number, number>;
}

const minuteMs = 60_000;
const windowMs = 3_600_000;

/**
 * What happened to each pool, told by events: on every replica the same, because every replica reads the same stream.
 */
export class PoolDirectory {
  readonly #registry: RuntimeRegistry;
  readonly #now: () => number;
  readonly #ledgers = new Map<string, PoolLedger>();

  constructor(parts: { registry: RuntimeRegistry; now: () => number }) {
    this.#registry = parts.registry;
    this.#now = parts.now;
  }

  /** Told by whichever replica saw it last. */
  counted(tenant: string | undefined, runtime: string, counts: PoolCounts): void {
    this.#of(tenant === undefined ? runtime : tenantRuntimeName(tenant, runtime)).counts = counts;
  }

  countsOf(pool: string): PoolCounts {
    return this.#of(pool).counts;
  }

  changedState(pool: string, state: WirePool['state']): void {
    this.#of(pool).state = state;
  }

  /** A claim was answered at once. */
  answeredHot(tenant: string, runtime: string, atMs: number, latencyMs: number): void {
    const ledger = this.#named(tenant, runtime);
    if (!ledger) return;
    ledger.hot += 1;
    ledger.hotMs.add(atMs, latencyMs);
    this.#arrived(ledger, atMs);
  }

  /** A claim had to warm. */
  missed(tenant: string, runtime: string, atMs: number, reason: MissReason): void {
    const ledger = this.#named(tenant, runtime);
    if (!ledger) return;
    ledger.warmed += 1;
    ledger.misses[reason] = (ledger.misses[reason] ?? 0) + 1;
    this.#arrived(ledger, atMs);
  }

  /** A claim that had to warm got its sandbox. */
  warmed(tenant: string, runtime: string, atMs: number, latencyMs: number): void {
    this.#named(tenant, runtime)?.warmingMs.add(atMs, latencyMs);
  }

  /** Claim to hand-over of claims that had to warm, in the last hour. */
  warmingMs(pool: string): WirePool['warmingMs'] {
    return summary(this.#of(pool).warmingMs.since(this.#now() - windowMs));
  }

  /** A pool as one who may see its runtime sees it. */
  describe(runtime: RegisteredRuntime, extra: Pick<WirePool, 'cost' | 'forecast'>): WirePool {
    const ledger = this.#of(runtime.pool);
    const fromMs = this.#now() - windowMs;
    const claims = ledger.hot + ledger.warmed;
    return {
      runtime: runtime.name,
      owner: runtime.tenant === undefined ? 'shared' : 'own',
      state: ledger.state,
      ...ledger.counts,
      hitRate: claims === 0 ? null : ledger.hot / claims,
      claims,
      misses: { ...ledger.misses },
      hotMs: summary(ledger.hotMs.since(fromMs)),
      warmingMs: this.warmingMs(runtime.pool),
      ...extra,
      demand: this.#demand(ledger),
    };
  }

  /** What is expected of the minute that begins; what was said of it first counts, for what came since is no forecast. */
  expects(pool: string, claimsPerMinute: number): void {
    const { expected } = this.#of(pool);
    const minute = minuteOf(this.#now());
    if (!expected.has(minute)) expected.set(minute, claimsPerMinute);
    forgetBefore(expected, minute - windowMs);
  }

  #demand(ledger: PoolLedger): WirePool['demand'] {
    const current = minuteOf(this.#now());
    return Array.from({ length: 60 }, (_, index) => {
      const atMs = current - (59 - index) * minuteMs;
      return { atMs, came: ledger.minutes.get(atMs) ?? 0, forecast: ledger.expected.get(atMs) ?? null };
    });
  }

  #arrived(ledger: PoolLedger, atMs: number): void {
    const minute = minuteOf(atMs);
    ledger.minutes.set(minute, (ledger.minutes.get(minute) ?? 0) + 1);
    forgetBefore(ledger.minutes, minute - windowMs);
  }

  #named(tenant: string, runtime: string): PoolLedger | undefined {
    try {
      return this.#of(this.#registry.resolve(tenant, runtime).pool);
    } catch {
      // Another replica knows a runtime that this one does not know yet.
      return undefined;
    }
  }

  #of(pool: string): PoolLedger {
    const known = this.#ledgers.get(pool);
    if (known) return known;
    const ledger: PoolLedger = {
      counts: { target: 0, hot: 0, parked: 0, warming: 0, claimed: 0 },
      state: 'running',
      hot: 0,
      warmed: 0,
      misses: {},
      hotMs: new Samples(),
      warmingMs: new Samples(),
      minutes: new Map(),
      expected: new Map(),
    };
    this.#ledgers.set(pool, ledger);
    return ledger;
  }
}

function minuteOf(atMs: number): number {
  return Math.floor(atMs / minuteMs) * minuteMs;
}

function forgetBefore(byMinute: Map<number, number>, fromMs: number): void {
  for (const minute of byMinute.keys()) if (minute < fromMs) byMinute.delete(minute);
}

function summary(values: readonly number[]): WirePool['hotMs'] {
  return {
    samples: values.length,
    p50Ms: percentile(values, 50),
    p95Ms: percentile(values, 95),
    p99Ms: percentile(values, 99),
  };
}
