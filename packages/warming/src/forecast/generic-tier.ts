import { Demand } from './demand.js';
import { Learner, type Learning } from './learner.js';
import { Lookout } from './lookout.js';
import { UnitPlanner } from './unit-planner.js';

const SHARED = '*';
const MISS_MEMORY = 0.99;

/**
 * One shared pool for all runtimes, sized from the claims that no own sandbox answered. To the planner it is one more
 * runtime; only the price differs, because a generic sandbox still has to be specialised.
 */
export class GenericTier {
  readonly planner: UnitPlanner;
  readonly specialiseSeconds: number;
  missShare = 0.05;

  constructor(specialiseSeconds: number, learning: Learning, weights?: ArrayLike<number>) {
    this.planner = new UnitPlanner(new Lookout(new Demand(new Learner(learning, weights))));
    this.specialiseSeconds = specialiseSeconds;
  }

  /** A claim that no own sandbox answered. */
  claim(nowSeconds: number, leadSeconds: number, valueSeconds: number): void {
    const key = this.planner.demand.key(SHARED, leadSeconds, nowSeconds);
    const worth = valueSeconds * Math.max(0, 1 - this.specialiseSeconds / leadSeconds);
    const ready = this.planner.claim(this.planner.lookout.claim(key, nowSeconds, undefined), worth);
    this.missShare = MISS_MEMORY * this.missShare + (1 - MISS_MEMORY) * (ready ? 0 : 1);
  }

  /** What an own sandbox saves when there is a generic tier: the specialising, or all when the shared pool is empty. */
  ownShare(leadSeconds: number): number {
    return Math.min(1, this.specialiseSeconds / Math.max(leadSeconds, 1e-3) + this.missShare);
  }

  wanted(nowSeconds: number): number {
    this.planner.holding.due(nowSeconds, () => undefined);
    const key = this.planner.demand.keys.get(SHARED);
    return key ? this.planner.wanted(key).hot : 0;
  }

  next(): number | undefined {
    return this.planner.holding.next();
  }
}
