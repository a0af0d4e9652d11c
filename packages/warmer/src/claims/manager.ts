import type { ClaimAnswer, ClaimRequest, Runtime, WarmingEvents } from '@pilotlight/warming';

/**
 * What the service needs of the engine. `RuntimeWarmingManager` has it, and so does the SDK's client of this service:
 * both pass the same suite.
 */
export interface ClaimManager {
  on<Name extends keyof WarmingEvents>(name: Name, listener: (...values: WarmingEvents[Name]) => void): unknown;
  off<Name extends keyof WarmingEvents>(name: Name, listener: (...values: WarmingEvents[Name]) => void): unknown;
  /** Begins to fill pools. Idempotent. */
  start(): Promise<void>;
  /** Adds or replaces a runtime. */
  define(runtime: Runtime): void;
  claim(runtime: string, request?: ClaimRequest): Promise<ClaimAnswer>;
  /** Hints that a claim is coming; the same user and runtime give the same hint. */
  intent(runtime: string, options: { userId: string; ttlMs?: number }): IntentHandle;
  /** Ends everything this manager holds. Idempotent. */
  close(): Promise<void>;
}

export interface IntentHandle {
  readonly expiresAtMs: number;
  /** The user left: what was warmed for them alone is given up. Idempotent. */
  cancel(): void;
}
