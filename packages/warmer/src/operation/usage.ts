/** What one tenant used. */
export interface Tally {
  hot: number;
  warming: number;
  failed: number;
  /** Of claimed sandboxes, from hand-over to the end of the claim. */
  sandboxSeconds: number;
}

/** What each tenant used since the service began. */
export class UsageBook {
  readonly sinceMs: number;
  readonly #tallies = new Map<string, Tally>();
  readonly #handedOverAtMs = new Map<string, number>();

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  count(tenant: string, what: 'hot' | 'warming' | 'failed'): void {
    this.of(tenant)[what] += 1;
  }

  handedOver(claimId: string, atMs: number): void {
    this.#handedOverAtMs.set(claimId, atMs);
  }

  retired(tenant: string, claimId: string, atMs: number): void {
    const fromMs = this.#handedOverAtMs.get(claimId);
    if (fromMs === undefined) return;
    this.#handedOverAtMs.delete(claimId);
    this.of(tenant).sandboxSeconds += Math.max(0, atMs - fromMs) / 1_000;
  }

  of(tenant: string): Tally {
    const tally = this.#tallies.get(tenant) ?? { hot: 0, warming: 0, failed: 0, sandboxSeconds: 0 };
    this.#tallies.set(tenant, tally);
    return tally;
  }
}
