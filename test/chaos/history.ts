import { percentile } from '../../bench/support/statistics.js';

/** What claimants were told, from their side: the truth that the fleet is judged by. */
export class History {
  claims = 0;
  doubleClaims = 0;
  lostClaims = 0;
  overCreated = 0;
  readonly orphans = new Set<string>();
  readonly latenciesMs: number[] = [];
  /** Of claims that were answered at the first asking: what the fleet itself takes, faults of the others included. */
  readonly atOnceMs: number[] = [];
  readonly failures = new Map<string, number>();
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, string>();

  handedOver(key: string, sandboxId: string, durationMs: number, tries = 1): void {
    const owner = this.#owners.get(sandboxId);
    if (owner !== undefined && owner !== key) this.doubleClaims += 1;
    const before = this.#held.get(key);
    // The same key gave another sandbox although the first one was never given up.
    if (before !== undefined && before !== sandboxId) this.doubleClaims += 1;
    if (before === undefined) {
      this.claims += 1;
      this.latenciesMs.push(durationMs);
      if (tries === 1) this.atOnceMs.push(durationMs);
    }
    this.#owners.set(sandboxId, key);
    this.#held.set(key, sandboxId);
  }

  givenUp(key: string): void {
    this.#held.delete(key);
  }

  failed(error: string): void {
    const code = error.split(':')[0] ?? error;
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }

  /** Claims that nobody gave up and that should be alive. */
  held(): { key: string; sandboxId: string }[] {
    return [...this.#held].map(([key, sandboxId]) => ({ key, sandboxId }));
  }

  lost(key: string): void {
    this.lostClaims += 1;
    this.#held.delete(key);
  }

  p99ClaimMs(): number {
    return p99(this.latenciesMs);
  }

  p99AtOnceMs(): number {
    return p99(this.atOnceMs);
  }
}

function p99(timesMs: readonly number[]): number {
  return timesMs.length === 0 ? 0 : Math.round(percentile(timesMs, 0.99));
}
