import { Demand, type Looked, landmark } from './demand.js';
import { addUses, type HintBook } from './hints.js';
import { Holding } from './holding.js';
import type { KeyState } from './key.js';
import type { Learner } from './learner.js';
import { Planner } from './planner.js';
import type { UnitState } from './unit.js';

const TEN_MINUTES = 600;

/** Demand, plans and the following of plans for a set of runtimes. Prices come in with every claim. */
export class UnitPlanner {
  readonly demand: Demand;
  readonly holding = new Holding();
  private readonly planner = new Planner();
  private readonly hints: HintBook | undefined;
  /** Chance, by the network, that the unit of the last claim is used again within ten minutes. */
  lastChance = 0;

  constructor(learner: Learner, hints?: HintBook) {
    this.demand = new Demand(learner);
    this.hints = hints;
  }

  /** One claim. True when a sandbox was ready for it by the plans in force. */
  claim(key: KeyState, nowSeconds: number, valueSeconds: number): boolean {
    const { used, next } = this.demand.claim(key, nowSeconds);
    const { readyAtSeconds } = used.unit;
    this.holding.drop(used.unit);
    this.plan(used, nowSeconds, valueSeconds);
    key.last = used.unit;
    this.lastChance = this.demand.learner.chanceWithin(0, TEN_MINUTES);
    if (next) this.plan(next, nowSeconds, valueSeconds);
    return readyAtSeconds !== undefined && readyAtSeconds <= nowSeconds;
  }

  /** Looks again at the units that hints are for. */
  look(key: KeyState, nowSeconds: number, valueSeconds: number, depth: number): void {
    for (let index = 0; index < depth; index++) {
      const unit = this.demand.unit(key, index, nowSeconds);
      this.plan({ unit, mark: unit.own ?? landmark(unit, nowSeconds, 1e-3) }, nowSeconds, valueSeconds);
    }
  }

  /** Sandboxes wanted for a runtime now, and what the last of them is worth. */
  wanted(key: KeyState): { hot: number; parked: number; worthSeconds: number } {
    let hot = 0;
    let parked = 0;
    let worthSeconds = 0;
    for (const unit of key.units) {
      if (!unit.on) {
        if (unit.park) parked++;
        continue;
      }
      hot++;
      worthSeconds = unit.plan!.worthSeconds;
    }
    return { hot, parked, worthSeconds };
  }

  remove(name: string): void {
    const key = this.demand.keys.get(name);
    if (!key) return;
    for (const unit of key.units) this.holding.drop(unit);
    this.demand.remove(name);
  }

  private worthParking(unit: UnitState, valueSeconds: number): boolean {
    const { parking, leadSeconds } = unit.key;
    if (!parking || parking.resumeSeconds >= leadSeconds) return false;
    const { outlook, intensity } = this.demand.learner;
    const saved = valueSeconds * (1 - parking.resumeSeconds / leadSeconds);
    return this.planner.parkedWorth(outlook, intensity, saved, parking.costShare, leadSeconds) > 0;
  }

  private plan({ unit, mark }: Looked, now: number, valueSeconds: number): void {
    const { learner } = this.demand;
    const leadSeconds = unit.key.leadSeconds;
    const since = now - mark.atSeconds;
    const window = this.hints?.window(unit.key.name, unit.depth, mark.atSeconds);
    learner.predict(unit, mark, Math.max(mark.fromSeconds, since), window);
    if (window) addUses(window, learner.outlook, learner.intensity);
    const answer = this.planner.plan({
      outlook: learner.outlook,
      intensity: learner.intensity,
      valueSeconds,
      releaseSeconds: leadSeconds,
      readySeconds: unit.readyAtSeconds === undefined ? undefined : unit.readyAtSeconds - mark.atSeconds,
      soonestSeconds: since + leadSeconds,
    });
    unit.park = this.worthParking(unit, valueSeconds);
    this.holding.adopt(unit, { atSeconds: mark.atSeconds, ...answer }, now);
  }
}
