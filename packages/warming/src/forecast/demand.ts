import { fixedInputs } from './features.js';
import { KeyState } from './key.js';
import type { Learner } from './learner.js';
import { poolClass } from './pooled-gaps.js';
import type { Landmark, UnitState } from './unit.js';

/** A new look at an idle unit is taken when the time since the last one has grown by this much. */
const LOOK_AGAIN_GROWTH = 1.5;
/** Units nobody uses are learned from when their untold time has grown by this much, but not before five minutes. */
const SWEEP_GROWTH = 0.3;
const SWEEP_SECONDS = 300;

/** Units of a runtime whose outlook changed with a claim. */
export interface Looked {
  unit: UnitState;
  mark: Landmark;
}

/**
 * Turns claims into units, landmarks and lessons. It knows nothing of prices, targets or sandboxes, so what it learns is
 * the same whatever is held.
 */
export class Demand {
  readonly learner: Learner;
  readonly keys = new Map<string, KeyState>();
  readonly units: UnitState[] = [];
  private swept = 0;

  constructor(learner: Learner) {
    this.learner = learner;
  }

  key(name: string, leadSeconds: number, atSeconds: number): KeyState {
    const known = this.keys.get(name);
    if (known) return known;
    const key = new KeyState(name, leadSeconds, atSeconds);
    this.keys.set(name, key);
    return key;
  }

  get unitCount(): number {
    return this.units.length;
  }

  /** One claim. Gives the unit that it used, and the next deeper one when it was worth another look. */
  claim(key: KeyState, atSeconds: number): { used: Looked; next: Looked | undefined } {
    const { learner } = this;
    const unit = this.unit(key, key.free(atSeconds), atSeconds);
    if (unit.own) learner.learn(unit, unit.own, atSeconds, true);
    for (const mark of unit.extra) learner.learn(unit, mark, atSeconds, true);
    const bin = unit.use(atSeconds);
    if (bin >= 0) learner.pools[poolClass(unit.depth)]!.add(bin);
    this.sweep(atSeconds, unit);
    key.claim(atSeconds);
    learner.season.add(atSeconds);
    const mark = landmark(unit, atSeconds, key.leadSeconds);
    unit.own = mark;
    return { used: { unit, mark }, next: this.lookDeeper(key, unit, atSeconds) };
  }

  private lookDeeper(key: KeyState, above: UnitState, atSeconds: number): Looked | undefined {
    const unit = this.unit(key, above.depth, atSeconds);
    if (unit.busy(atSeconds, key.leadSeconds)) return undefined;
    if (unit.extra.length > 0) {
      const start = unit.uses > 0 ? unit.usedAtSeconds : unit.firstExtraAtSeconds;
      const grown = LOOK_AGAIN_GROWTH * (unit.lastExtraAtSeconds - start);
      if (atSeconds - unit.lastExtraAtSeconds < Math.max(key.leadSeconds, grown)) return undefined;
    }
    this.catchUp(unit, atSeconds);
    const mark = landmark(unit, atSeconds, 1e-3);
    unit.addExtra(mark);
    return { unit, mark };
  }

  unit(key: KeyState, index: number, atSeconds: number): UnitState {
    const known = key.units[index];
    if (known) return known;
    const unit = key.unit(index, atSeconds);
    this.units.push(unit);
    return unit;
  }

  /** Units that are never used again would otherwise never teach that. One is looked at per claim, in turn. */
  private sweep(atSeconds: number, skip: UnitState): void {
    if (this.units.length === 0) return;
    this.swept = (this.swept + 1) % this.units.length;
    const unit = this.units[this.swept]!;
    const mark = unit.own ?? unit.extra[0];
    if (unit === skip || !mark) return;
    const untold = atSeconds - mark.atSeconds - mark.learnedSeconds;
    if (untold > Math.max(SWEEP_SECONDS, SWEEP_GROWTH * mark.learnedSeconds)) this.catchUp(unit, atSeconds);
  }

  private catchUp(unit: UnitState, atSeconds: number): void {
    if (unit.own) this.learner.learn(unit, unit.own, atSeconds, false);
    for (const mark of unit.extra) this.learner.learn(unit, mark, atSeconds, false);
  }

  remove(name: string): void {
    const key = this.keys.get(name);
    if (!key) return;
    this.keys.delete(name);
    const kept = this.units.filter((unit) => unit.key !== key);
    this.units.length = 0;
    this.units.push(...kept);
    this.swept = 0;
  }
}

export function landmark(unit: UnitState, atSeconds: number, fromSeconds: number): Landmark {
  const { rates } = unit.key;
  return {
    atSeconds,
    inputs: fixedInputs(unit, atSeconds),
    recent: [rates.count(0, atSeconds), rates.count(1, atSeconds), rates.count(2, atSeconds)],
    learnedSeconds: fromSeconds,
    fromSeconds,
  };
}
