/** Percentiles over the newest samples. Exact within its capacity: no buckets to misread. */
export class Samples {
  readonly #values: { atMs: number; value: number }[] = [];
  readonly #capacity: number;

  constructor(capacity = 2_000) {
    this.#capacity = capacity;
  }

  add(atMs: number, value: number): void {
    this.#values.push({ atMs, value });
    if (this.#values.length > this.#capacity * 2) this.#values.splice(0, this.#values.length - this.#capacity);
  }

  /** Values since a time, in order of arrival. */
  since(fromMs: number): number[] {
    return this.#values.filter((sample) => sample.atMs >= fromMs).map((sample) => sample.value);
  }
}

/** Nearest rank; null without samples. */
export function percentile(values: readonly number[], rank: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((first, second) => first - second);
  return sorted[Math.min(sorted.length - 1, Math.ceil((rank / 100) * sorted.length) - 1)] ?? null;
}
