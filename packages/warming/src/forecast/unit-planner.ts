import { Demand, type Looked, landmark } from './demand.js';
import type { HintBook } from './hints.js';
import { Holding } from './holding.js';
import type { KeyState } from './key.js';
import type { Learner } from './learner.js';
import { Planner } from './planner.js';

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
      this.plan({ unit, mark: landmark(unit, nowSeconds, 1e-3) }, nowSeconds, valueSeconds);
    }
  }

  /** Sandboxes wanted for a runtime now, and what the last of them is worth. */
  wanted(key: KeyState): { hot: number; worthSeconds: number } {
    let hot = 0;
    let worthSeconds = 0;
    for (const unit of key.units) {
      if (!unit.on) continue;
      hot++;
      worthSeconds = unit.plan!.worthSeconds;
    }
    return { hot, worthSeconds };
  }

  remove(name: string): void {
    const key = this.demand.keys.get(name);
    if (!key) return;
    for (const unit of key.units) this.holding.drop(unit);
    this.demand.remove(name);
  }

  private plan({ unit, mark }: Looked, now: number, valueSeconds: number): void {
    const { learner } = this.demand;
    const leadSeconds = unit.key.leadSeconds;
    learner.predict(unit, mark);
    this.hints?.add(unit.key.name, unit.depth, mark.atSeconds, learner.outlook, learner.intensity);
    const answer = this.planner.plan({
      outlook: learner.outlook,
      intensity: learner.intensity,
      valueSeconds,
      releaseSeconds: leadSeconds,
      readyInSeconds: unit.readyAtSeconds === undefined ? undefined : Math.max(0, unit.readyAtSeconds - now),
      leadSeconds,
    });
    this.holding.adopt(unit, { atSeconds: mark.atSeconds, ...answer }, now);
  }
}
