import { GENERIC_KEY, Simulator } from '../replay/simulator.js';
import type { Decision, Explanation, Observation, TargetPolicy } from './target.js';

/** What a policy would have cost and hit since the shadow began. */
export interface ShadowScore {
  policy: string;
  claims: number;
  coldShare: number;
  idleSecondsPerClaim: number;
}

/**
 * Lets one policy act and scores others beside it on the same claims, in simulated pools: decide and score without
 * acting. Drivers see only the acting policy.
 */
export class ShadowPolicy implements TargetPolicy {
  readonly name: string;
  private readonly acting: TargetPolicy;
  private readonly shadows: { policy: TargetPolicy; simulator: Simulator }[];

  constructor(acting: TargetPolicy, shadows: readonly TargetPolicy[], leadSeconds: number) {
    this.acting = acting;
    this.name = acting.name;
    this.shadows = shadows.map((policy) => ({
      policy,
      simulator: new Simulator({ policy, leadSeconds }),
    }));
  }

  observe(observation: Observation): void {
    this.acting.observe(observation);
    for (const { policy, simulator } of this.shadows) {
      if (observation.kind === 'claim' && observation.key !== GENERIC_KEY) {
        simulator.arrive({ seconds: observation.atMs / 1000, key: observation.key });
      } else if (observation.kind !== 'idle') policy.observe(observation);
    }
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    return this.acting.decide(atMs, options);
  }

  /** How each shadow would have done up to now. */
  scores(atMs: number): ShadowScore[] {
    return this.shadows.map(({ policy, simulator }) => {
      const { arrivals, cold } = simulator.counts();
      const claims = Math.max(1, arrivals);
      return {
        policy: policy.name,
        claims: arrivals,
        coldShare: cold / claims,
        idleSecondsPerClaim: simulator.idleSeconds(atMs / 1000) / claims,
      };
    });
  }

  explain(key: string, atMs: number): Explanation | undefined {
    return this.acting.explain(key, atMs);
  }

  save(): Uint8Array {
    return this.acting.save();
  }

  restore(state: Uint8Array): void {
    this.acting.restore(state);
  }

  size(): ReturnType<TargetPolicy['size']> {
    return this.acting.size();
  }
}
