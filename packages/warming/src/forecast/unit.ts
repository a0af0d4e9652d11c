import { binOf } from './bins.js';
import { GapHistogram } from './gap-histogram.js';
import type { KeyState } from './key.js';
import { Rates } from './rates.js';

/** A moment from which a unit's next use is predicted, with the inputs as they were then. */
export interface Landmark {
  atSeconds: number;
  inputs: Float32Array;
  /** Decayed claim counts of the runtime over one, ten and sixty minutes. */
  recent: [number, number, number];
  /** Claims that the runtime's clock pattern foresees minute by minute, see `ClockPattern.foresight`. */
  foresight: Uint8Array | undefined;
  /** Up to which time after the landmark its outcome was learned. */
  learnedSeconds: number;
  /** First time after the landmark that the plan covers. */
  fromSeconds: number;
}

/** Times in seconds, from when a plan can begin, at which the correction of predicted by observed uses changes. */
const ZONES = [6, 60, 600, 7_200];
export const ZONE_COUNT = ZONES.length + 1;

export function zoneOf(seconds: number): number {
  let zone = 0;
  while (zone < ZONES.length && seconds >= ZONES[zone]!) zone++;
  return zone;
}

const CORRECTION_WEIGHT = 3;
const CORRECTION_FORGETS_ABOVE = 40;

/**
 * One sandbox's worth of demand: claims take the shallowest unit that is not being replaced, so the unit at depth n sees
 * only what overflows from the n-1 before it, whatever is held.
 */
export class UnitState {
  readonly key: KeyState;
  readonly depth: number;
  usedAtSeconds: number;
  uses = 0;
  readonly rates: Rates;
  readonly gaps = new GapHistogram();
  readonly lastGaps: [number, number, number] = [0, 0, 0];
  gapLogMean = 3.3;
  gapLogVariance = 2;
  readonly observed = new Float32Array(ZONE_COUNT);
  readonly predicted = new Float32Array(ZONE_COUNT);
  own: Landmark | undefined;
  /** A later look at the unit while it waits, learned from as well. */
  extra: Landmark | undefined;
  /** When the unit was last looked at, and when first since its last use. */
  lookedAtSeconds = -Infinity;
  firstLookSeconds = 0;

  constructor(key: KeyState, depth: number, atSeconds: number) {
    this.key = key;
    this.depth = depth;
    this.usedAtSeconds = atSeconds - 1_000_000;
    this.rates = new Rates(this.usedAtSeconds);
  }

  busy(seconds: number, leadSeconds: number): boolean {
    return this.uses > 0 && this.usedAtSeconds + leadSeconds > seconds;
  }

  /** Notes a use; returns the bin of the gap that ended, or -1 for the first use. */
  use(seconds: number): number {
    let bin = -1;
    if (this.uses > 0) {
      const gap = seconds - this.usedAtSeconds;
      const last = this.lastGaps;
      last[2] = last[1];
      last[1] = last[0];
      last[0] = gap;
      const rate = Math.max(0.1, 1 / (this.uses + 1));
      const distance = Math.log(gap + 1) - this.gapLogMean;
      this.gapLogMean += rate * distance;
      this.gapLogVariance += rate * (distance * distance - this.gapLogVariance);
      bin = binOf(gap - this.key.leadSeconds);
      this.gaps.add(bin);
    }
    this.rates.add(seconds);
    this.uses++;
    this.usedAtSeconds = seconds;
    this.lookedAtSeconds = seconds;
    this.extra = undefined;
    return bin;
  }

  /** What predictions at this age are multiplied by, learned from how they came out. */
  correction(zone: number): number {
    return (this.observed[zone]! + CORRECTION_WEIGHT) / (this.predicted[zone]! + CORRECTION_WEIGHT);
  }

  correct(zone: number, observed: number, predicted: number): void {
    this.observed[zone]! += observed;
    this.predicted[zone]! += predicted;
    if (this.observed[zone]! > CORRECTION_FORGETS_ABOVE || this.predicted[zone]! > CORRECTION_FORGETS_ABOVE) {
      this.observed[zone]! *= 0.9;
      this.predicted[zone]! *= 0.9;
    }
  }
}
