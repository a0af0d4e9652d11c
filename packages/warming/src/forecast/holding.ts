import { Heap } from 'heap-js';
import type { UnitHold, UnitPlan } from './hold.js';
import type { LookAgain } from './outlook.js';

/** Times closer together than this are the same: Unix seconds carry no more than a quarter of a microsecond. */
const TICK = 1e-5;

interface Wake {
  atSeconds: number;
  order: number;
  hold: UnitHold;
}

/** Follows the plans of all units through time: which are on, and when the next one changes. */
export class Holding {
  private readonly wakes = new Heap<Wake>((a, b) => a.atSeconds - b.atSeconds || a.order - b.order);
  private order = 0;
  private readonly lookOn: (hold: UnitHold, again: LookAgain, nowSeconds: number) => void;

  /** `lookOn` has to adopt a plan for a unit whose plan has come to its end. */
  constructor(lookOn: (hold: UnitHold, again: LookAgain, nowSeconds: number) => void) {
    this.lookOn = lookOn;
  }

  /** Puts a new plan in force. An order has to go out one lead time before a window starts. */
  adopt(hold: UnitHold, plan: UnitPlan, nowSeconds: number): void {
    hold.plan = plan;
    this.advance(hold, nowSeconds);
  }

  drop(hold: UnitHold): void {
    hold.plan = undefined;
    hold.changesAtSeconds = Infinity;
    hold.set(false);
    hold.readyAtSeconds = undefined;
  }

  /** Units whose state changed up to now. */
  due(nowSeconds: number, changed: (hold: UnitHold) => void): void {
    for (let wake = this.first(); wake && wake.atSeconds <= nowSeconds + TICK; wake = this.first()) {
      const { hold } = wake;
      this.wakes.pop();
      hold.wakeAtSeconds = Infinity;
      const { again, atSeconds } = hold.plan!;
      if (again && nowSeconds >= atSeconds + again.afterSeconds - TICK) this.lookOn(hold, again, nowSeconds);
      else this.advance(hold, nowSeconds);
      changed(hold);
    }
  }

  /** When the next unit changes; undefined when none will. */
  next(): number | undefined {
    return this.first()?.atSeconds;
  }

  /**
   * A unit has one wake-up that counts, and it is never later than the next change of its plan. Where it is earlier, because
   * the plan was replaced since, it is put off when it comes first; most are replaced again before that.
   */
  private first(): Wake | undefined {
    for (let wake = this.wakes.peek(); wake; wake = this.wakes.peek()) {
      const { hold, atSeconds } = wake;
      if (hold.wakeAtSeconds === atSeconds) {
        if (hold.changesAtSeconds <= atSeconds) return wake;
        hold.wakeAtSeconds = Infinity;
        this.wakes.pop();
        this.wake(hold);
      } else this.wakes.pop();
    }
    return undefined;
  }

  private wake(hold: UnitHold): void {
    const atSeconds = hold.changesAtSeconds;
    if (atSeconds >= hold.wakeAtSeconds) return;
    hold.wakeAtSeconds = atSeconds;
    this.wakes.push({ atSeconds, order: this.order++, hold });
  }

  private advance(hold: UnitHold, nowSeconds: number): void {
    const plan = hold.plan!;
    const lead = hold.unit.key.leadSeconds;
    const since = nowSeconds - plan.atSeconds;
    const { windows } = plan;
    let edge = plan.again?.afterSeconds ?? Infinity;
    let ready: number | undefined;
    for (let index = 0; index < windows.length; index += 2) {
      const order = windows[index]! - lead;
      const end = windows[index + 1]!;
      if (since >= end - TICK) continue;
      if (since >= order - TICK) {
        ready = plan.atSeconds + windows[index]!;
        edge = Math.min(edge, endOfStretch(windows, index, lead));
      } else edge = Math.min(edge, order);
      break;
    }
    const before = hold.readyAtSeconds;
    if (before !== undefined && ready !== undefined && before <= nowSeconds && ready <= nowSeconds + TICK)
      ready = before;
    hold.set(ready !== undefined);
    hold.readyAtSeconds = ready;
    hold.changesAtSeconds = plan.atSeconds + edge;
    this.wake(hold);
  }
}

/** Windows closer together than a lead time are one stretch: the next order goes out before the last one ends. */
function endOfStretch(windows: readonly number[], index: number, lead: number): number {
  let at = index;
  while (at + 2 < windows.length && windows[at + 2]! - lead <= windows[at + 1]!) at += 2;
  return windows[at + 1]!;
}
