import { Demand } from './demand.js';
import { Learner, type Learning } from './learner.js';
import { Lookout } from './lookout.js';
import { UnitPlanner } from './unit-planner.js';

/** The name under which the shared pool is kept among runtimes. */
export const GENERIC = '*';
const MISS_MEMORY = 0.99;

/**
 * One shared pool for all runtimes, sized from the claims that no own sandbox answered. To the planner it is one more
 * runtime; only the price differs, because a generic sandbox still has to be specialised.
 */
export class GenericTier {
  readonly planner: UnitPlanner;
  readonly specialiseSeconds: number;
  /** Share of the claims lately that the shared pool should have answered and did not: its bound or a failure kept it small. */
  missShare = 0;
  private readonly most: number;

  constructor(specialiseSeconds: number, most: number, learning: Learning, weights?: ArrayLike<number>) {
    this.most = most;
    this.planner = new UnitPlanner(new Lookout(new Demand(new Learner(learning, weights))));
    this.specialiseSeconds = specialiseSeconds;
  }

  /** A claim that no own sandbox answered, and whether a generic one did; undefined: by the plans in force. */
  claim(nowSeconds: number, leadSeconds: number, valueSeconds: number, answered?: boolean): void {
    const key = this.planner.demand.key(GENERIC, leadSeconds, nowSeconds);
    const worth = valueSeconds * Math.max(0, 1 - this.specialiseSeconds / leadSeconds);
    const bounded = this.planner.wanted(key).hot > this.most;
    const ready = this.planner.claim(this.planner.lookout.claim(key, nowSeconds, undefined), worth);
    const missed = answered === undefined ? bounded && key.last!.depth > this.most : !answered && (bounded || ready);
    this.missShare = MISS_MEMORY * this.missShare + (1 - MISS_MEMORY) * (missed ? 1 : 0);
  }

  /**
   * What an own sandbox saves when there is a generic tier: the specialising. The shared pool grows with the claims that
   * come to it, so that it misses some is no reason to hold own ones, except where something keeps it from growing.
   */
  ownShare(leadSeconds: number): number {
    return Math.min(1, this.specialiseSeconds / Math.max(leadSeconds, 1e-3) + this.missShare);
  }

  wanted(nowSeconds: number): { hot: number; worthSeconds: number } {
    this.planner.holding.due(nowSeconds, () => undefined);
    const key = this.planner.demand.keys.get(GENERIC);
    if (!key) return { hot: 0, worthSeconds: 0 };
    const { hot, worthSeconds } = this.planner.wanted(key);
    return { hot: Math.min(this.most, hot), worthSeconds };
  }

  next(): number | undefined {
    return this.planner.holding.next();
  }
}
