import type { Clock } from '../clock.js';
import type { Explanation, Observation, RuntimeTarget, TargetPolicy } from './target.js';

export interface DriverDetails {
  readonly clock: Clock;
  /** A target changed; undefined: the generic one. */
  changed(runtime: string | undefined): void;
}

/** Tells the target policy what happens, asks it when it wants to be asked, and keeps its last answer. */
export class TargetDriver {
  readonly #details: DriverDetails;
  #policy: TargetPolicy | undefined;
  readonly #targets = new Map<string, RuntimeTarget>();
  #generic: number | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(details: DriverDetails) {
    this.#details = details;
  }

  /** Until then nothing is observed and every runtime's own settings count. */
  use(policy: TargetPolicy): void {
    this.#policy = policy;
  }

  get hasPolicy(): boolean {
    return this.#policy !== undefined;
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
    return this.#policy?.explain(runtime, this.#details.clock.nowMs());
  }

  observe(observation: Observation): void {
    if (!this.#policy) return;
    this.#policy.observe(observation);
    this.#decide();
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #decide(): void {
    if (!this.#policy) return;
    const { clock, changed } = this.#details;
    const nowMs = clock.nowMs();
    const decision = this.#policy.decide(nowMs);
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
