import { ClockPattern } from './clock-pattern.js';
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
  /** The unit that the last claim used. */
  last: UnitState | undefined;
  readonly firstAtSeconds: number;
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
    return unit;
  }

  /** Index of the shallowest unit that is not being replaced. */
  free(seconds: number): number {
    let index = 0;
    while (index < this.units.length && this.units[index]!.busy(seconds, this.leadSeconds)) index++;
    return index;
  }

  busyCount(seconds: number): number {
    let count = 0;
    for (const unit of this.units) if (unit.busy(seconds, this.leadSeconds)) count++;
    return count;
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
