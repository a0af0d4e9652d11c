import { percentile, timed } from '../support/statistics.js';

/** Milliseconds of repeated actions. */
export interface Times {
  p50: number;
  p95: number;
}

/** One after another; `prepare` is not counted. */
export async function times(count: number, act: (index: number) => Promise<unknown>): Promise<Times> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) {
    samples.push((await timed(() => act(index))).durationMs);
  }
  return summarize(samples);
}

export function summarize(samples: readonly number[]): Times {
  return { p50: percentile(samples, 0.5), p95: percentile(samples, 0.95) };
}
