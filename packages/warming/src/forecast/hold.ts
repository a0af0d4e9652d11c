import type { LookAgain } from './outlook.js';
import type { UnitState } from './unit.js';

/** Hold windows of one unit: pairs of ready-from and hold-until, in seconds since `atSeconds`. */
export interface UnitPlan {
  atSeconds: number;
  windows: readonly number[];
  /** What holding is worth at its best point, in idle sandbox-seconds. */
  worthSeconds: number;
  /** What a cold start was worth when the plan was made. */
  valueSeconds: number;
  /** Set when the plan has to be made anew at its end. */
  again: LookAgain | undefined;
}

/** What one planner wants of a runtime, counted along so that deep pools cost no more than shallow ones. */
export class KeyHolds {
  readonly holds: (UnitHold | undefined)[] = [];
  hot = 0;
  parked = 0;
  private deepest = -1;

  unit(unit: UnitState): UnitHold {
    const index = unit.depth - 1;
    const known = this.holds[index];
    if (known) return known;
    const hold = new UnitHold(unit, this);
    this.holds[index] = hold;
    return hold;
  }

  /** The deepest unit that is on. */
  last(): UnitHold | undefined {
    while (this.deepest >= 0 && !this.holds[this.deepest]?.on) this.deepest--;
    return this.holds[this.deepest];
  }

  changed(hold: UnitHold, hot: number, parked: number): void {
    this.hot += hot;
    this.parked += parked;
    if (hot > 0) this.deepest = Math.max(this.deepest, hold.unit.depth - 1);
  }
}

/** What is planned for a unit, and what is held of it. */
export class UnitHold {
  readonly unit: UnitState;
  plan: UnitPlan | undefined;
  /** When the sandbox that is held or on its way is ready; undefined when there is none. */
  readyAtSeconds: number | undefined;
  /** When the plan changes next what is held. */
  changesAtSeconds = Infinity;
  /** When it is looked at whether it did. */
  wakeAtSeconds = Infinity;
  private readonly of: KeyHolds;
  private isOn = false;
  private parks = false;

  constructor(unit: UnitState, of: KeyHolds) {
    this.unit = unit;
    this.of = of;
  }

  get on(): boolean {
    return this.isOn;
  }

  get park(): boolean {
    return this.parks;
  }

  /** `park`: a parked sandbox would be worth having while none is hot. */
  set(on: boolean, park = this.parks): void {
    const hot = Number(on) - Number(this.isOn);
    const parked = Number(park && !on) - Number(this.parks && !this.isOn);
    this.isOn = on;
    this.parks = park;
    if (hot !== 0 || parked !== 0) this.of.changed(this, hot, parked);
  }
}
