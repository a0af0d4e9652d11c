import { fixedInputs } from './fixed-inputs.js';
import { KeyState } from './key.js';
import type { Learner } from './learner.js';
import { poolClass } from './pooled-gaps.js';
import type { Landmark, UnitState } from './unit.js';

/** An idle unit is looked at again when this share of the time since its first look has passed, in leads at least. */
const LOOK_AGAIN_GROWTH = 0.2;
const LOOK_AGAIN_LEADS = 0.5;
/** It is learned from as a new landmark when its age has grown by this much. */
const LEARN_AGAIN_GROWTH = 1.5;
/** Units nobody uses are learned from when their untold time has grown by this much, but not before five minutes. */
const SWEEP_GROWTH = 1;
const SWEEP_SECONDS = 300;

/** A unit whose outlook changed. */
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
  /** Index of the unit that was last looked at in turn. */
  swept = 0;

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

  /** One claim. Gives the unit that it used, and the next deeper one when it was worth another look. */
  claim(key: KeyState, atSeconds: number): { used: Looked; next: Looked | undefined } {
    const { learner } = this;
    const unit = this.unit(key, key.free(atSeconds), atSeconds);
    if (unit.own) learner.learn(unit, unit.own, atSeconds, true);
    if (unit.extra) learner.learn(unit, unit.extra, atSeconds, true);
    const bin = unit.use(atSeconds);
    key.take(unit);
    if (bin >= 0) learner.fleet.pools[poolClass(unit, atSeconds)]!.add(bin);
    this.sweep(atSeconds, unit);
    key.claim(atSeconds);
    key.last = unit;
    learner.fleet.add(atSeconds);
    const mark = this.landmark(unit, atSeconds, key.leadSeconds);
    unit.own = mark;
    return { used: { unit, mark }, next: this.lookDeeper(key, unit, atSeconds) };
  }

  landmark(unit: UnitState, atSeconds: number, fromSeconds: number): Landmark {
    const { rates } = unit.key;
    return {
      atSeconds,
      inputs: fixedInputs(unit, this.learner.fleet, atSeconds),
      recent: [rates.count(0, atSeconds), rates.count(1, atSeconds), rates.count(2, atSeconds)],
      foresight: unit.key.pattern?.foresight(atSeconds),
      learnedSeconds: fromSeconds,
      fromSeconds,
    };
  }

  unit(key: KeyState, index: number, atSeconds: number): UnitState {
    const known = key.units[index];
    if (known) return known;
    const unit = key.unit(index, atSeconds);
    this.units.push(unit);
    return unit;
  }

  remove(keys: ReadonlySet<KeyState>): void {
    for (const { name } of keys) this.keys.delete(name);
    const kept = this.units.filter(({ key }) => !keys.has(key));
    this.units.length = 0;
    for (const unit of kept) this.units.push(unit);
    this.swept = 0;
  }

  private lookDeeper(key: KeyState, above: UnitState, atSeconds: number): Looked | undefined {
    const unit = this.unit(key, above.depth, atSeconds);
    if (unit.busy(atSeconds, key.leadSeconds)) return undefined;
    const start = unit.uses > 0 ? unit.usedAtSeconds : unit.firstLookSeconds;
    const since = atSeconds - unit.lookedAtSeconds;
    if (since < Math.max(key.leadSeconds * LOOK_AGAIN_LEADS, LOOK_AGAIN_GROWTH * (unit.lookedAtSeconds - start))) {
      return undefined;
    }
    if (unit.lookedAtSeconds === -Infinity) unit.firstLookSeconds = atSeconds;
    unit.lookedAtSeconds = atSeconds;
    const mark = this.landmark(unit, atSeconds, 1e-3);
    const { extra } = unit;
    if (!extra || atSeconds - extra.atSeconds > LEARN_AGAIN_GROWTH * (extra.atSeconds - start)) {
      this.catchUp(unit, atSeconds);
      unit.extra = mark;
    }
    return { unit, mark };
  }

  /** Units that are never used again would otherwise never teach that. One is looked at per claim, in turn. */
  private sweep(atSeconds: number, skip: UnitState): void {
    if (this.units.length === 0) return;
    this.swept = (this.swept + 1) % this.units.length;
    const unit = this.units[this.swept]!;
    const mark = unit.own ?? unit.extra;
    if (unit === skip || !mark) return;
    const untold = atSeconds - mark.atSeconds - mark.learnedSeconds;
    if (untold > Math.max(SWEEP_SECONDS, SWEEP_GROWTH * mark.learnedSeconds)) this.catchUp(unit, atSeconds);
  }

  private catchUp(unit: UnitState, atSeconds: number): void {
    if (unit.own) this.learner.learn(unit, unit.own, atSeconds, false);
    if (unit.extra) this.learner.learn(unit, unit.extra, atSeconds, false);
  }
}
