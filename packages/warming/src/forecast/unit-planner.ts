import type { Demand, Looked } from './demand.js';
import type { HintBook } from './hints.js';
import { KeyHolds, type UnitHold } from './hold.js';
import { Holding } from './holding.js';
import type { KeyState } from './key.js';
import type { Lookout, Sight } from './lookout.js';
import { type LookAgain, Outlook } from './outlook.js';
import { Planner } from './planner.js';
import { spareUnits, spareWorth } from './spares.js';
import type { UnitState } from './unit.js';

/** A plan for a unit that is free begins so long after now. */
const LEAST_AHEAD = 1e-3;

/** Plans for a set of runtimes at a price, and the following of those plans. */
export class UnitPlanner {
  readonly lookout: Lookout;
  readonly holding = new Holding((hold, again, nowSeconds) => this.lookOn(hold, again, nowSeconds));
  private readonly lane: number;
  private readonly planner = new Planner();
  private readonly outlook = new Outlook();
  private readonly hints: HintBook | undefined;

  /** `lane` tells planners apart that share a lookout. */
  constructor(lookout: Lookout, hints?: HintBook, lane = 0) {
    this.lookout = lookout;
    this.hints = hints;
    this.lane = lane;
  }

  get demand(): Demand {
    return this.lookout.demand;
  }

  /** One claim. True when a sandbox was ready for it by the plans in force. */
  claim(sight: Sight, valueSeconds: number): boolean {
    const { used, next, atSeconds } = sight;
    const hold = this.hold(used.unit);
    const { readyAtSeconds } = hold;
    this.holding.drop(hold);
    this.plan(used, sight.usedOutlook, atSeconds, valueSeconds);
    if (next) this.plan(next, sight.nextOutlook, atSeconds, valueSeconds);
    return readyAtSeconds !== undefined && readyAtSeconds <= atSeconds;
  }

  /** Looks again at the units that hints are for. */
  look(key: KeyState, nowSeconds: number, valueSeconds: number, depth: number): void {
    for (let index = 0; index < depth; index++) {
      const unit = this.demand.unit(key, index, nowSeconds);
      const mark = unit.own ?? this.demand.landmark(unit, nowSeconds, LEAST_AHEAD);
      this.lookAgain({ unit, mark }, nowSeconds, valueSeconds);
    }
  }

  /** A use that was sure did not come: plans on from now, by what is believed by now. */
  private lookOn({ unit, plan }: UnitHold, again: LookAgain, nowSeconds: number): void {
    const mark = this.demand.landmark(unit, nowSeconds, LEAST_AHEAD);
    this.lookout.predict({ unit, mark }, this.outlook, nowSeconds, this.hints, again.odds);
    this.plan({ unit, mark }, this.outlook, nowSeconds, plan!.valueSeconds);
  }

  private lookAgain(looked: Looked, nowSeconds: number, valueSeconds: number): void {
    this.lookout.predict(looked, this.outlook, nowSeconds, this.hints);
    this.plan(looked, this.outlook, nowSeconds, valueSeconds);
  }

  /** Sandboxes wanted for a runtime now, and what the last of them is worth. */
  wanted(key: KeyState): { hot: number; parked: number; worthSeconds: number } {
    const holds = this.holds(key);
    const last = holds.last();
    const spares = spareUnits(last);
    const worthSeconds = spareWorth(last?.plan?.worthSeconds ?? 0, spares);
    return { hot: holds.hot + spares, parked: holds.parked, worthSeconds };
  }

  hold(unit: UnitState): UnitHold {
    return this.holds(unit.key).unit(unit);
  }

  private holds(key: KeyState): KeyHolds {
    const known = key.holds[this.lane];
    if (known) return known;
    const holds = new KeyHolds();
    key.holds[this.lane] = holds;
    return holds;
  }

  remove(keys: ReadonlySet<KeyState>): void {
    for (const key of keys) for (const unit of key.units) this.holding.drop(this.hold(unit));
    this.demand.remove(keys);
  }

  private worthParking(unit: UnitState, outlook: Outlook, valueSeconds: number): boolean {
    const { parking, leadSeconds } = unit.key;
    if (!parking || parking.resumeSeconds >= leadSeconds) return false;
    const saved = valueSeconds * (1 - parking.resumeSeconds / leadSeconds);
    return this.planner.parkedWorth(outlook, saved, parking.costShare, leadSeconds) > 0;
  }

  private plan({ unit, mark }: Looked, outlook: Outlook, now: number, valueSeconds: number): void {
    const leadSeconds = unit.key.leadSeconds;
    const hold = this.hold(unit);
    const answer = this.planner.plan({
      outlook,
      valueSeconds,
      releaseSeconds: leadSeconds,
      readySeconds: hold.readyAtSeconds === undefined ? undefined : hold.readyAtSeconds - mark.atSeconds,
      soonestSeconds: now - mark.atSeconds + leadSeconds,
    });
    hold.set(hold.on, this.worthParking(unit, outlook, valueSeconds));
    this.holding.adopt(hold, { atSeconds: mark.atSeconds, valueSeconds, again: outlook.again, ...answer }, now);
  }
}
