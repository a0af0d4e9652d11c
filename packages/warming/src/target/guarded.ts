import type { Decision, Explanation, Observation, TargetPolicy } from './target.js';

/** A policy that says how well its chances came out lately. */
export interface ScoredPolicy extends TargetPolicy {
  /** Brier skill over the last claims; 0 while too few are known. */
  recentSkill(): number;
}

/** Falls back below the first, returns above the second; apart, so that it does not flap. */
const FALL_BACK_BELOW = -0.05;
const RETURN_ABOVE = 0.02;

/**
 * Watches a learning policy for drift. While its chances are worse than the base rate, the fallback decides; both go on
 * hearing everything, so that either can take over at once.
 */
export class GuardedPolicy implements TargetPolicy {
  readonly name: string;
  private readonly learned: ScoredPolicy;
  private readonly fallback: TargetPolicy;
  private readonly told = new Set<string>();
  private fallen = false;

  constructor(learned: ScoredPolicy, fallback: TargetPolicy) {
    this.learned = learned;
    this.fallback = fallback;
    this.name = learned.name;
  }

  /** True while the fallback decides. */
  get fallenBack(): boolean {
    return this.fallen;
  }

  observe(observation: Observation): void {
    this.learned.observe(observation);
    this.fallback.observe(observation);
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    const skill = this.learned.recentSkill();
    const before = this.fallen;
    this.fallen = this.fallen ? skill < RETURN_ABOVE : skill < FALL_BACK_BELOW;
    const full = (options.full ?? false) || before !== this.fallen;
    const [active, other] = this.fallen ? [this.fallback, this.learned] : [this.learned, this.fallback];
    other.decide(atMs);
    const decision = active.decide(atMs, { full });
    if (before === this.fallen) return this.tell(decision);
    const named = new Set(decision.changed.map((target) => target.key));
    const dropped = [...this.told].filter((key) => !named.has(key));
    const zero = { hot: 0, parked: 0, generic: false, marginalValueSeconds: 0 };
    return this.tell({ ...decision, changed: [...decision.changed, ...dropped.map((key) => ({ key, ...zero }))] });
  }

  private tell(decision: Decision): Decision {
    for (const target of decision.changed) {
      if (target.hot + target.parked > 0) this.told.add(target.key);
      else this.told.delete(target.key);
    }
    return decision;
  }

  explain(key: string, atMs: number): Explanation | undefined {
    const explanation = (this.fallen ? this.fallback : this.learned).explain(key, atMs);
    if (!explanation || !this.fallen) return explanation;
    return { ...explanation, reasons: ['The forecast was worse than the base rate lately.', ...explanation.reasons] };
  }

  save(): Uint8Array {
    return this.learned.save();
  }

  restore(state: Uint8Array): void {
    this.learned.restore(state);
  }

  size(): { bytes: number; runtimes: number; units: number } {
    return this.learned.size();
  }
}
