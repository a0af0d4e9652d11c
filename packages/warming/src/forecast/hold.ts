import type { UnitState } from './unit.js';

/** Hold windows of one unit: pairs of ready-from and hold-until, in seconds since `atSeconds`. */
export interface UnitPlan {
  atSeconds: number;
  windows: readonly number[];
  /** What holding is worth at its best point, in idle sandbox-seconds. */
  worthSeconds: number;
}

/** What is planned for a unit, and what is held of it. */
export class UnitHold {
  readonly unit: UnitState;
  plan: UnitPlan | undefined;
  /** When the sandbox that is held or on its way is ready; undefined when there is none. */
  readyAtSeconds: number | undefined;
  /** Counts the plans, so that wake-ups of replaced plans are told apart. */
  version = 0;
  on = false;
  /** A parked sandbox would be worth having. */
  park = false;

  constructor(unit: UnitState) {
    this.unit = unit;
  }
}
