import { isWarmingError, type Pilotlight, type PoolLevels } from '@pilotlight/sdk';

/** Limits of no plan: the local host has none, and what is measured is Pilotlight, not E2B's create budget. */
export const unlimited = {
  createsPerSecond: 10_000,
  burst: 10_000,
  maxConcurrentCreates: 20,
  maxSandboxes: 1_000,
} as const;

/** Resolves when the pool of `runtime` holds as many hot or parked sandboxes as asked. */
export async function pooled(
  pilotlight: Pilotlight,
  runtime: string,
  tier: 'hot' | 'parked',
  count: number,
  timeoutMs = 300_000,
): Promise<void> {
  await pilotlight.start();
  const holds = (pool: PoolLevels) => pool.runtime === runtime && pool[tier] >= count;
  if ((await pilotlight.warming.pools()).some(holds)) return;
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      pilotlight.warming.off('pool-changed', check);
      pilotlight.warming.off('background-error', fail);
      settle();
    };
    const check = (pool: PoolLevels) => holds(pool) && end(resolve);
    // A warm-up step that fails will fail again: nobody should wait for it until the time is up.
    const fail = ({ error }: { error: unknown }) => {
      if (isWarmingError(error) && error.code.startsWith('warm_up')) end(() => reject(error));
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`The pool of ${runtime} did not hold ${count} ${tier} sandboxes in time.`))),
      timeoutMs,
    );
    pilotlight.warming.on('pool-changed', check);
    pilotlight.warming.on('background-error', fail);
  });
}
