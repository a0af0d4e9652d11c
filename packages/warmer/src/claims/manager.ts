import type { ClaimAnswer, ClaimRequest, RuntimeSpec, WarmingEvents } from '@pilotlight/warming';

/**
 * What the service needs of the engine. `RuntimeWarmingManager` has it, and so does the SDK's client of this service:
 * both pass the same suite.
 */
export interface ClaimManager {
  readonly events: {
    on<Name extends keyof WarmingEvents>(name: Name, listener: (...values: WarmingEvents[Name]) => void): unknown;
    off<Name extends keyof WarmingEvents>(name: Name, listener: (...values: WarmingEvents[Name]) => void): unknown;
  };
  /** Declares or replaces a runtime. @throws {@link InvalidSpecError} */
  define(spec: RuntimeSpec): unknown;
  claim(runtime: string, request?: ClaimRequest): Promise<ClaimAnswer>;
  /** Hints that a claim is coming. */
  intent(runtime: string, options: { userId?: string; ttlMs?: number }): IntentHandle | Promise<IntentHandle>;
  /** Begins to fill pools. Idempotent. */
  start(): Promise<void>;
  /** Ends everything this manager holds. Idempotent. */
  close(): Promise<void>;
}

export interface IntentHandle {
  /** The user left: what was warmed for them alone is given up. Idempotent. */
  cancel(): unknown;
}
