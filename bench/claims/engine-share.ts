import { performance } from 'node:perf_hooks';
import { defineRuntime, type Ledger, RuntimeWarmingManager, specKeyOf } from '@pilotlight/warming';
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

/** Hot claims of a manager over a ledger, with a provider that costs nothing and a pool that is full beforehand. */
export async function engineShare(ledger: Ledger, claims: number, atOnce: number): Promise<Share> {
  const warmUp = Math.round(claims / 10);
  const size = claims + warmUp;
  const runtime = defineRuntime({ name: 'tool', pool: { target: size, max: size * 2, link: false } });
  const specKey = specKeyOf(runtime);
  await ledger.open();
  const endsAtMs = ledger.nowMs() + 3_500_000;
  await rate(size, atOnce, async (index) => {
    await ledger.restore({
      slotId: `slot-${index}`,
      version: 1,
      pool: 'tool',
      specKey,
      owner: 'bench',
      purpose: 'hot',
      createdAtMs: ledger.nowMs(),
      dueAtMs: endsAtMs - 1_000_000,
      hardEndsAtMs: endsAtMs,
      state: { name: 'hot', place: { sandboxId: `sandbox-${index}`, envdVersion: '0.6.13' }, hotSinceMs: 0, endsAtMs },
    });
  });
  const hour = 3_600_000;
  const manager = new RuntimeWarmingManager({
    provider: nullProvider(),
    ledger,
    fleet: 'bench',
    runtimes: [runtime],
    // Refill would be measured with it otherwise; it has its own row.
    refillDelayMs: hour,
    sweepMs: hour,
    leaseMs: hour,
  });
  await manager.start();
  const claim = async () => {
    const answer = await manager.claim('tool');
    if (answer.state !== 'HOT') throw new Error('The pool of the benchmark ran dry.');
  };
  await rate(warmUp, atOnce, claim);
  const share = await rate(claims, atOnce, claim);
  await manager.close({ retireClaims: false, retirePool: false });
  return share;
}
