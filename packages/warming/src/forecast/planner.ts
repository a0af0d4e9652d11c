import type { Outlook } from './outlook.js';

/** What a plan is made for. Times in seconds. */
export interface PlanQuestion {
  outlook: Outlook;
  /** What a use that finds a sandbox is worth, in idle sandbox-seconds. */
  valueSeconds: number;
  /** What letting an unused sandbox go costs: its start was for nothing. */
  releaseSeconds: number;
  /** When the sandbox that is held or on its way is ready, in the time of the outlook; undefined when there is none. */
  readySeconds: number | undefined;
  /** When a sandbox ordered now is ready, in the time of the outlook. */
  soonestSeconds: number;
}

export interface PlanAnswer {
  /** Pairs of ready-from and hold-until. */
  windows: number[];
  /** The most that holding is worth anywhere along the plan, over not holding. */
  worthSeconds: number;
}

/** Larger prices are the same as this one: hold whatever can be held. */
const HIGHEST_VALUE = 1e12;

/**
 * When to hold a unit: a dynamic programme over two states, held and not. With `advantage` the worth of being held over
 * not being held, going back through the bins,
 *
 *     stay = V q - q / intensity + (1 - q) max(min(advantage, 0), -release)
 *
 * where q is the chance of a use in the bin and q / intensity the idle time expected in it. Start holding where stay > 0,
 * let go where stay < -release. `stay` grows with V in every bin, so a higher price holds a superset.
 */
export class Planner {
  private stay = new Float64Array(0);

  plan(question: PlanQuestion): PlanAnswer {
    const { outlook, releaseSeconds, readySeconds, soonestSeconds } = question;
    const value = Math.min(question.valueSeconds, HIGHEST_VALUE);
    const { count, useChance, idle } = outlook;
    if (this.stay.length < count) this.stay = new Float64Array(count + 64);
    const { stay } = this;
    let advantage = 0;
    let worth = -Infinity;
    for (let bin = count - 1; bin >= 0; bin--) {
      const chance = useChance[bin]!;
      const later = advantage < 0 ? Math.max(advantage, -releaseSeconds) : 0;
      advantage = value * chance - idle[bin]! + (1 - chance) * later;
      stay[bin] = advantage;
      if (advantage > worth) worth = advantage;
    }
    return { windows: this.windows(outlook, releaseSeconds, readySeconds, soonestSeconds), worthSeconds: worth };
  }

  /**
   * What a parked sandbox is worth over the whole outlook, its start paid: found by a use it saves `valueSeconds`, and
   * keeping it costs `costShare` of what a hot one does. Above 0 it is worth having.
   */
  parkedWorth(outlook: Outlook, valueSeconds: number, costShare: number, start: number): number {
    const value = Math.min(valueSeconds, HIGHEST_VALUE);
    let worth = 0;
    for (let bin = outlook.count - 1; bin >= 0; bin--) {
      const chance = outlook.useChance[bin]!;
      worth = Math.max(0, value * chance - costShare * outlook.idle[bin]! + (1 - chance) * worth);
    }
    return worth - start;
  }

  private windows(outlook: Outlook, release: number, ready: number | undefined, soonest: number): number[] {
    const windows: number[] = [];
    let held = ready !== undefined;
    let since = -1;
    for (let bin = 0; bin < outlook.count; bin++) {
      const start = outlook.from[bin]!;
      const worth = this.stay[bin]!;
      const hold = held ? worth >= -release : worth > 0 && start + outlook.width[bin]! > soonest;
      if (hold && since < 0) since = held && bin === 0 ? Math.max(start, ready!) : Math.max(start, soonest);
      else if (!hold && since >= 0) {
        windows.push(since, Math.max(since, start));
        since = -1;
      }
      held = hold;
    }
    if (since >= 0) windows.push(since, Math.max(since, outlook.endSeconds));
    return windows;
  }
}
