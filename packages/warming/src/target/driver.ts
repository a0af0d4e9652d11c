import type { Clock } from '../clock.js';
import type { Explanation, Observation, RuntimeTarget, TargetPolicy } from './target.js';

export interface DriverDetails {
  readonly policy: TargetPolicy | undefined;
  readonly clock: Clock;
  /** A target changed; undefined: the generic one. */
  changed(runtime: string | undefined): void;
}

/** Tells the target policy what happens, asks it when it wants to be asked, and keeps its last answer. */
export class TargetDriver {
  readonly #details: DriverDetails;
  readonly #targets = new Map<string, RuntimeTarget>();
  #generic: number | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(details: DriverDetails) {
    this.#details = details;
  }

  /** Undefined without a policy, or when the policy has not heard of the runtime: its own settings count then. */
  target(runtime: string): RuntimeTarget | undefined {
    return this.#targets.get(runtime);
  }

  get generic(): number | undefined {
    return this.#generic;
  }

  /** Undefined without a policy, or when the policy has not heard of the runtime. */
  explain(runtime: string): Explanation | undefined {
    return this.#details.policy?.explain(runtime, this.#details.clock.nowMs());
  }

  observe(observation: Observation): void {
    const { policy } = this.#details;
    if (!policy) return;
    policy.observe(observation);
    this.#decide();
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #decide(): void {
    const { policy, clock, changed } = this.#details;
    if (!policy) return;
    const nowMs = clock.nowMs();
    const decision = policy.decide(nowMs);
    for (const target of decision.changed) {
      this.#targets.set(target.key, target);
      changed(target.key);
    }
    if (decision.generic !== this.#generic) {
      this.#generic = decision.generic;
      changed(undefined);
    }
    this.#cancelTimer?.();
    if (decision.wakeAtMs !== undefined) {
      this.#cancelTimer = clock.schedule(Math.max(1, decision.wakeAtMs - nowMs), () => this.#decide());
    }
  }
}
