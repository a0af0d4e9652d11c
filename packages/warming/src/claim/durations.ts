import type { WarmingEta } from '../claim.js';

/** Measured durations of the pieces of warm-ups, the newest ones of each. */
export class DurationBook {
  readonly #samples = new Map<string, number[]>();
  readonly #kept: number;

  /** @param kept samples per piece; 64 give a steady 90th percentile and follow a change within a day */
  constructor(kept = 64) {
    this.#kept = kept;
  }

  record(key: string, durationMs: number): void {
    const samples = this.#samples.get(key) ?? [];
    samples.push(durationMs);
    if (samples.length > this.#kept) samples.shift();
    this.#samples.set(key, samples);
  }

  /** What the piece took so far; the guess, with no samples, when it never ran. */
  expect(key: string, guessMs: number): WarmingEta {
    const samples = this.#samples.get(key);
    if (!samples) return { p50Ms: guessMs, p90Ms: guessMs * 2, samples: 0 };
    const sorted = [...samples].sort((first, second) => first - second);
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!;
    return { p50Ms: at(0.5), p90Ms: at(0.9), samples: sorted.length };
  }
}
