import type { ClaimHistory, PastClaim } from '../history/history.js';

/** Past claims in this process only. */
export class MemoryClaimHistory implements ClaimHistory {
  readonly #claims = new Map<string, PastClaim>();

  async put(claims: readonly PastClaim[]): Promise<void> {
    for (const claim of claims) this.#claims.set(claim.claimId, claim);
  }

  async *read(fromMs: number): AsyncIterable<PastClaim> {
    yield* this.#inOrder().filter(({ atMs }) => atMs >= fromMs);
  }

  async forget(beforeMs: number, most: number): Promise<void> {
    const claims = this.#inOrder();
    for (const [index, { claimId, atMs }] of claims.entries()) {
      if (atMs < beforeMs || index < claims.length - most) this.#claims.delete(claimId);
    }
  }

  async close(): Promise<void> {}

  #inOrder(): PastClaim[] {
    return [...this.#claims.values()].sort((first, second) => first.atMs - second.atMs);
  }
}
