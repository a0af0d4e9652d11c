import { Heap } from 'heap-js';
import type { UnitHold, UnitPlan } from './hold.js';
import type { LookAgain } from './outlook.js';

/** Times closer together than this are the same: Unix seconds carry no more than a quarter of a microsecond. */
const TICK = 1e-5;

interface Edge {
  atSeconds: number;
  order: number;
  hold: UnitHold;
  version: number;
}

/** Follows the plans of all units through time: which are on, and when the next one changes. */
export class Holding {
  private readonly edges = new Heap<Edge>((a, b) => a.atSeconds - b.atSeconds || a.order - b.order);
  private order = 0;
  private readonly lookOn: (hold: UnitHold, again: LookAgain, nowSeconds: number) => void;

  /** `lookOn` has to adopt a plan for a unit whose plan has come to its end. */
  constructor(lookOn: (hold: UnitHold, again: LookAgain, nowSeconds: number) => void) {
    this.lookOn = lookOn;
  }

  /** Puts a new plan in force. An order has to go out one lead time before a window starts. */
  adopt(hold: UnitHold, plan: UnitPlan, nowSeconds: number): void {
    hold.plan = plan;
    hold.version++;
    this.advance(hold, nowSeconds);
  }

  drop(hold: UnitHold): void {
    hold.plan = undefined;
    hold.version++;
    hold.set(false);
    hold.readyAtSeconds = undefined;
  }

  /** Units whose state changed up to now. */
  due(nowSeconds: number, changed: (hold: UnitHold) => void): void {
    for (let edge = this.edges.peek(); edge && edge.atSeconds <= nowSeconds + TICK; edge = this.edges.peek()) {
      this.edges.pop();
      if (edge.hold.version !== edge.version) continue;
      const { again, atSeconds } = edge.hold.plan!;
      if (again && nowSeconds >= atSeconds + again.afterSeconds - TICK) this.lookOn(edge.hold, again, nowSeconds);
      else this.advance(edge.hold, nowSeconds);
      changed(edge.hold);
    }
  }

  /** When the next unit changes; undefined when none will. */
  next(): number | undefined {
    for (let edge = this.edges.peek(); edge; edge = this.edges.peek()) {
      if (edge.hold.version === edge.version) return edge.atSeconds;
      this.edges.pop();
    }
    return undefined;
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
    if (edge < Infinity) {
      this.edges.push({ atSeconds: plan.atSeconds + edge, order: this.order++, hold, version: hold.version });
    }
  }
}

/** Windows closer together than a lead time are one stretch: the next order goes out before the last one ends. */
function endOfStretch(windows: readonly number[], index: number, lead: number): number {
  let at = index;
  while (at + 2 < windows.length && windows[at + 2]! - lead <= windows[at + 1]!) at += 2;
  return windows[at + 1]!;
}
