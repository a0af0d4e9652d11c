import type { Decision, Explanation, Observation, RuntimeTarget, TargetPolicy } from './target.js';
import { checkedNumber, TimeLine } from './time-line.js';

/** Bounds that all runtimes share. */
export interface SharedBounds {
  /** Most hot sandboxes of all runtimes together. @default no bound */
  maxTotalHot?: number;
  /** Targets may grow by this many a second, with a burst of ten seconds' worth. @default no bound */
  createsPerSecond?: number;
}

const BURST_SECONDS = 10;

/** Keeps a policy within bounds that runtimes share: what is worth most comes first, the rest waits or goes without. */
export class BoundedPolicy implements TargetPolicy {
  readonly name: string;
  private readonly inner: TargetPolicy;
  private readonly maxTotalHot: number;
  private readonly createsPerSecond: number;
  private readonly time = new TimeLine();
  private readonly wanted = new Map<string, RuntimeTarget>();
  private readonly granted = new Map<string, number>();
  private credit: number;
  private creditAtSeconds = 0;

  constructor(inner: TargetPolicy, bounds: SharedBounds) {
    this.inner = inner;
    this.name = inner.name;
    this.maxTotalHot = checkedNumber('maxTotalHot', bounds.maxTotalHot ?? Infinity, 0, true);
    this.createsPerSecond = checkedNumber('createsPerSecond', bounds.createsPerSecond ?? Infinity, 0, true);
    this.credit = this.createsPerSecond * BURST_SECONDS;
  }

  observe(observation: Observation): void {
    this.inner.observe(observation);
  }

  decide(atMs: number, options: { full?: boolean } = {}): Decision {
    const decision = this.inner.decide(atMs, options);
    for (const target of decision.changed) this.wanted.set(target.key, target);
    const now = this.time.advance(decision.atMs);
    this.refill(now);
    const changed: RuntimeTarget[] = [];
    let room = this.maxTotalHot;
    let waiting = false;
    const wanted = [...this.wanted.values()].sort(byWorth);
    for (const target of wanted) {
      const before = this.granted.get(target.key) ?? 0;
      const fits = Math.min(target.hot, room);
      const grown = Math.max(0, fits - before);
      const allowed = Math.min(grown, Math.floor(this.credit));
      const hot = Math.min(fits, before + allowed);
      waiting ||= allowed < grown;
      this.credit -= allowed;
      room -= hot;
      if (hot !== before || options.full) changed.push({ ...target, hot });
      if (target.hot === 0) {
        this.wanted.delete(target.key);
        this.granted.delete(target.key);
      } else this.granted.set(target.key, hot);
    }
    const retry = waiting ? (now + 1 / this.createsPerSecond) * 1000 : Infinity;
    const wake = Math.min(decision.wakeAtMs ?? Infinity, retry);
    return { ...decision, changed, wakeAtMs: wake === Infinity ? undefined : wake };
  }

  explain(key: string, atMs: number): Explanation | undefined {
    const explanation = this.inner.explain(key, atMs);
    const granted = this.granted.get(key);
    if (!explanation || granted === undefined || granted >= explanation.target.hot) return explanation;
    const reason = `${explanation.target.hot} are wanted, a shared bound leaves ${granted}: others are worth more.`;
    return {
      ...explanation,
      target: { ...explanation.target, hot: granted },
      reasons: [reason, ...explanation.reasons],
    };
  }

  save(): Uint8Array {
    return this.inner.save();
  }

  restore(state: Uint8Array): void {
    this.inner.restore(state);
    this.wanted.clear();
    this.granted.clear();
  }

  size(): ReturnType<TargetPolicy['size']> {
    return this.inner.size();
  }

  private refill(now: number): void {
    if (this.createsPerSecond === Infinity) {
      this.credit = Infinity;
      return;
    }
    const elapsed = this.creditAtSeconds === 0 ? 0 : now - this.creditAtSeconds;
    this.creditAtSeconds = now;
    this.credit = Math.min(this.createsPerSecond * BURST_SECONDS, this.credit + elapsed * this.createsPerSecond);
  }
}

function byWorth(a: RuntimeTarget, b: RuntimeTarget): number {
  return b.marginalValueSeconds - a.marginalValueSeconds || (a.key < b.key ? -1 : 1);
}
