import { ClaimChance } from './claim-chance.js';
import type { Demand, Looked } from './demand.js';
import { addUses, type HintBook } from './hints.js';
import type { KeyState } from './key.js';
import { chanceWithin } from './learner.js';
import { Outlook } from './outlook.js';

const LATELY_SECONDS = 120;

/** What a claim changed: the outlooks of the unit that it used and of the next deeper one. */
export interface Sight {
  key: KeyState;
  atSeconds: number;
  used: Looked;
  usedOutlook: Outlook;
  next: Looked | undefined;
  nextOutlook: Outlook;
}

/** Sees what a claim means, once for all planners that share a demand. */
export class Lookout {
  readonly demand: Demand;
  readonly chance = new ClaimChance();
  private readonly usedOutlook = new Outlook();
  private readonly nextOutlook = new Outlook();

  constructor(demand: Demand) {
    this.demand = demand;
  }

  claim(key: KeyState, nowSeconds: number, hints: HintBook | undefined): Sight {
    const { used, next } = this.demand.claim(key, nowSeconds);
    this.predict(used, this.usedOutlook, nowSeconds, hints);
    if (next) this.predict(next, this.nextOutlook, nowSeconds, hints);
    const { usedOutlook, nextOutlook } = this;
    this.chance.claim(key.name, nowSeconds, used.mark.inputs, this.nextClaim(key, used, nowSeconds));
    return { key, atSeconds: nowSeconds, used, usedOutlook, next, nextOutlook };
  }

  /** The next claim comes to whichever unit is free first: no seldomer than to this one, or to the first one lately. */
  private nextClaim(key: KeyState, { unit }: Looked, nowSeconds: number): number {
    const chance = chanceWithin(this.usedOutlook, 0, this.chance.withinSeconds);
    if (unit.depth === 1) {
      key.firstChance = chance;
      return chance;
    }
    const first = key.units[0]!;
    return nowSeconds - first.usedAtSeconds < LATELY_SECONDS ? Math.max(chance, key.firstChance) : chance;
  }

  predict(
    { unit, mark }: Looked,
    outlook: Outlook,
    nowSeconds: number,
    hints: HintBook | undefined,
    odds?: number,
  ): void {
    const window = hints?.window(unit.key.name, unit.depth, mark.atSeconds);
    const from = Math.max(mark.fromSeconds, nowSeconds - mark.atSeconds);
    this.demand.learner.predict(outlook, unit, mark, from, window, odds);
    if (window) addUses(window, outlook);
  }
}

/** One lookout for several planners that hear the same claims, each once: what a claim means is seen by the first. */
export class SharedLookout extends Lookout {
  private readonly planners: number;
  private asked = 0;
  private sight: Sight | undefined;

  constructor(demand: Demand, planners: number) {
    super(demand);
    this.planners = planners;
  }

  override claim(key: KeyState, nowSeconds: number, hints: HintBook | undefined): Sight {
    if (this.asked++ % this.planners === 0) this.sight = super.claim(key, nowSeconds, hints);
    return this.sight!;
  }
}
