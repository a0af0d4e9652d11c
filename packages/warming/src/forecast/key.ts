import { Heap } from 'heap-js';
import { ClockPattern } from './clock-pattern.js';
import type { KeyHolds } from './hold.js';
import { Rates } from './rates.js';
import { Season } from './season.js';
import { UnitState } from './unit.js';

/** Claims from which on a runtime's clock pattern is kept; fewer show none. */
const PATTERN_FROM_CLAIMS = 8;

/** What is known of one runtime. */
export class KeyState {
  readonly name: string;
  leadSeconds: number;
  claims = 0;
  /** Set when parked sandboxes are offered: how long a resume takes, and what parking costs of what a hot one does. */
  parking: { resumeSeconds: number; costShare: number } | undefined;
  readonly rates: Rates;
  readonly season = new Season();
  pattern: ClockPattern | undefined;
  readonly units: UnitState[] = [];
  /** What the planners hold of it, one each; they share what is learned. */
  readonly holds: (KeyHolds | undefined)[] = [];
  /** Units that are not being replaced, and those that are in the order of their use. */
  private readonly idle = new Heap<number>((a, b) => a - b);
  private busy: UnitState[] = [];
  private head = 0;
  /** The unit that the last claim used. */
  last: UnitState | undefined;
  readonly firstAtSeconds: number;
  /** Chance of a claim in time that was told when the first unit was last used; only for telling chances. */
  firstChance = 0;
  /** Between the last two claims. */
  lastGapSeconds = 1_000_000;
  /** Clock minute of the last claim, and claims in it and in the one before. */
  minute = -1;
  inMinute = 0;
  inMinuteBefore = 0;

  constructor(name: string, leadSeconds: number, atSeconds: number) {
    this.name = name;
    this.leadSeconds = leadSeconds;
    this.firstAtSeconds = atSeconds;
    this.rates = new Rates(atSeconds);
  }

  unit(index: number, atSeconds: number): UnitState {
    const known = this.units[index];
    if (known) return known;
    const unit = new UnitState(this, index + 1, atSeconds);
    this.units[index] = unit;
    this.idle.push(index);
    return unit;
  }

  /** Index of the shallowest unit that is not being replaced. */
  free(seconds: number): number {
    this.release(seconds);
    return this.idle.peek() ?? this.units.length;
  }

  /** Notes that a unit is being replaced from now on. */
  take(unit: UnitState): void {
    if (this.idle.peek() === unit.depth - 1) this.idle.pop();
    else this.idle.remove(unit.depth - 1);
    this.busy.push(unit);
  }

  busyCount(seconds: number): number {
    this.release(seconds);
    return this.busy.length - this.head;
  }

  /** Takes in units that were made elsewhere. */
  adopt(units: readonly UnitState[], seconds: number): void {
    this.units.push(...units);
    const used = units.filter((unit) => unit.busy(seconds, this.leadSeconds));
    this.busy.push(...used.sort((a, b) => a.usedAtSeconds - b.usedAtSeconds || a.depth - b.depth));
    for (const unit of units) if (!unit.busy(seconds, this.leadSeconds)) this.idle.push(unit.depth - 1);
  }

  private release(seconds: number): void {
    let first = this.busy[this.head];
    while (first && !first.busy(seconds, this.leadSeconds)) {
      this.idle.push(first.depth - 1);
      first = this.busy[++this.head];
    }
    if (this.head > 64 && this.head * 2 > this.busy.length) {
      this.busy = this.busy.slice(this.head);
      this.head = 0;
    }
  }

  claim(seconds: number): void {
    if (this.claims > 0) this.lastGapSeconds = seconds - this.rates.atSeconds;
    this.rates.add(seconds);
    this.season.add(seconds);
    this.claims++;
    if (this.claims >= PATTERN_FROM_CLAIMS) {
      this.pattern ??= new ClockPattern();
      this.pattern.add(seconds);
    }
    const minute = Math.floor(seconds / 60);
    if (this.minute === minute) this.inMinute++;
    else {
      this.inMinuteBefore = this.minute === minute - 1 ? this.inMinute : 0;
      this.inMinute = 1;
      this.minute = minute;
    }
  }
}
