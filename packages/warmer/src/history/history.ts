import type { ClaimSource } from '@pilotlight/warming';

/**
 * One claim of the past, as far as planning needs it. Nothing of a tenant or a user is in it: no name, key, file or sandbox.
 */
export interface PastClaim {
  readonly claimId: string;
  /** When it was asked for, in epoch milliseconds. */
  readonly atMs: number;
  /** The runtime, as the engine calls it. */
  readonly pool: string;
  /** Undefined while, or when, no sandbox came of it. */
  readonly source?: ClaimSource | undefined;
  /** From the request to the hand-over. */
  readonly waitedMs?: number | undefined;
  /** From the hand-over to its end. Undefined while it runs. */
  readonly usedMs?: number | undefined;
}

/** Where past claims are kept for a while, so that `pilotlight replay` can say what they would have cost and hit. */
export interface ClaimHistory {
  /** Adds them, or replaces those of the same claim. May be repeated. */
  put(claims: readonly PastClaim[]): Promise<void>;
  /** From a time on, the earliest first. */
  read(fromMs: number): AsyncIterable<PastClaim>;
  /** Forgets what is older, and the oldest beyond a number. */
  forget(beforeMs: number, most: number): Promise<void>;
  close(): Promise<void>;
}
