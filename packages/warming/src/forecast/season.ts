const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
const KEY_FORGETS_ABOVE = 3_000;

export function hourOf(seconds: number): number {
  return Math.floor(seconds / HOUR_SECONDS) % 24;
}

export function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_SECONDS) % 7;
}

/** Claims by hour of the day and by day of the week of one runtime. */
export class KeySeason {
  readonly hours = new Float32Array(24);
  readonly days = new Float32Array(7);
  total = 0;

  add(seconds: number): void {
    this.hours[hourOf(seconds)]!++;
    this.days[dayOf(seconds)]!++;
    this.total++;
    if (this.total > KEY_FORGETS_ABOVE) {
      this.total *= 0.5;
      for (let index = 0; index < 24; index++) this.hours[index]! *= 0.5;
      for (let index = 0; index < 7; index++) this.days[index]! *= 0.5;
    }
  }

  /** Log of how much busier this hour is than the mean hour, shrunk to zero while little is known. */
  hourFactor(seconds: number): number {
    return Math.log((this.hours[hourOf(seconds)]! + 5) / (this.total / 24 + 5));
  }

  dayFactor(seconds: number): number {
    return Math.log((this.days[dayOf(seconds)]! + 5) / (this.total / 7 + 5));
  }
}

/** Claims by hour of the week of all runtimes together. */
export class FleetSeason {
  readonly hours = new Float64Array(168);
  total = 0;

  add(seconds: number): void {
    this.hours[dayOf(seconds) * 24 + hourOf(seconds)]!++;
    this.total++;
  }

  factor(seconds: number): number {
    return Math.log((this.hours[dayOf(seconds) * 24 + hourOf(seconds)]! + 20) / (this.total / 168 + 20));
  }
}
