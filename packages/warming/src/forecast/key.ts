import { Rates } from './rates.js';
import { KeySeason } from './season.js';
import { UnitState } from './unit.js';

/** What is known of one runtime. */
export class KeyState {
  readonly name: string;
  leadSeconds: number;
  claims = 0;
  /** Set when parked sandboxes are offered: how long a resume takes, and what parking costs of what a hot one does. */
  parking: { resumeSeconds: number; costShare: number } | undefined;
  readonly rates: Rates;
  readonly season = new KeySeason();
  readonly units: UnitState[] = [];
  /** The unit that the last claim used. */
  last: UnitState | undefined;
  /** Clock minute of the last claim, and claims in it and in the one before. */
  minute = -1;
  inMinute = 0;
  inMinuteBefore = 0;

  constructor(name: string, leadSeconds: number, atSeconds: number) {
    this.name = name;
    this.leadSeconds = leadSeconds;
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
    this.rates.add(seconds);
    this.season.add(seconds);
    this.claims++;
    const minute = Math.floor(seconds / 60);
    if (this.minute === minute) this.inMinute++;
    else {
      this.inMinuteBefore = this.minute === minute - 1 ? this.inMinute : 0;
      this.inMinute = 1;
      this.minute = minute;
    }
  }
}
