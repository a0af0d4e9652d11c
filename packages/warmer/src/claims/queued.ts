import type { ClaimDetails, ClaimStatus } from './record.js';

/** A guess, as long as no warm-up of the runtime was measured. */
const guess = { p50Ms: 10_000, p90Ms: 30_000, samples: 0 };

/** What a claim is told that waits in the line: undefined when a hot sandbox may be had at once. */
export function queuedStatus(
  pool: { hot: number; target: number },
  details: ClaimDetails,
  measured: { p50Ms: number | null; p95Ms: number | null; samples: number },
): ClaimStatus | undefined {
  if (pool.hot > 0 || details.affinity === 'prefer') return undefined;
  const { p50Ms, p95Ms, samples } = measured;
  return {
    state: 'WARMING',
    progress: 0,
    phase: 'queued',
    eta: p50Ms === null || p95Ms === null ? guess : { p50Ms, p90Ms: p95Ms, samples },
    elapsedMs: 0,
    reason: pool.target === 0 ? 'disabled' : 'pool_empty',
  };
}
