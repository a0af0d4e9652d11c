import { performance } from 'node:perf_hooks';

/** Runs `action` and answers how long it took, in milliseconds. */
export async function timed<Value>(action: () => Promise<Value>): Promise<{ value: Value; durationMs: number }> {
  const startedAt = performance.now();
  const value = await action();
  return { value, durationMs: performance.now() - startedAt };
}

/** The median and the 95th percentile (nearest rank) of some durations, in milliseconds to a tenth. */
export function percentiles(durationsMs: readonly number[]): { p50: number; p95: number } {
  const sorted = durationsMs.toSorted((first, second) => first - second);
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95) };
}

export function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
