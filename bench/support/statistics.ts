import { performance } from 'node:perf_hooks';

/** Runs `action` and answers how long it took, in milliseconds. */
export async function timed<Value>(
  action: () => Promise<Value> | Value,
): Promise<{ value: Value; durationMs: number }> {
  const startedAt = performance.now();
  const value = await action();
  return { value, durationMs: performance.now() - startedAt };
}

/** Percentile by nearest rank; `share` in (0, 1]. NaN for nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** To a tenth. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** To a thousandth, for ratios. */
export function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
