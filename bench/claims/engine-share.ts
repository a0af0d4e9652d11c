import { performance } from 'node:perf_hooks';
import { defineRuntime, type Ledger, RuntimeWarmingManager, type SlotRecord, specKeyOf } from '@pilotlight/warming';
import { fixedPolicy } from '@pilotlight/warming/forecast';
import { percentile } from '../support/statistics.js';
import { nullProvider } from './null-provider.js';

export interface Share {
  readonly claimsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs `action` so many times, so many at once. */
export async function rate(times: number, atOnce: number, action: (index: number) => Promise<void>): Promise<Share> {
  const durationsMs: number[] = [];
  let next = 0;
  const beganMs = performance.now();
  const worker = async () => {
    while (next < times) {
      const index = next;
      next += 1;
      const startedMs = performance.now();
      await action(index);
      durationsMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - beganMs) / 1000;
  return {
    claimsPerSecond: times / seconds,
    p50Ms: percentile(durationsMs, 0.5),
    p99Ms: percentile(durationsMs, 0.99),
  };
}

/** A hot slot with a full life before it. */
export function hotSlot(ledger: Ledger, pool: string, specKey: string, slotId: string): SlotRecord {
  const nowMs = ledger.nowMs();
  const endsAtMs = nowMs + 3_500_000;
  return {
    slotId,
    version: 1,
    pool,
    specKey,
    owner: 'bench',
    purpose: 'hot',
    createdAtMs: nowMs,
    dueAtMs: nowMs + 2_500_000,
    hardEndsAtMs: endsAtMs,
    state: {
      name: 'hot',
      place: { sandboxId: `sandbox-of-${slotId}`, envdVersion: '0.6.13' },
      hotSinceMs: nowMs,
      endsAtMs,
    },
  };
}

/** Hot claims of a manager over a ledger, with a provider that costs nothing and a pool that is full beforehand. */
export async function engineShare(ledger: Ledger, claims: number, atOnce: number): Promise<Share> {
  const warmUp = Math.round(claims / 10);
  const size = claims + warmUp;
  const runtime = defineRuntime({ name: 'tool', pool: { target: size, max: size * 2, link: false } });
  const specKey = specKeyOf(runtime);
  await ledger.open();
  await rate(size, atOnce, async (index) => {
    await ledger.restore(hotSlot(ledger, 'tool', specKey, `slot-${index}`));
  });
  const hour = 3_600_000;
  const manager = new RuntimeWarmingManager({
    provider: nullProvider(),
    ledger,
    fleet: 'bench',
    runtimes: [runtime],
    // The forecast decides after the answer and has a benchmark of its own.
    targetPolicy: fixedPolicy({ hot: size }),
    // Refill would be measured with it otherwise; it has its own row.
    refillDelayMs: hour,
    sweepMs: hour,
    leaseMs: hour,
  });
  await manager.start();
  // What a start takes over is read once, and is not part of a claim.
  while (manager.pools()[0]?.hot !== size) await new Promise((resolve) => manager.once('pool-changed', resolve));
  const claim = async () => {
    const answer = await manager.claim('tool');
    if (answer.state !== 'HOT') throw new Error('The pool of the benchmark ran dry.');
  };
  await rate(warmUp, atOnce, claim);
  const share = await rate(claims, atOnce, claim);
  await manager.close({ retireClaims: false, retirePool: false });
  return share;
}
