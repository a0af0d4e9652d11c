import { BIN_COUNT, BIN_EDGES, binOf } from './bins.js';
import { type PooledGaps, shrunkChance } from './pooled-gaps.js';
import { DECAY_SECONDS, overflowShare, RATE_COUNT } from './rates.js';
import type { FleetSeason } from './season.js';
import type { Landmark, UnitState } from './unit.js';

export const FIXED_INPUTS = 2 * RATE_COUNT + 19;
export const MOVING_INPUTS = 16;
const DEEPEST = 150;
const MOST_BINS = BIN_COUNT + 12;

/** Brings log intensities and log rates to about [-1, 2]. */
function scaled(perSecond: number): number {
  return Math.log(perSecond + 1e-7) * 0.3 + 2;
}

/** Inputs that stay as they are from a landmark on. */
export function fixedInputs(unit: UnitState, seconds: number): Float32Array {
  const { key } = unit;
  const lead = key.leadSeconds;
  const inputs = new Float32Array(FIXED_INPUTS);
  let at = 0;
  for (let index = 0; index < RATE_COUNT; index++) inputs[at++] = scaled(key.rates.perSecond(index, seconds));
  for (let index = 0; index < RATE_COUNT; index++) inputs[at++] = scaled(unit.rates.perSecond(index, seconds));
  for (const gap of unit.lastGaps) inputs[at++] = Math.log(gap + 1) * 0.3 - 1;
  inputs[at++] = unit.gapLogMean * 0.3 - 1;
  inputs[at++] = Math.sqrt(unit.gapLogVariance + 0.01) * 0.5;
  inputs[at++] = Math.log(unit.uses + 1) * 0.3;
  inputs[at++] = Math.log(key.claims + 1) * 0.2;
  inputs[at++] = Math.log(unit.depth) * 0.5;
  inputs[at++] = Math.log(Math.min(600, Math.max(0.5, lead))) * 0.3 - 0.8;
  inputs[at++] = unit.uses < 1 ? 1 : 0;
  for (let index = 0; index < 3; index++) {
    const rate = key.rates.perSecond(index, seconds);
    inputs[at++] = scaled(rate * overflowShare(Math.min(unit.depth, DEEPEST), rate * lead));
  }
  const busy = key.busyCount(seconds);
  inputs[at++] = Math.log(busy + 1) * 0.6;
  inputs[at++] = Math.log((busy + 1) / (unit.depth + 1)) * 0.6;
  const minute = Math.floor(seconds / 60);
  const now = key.minute === minute ? key.inMinute : 0;
  const before = key.minute === minute ? key.inMinuteBefore : key.minute === minute - 1 ? key.inMinute : 0;
  const second = seconds - minute * 60;
  inputs[at++] = Math.log(now + 1) * 0.5;
  inputs[at++] = Math.log(before + 1) * 0.5;
  inputs[at++] = second / 60 - 0.5;
  inputs[at++] = Math.log(((now * 60) / (second + 6) + 1) / (before + 1)) * 0.5;
  return inputs;
}

/** How far off the last gap still counts as the same. */
function around(gapSeconds: number): number {
  return gapSeconds * 0.01 + 2;
}

/** Whose outlook it is, and what it draws on. */
export interface OutlookSource {
  unit: UnitState;
  pool: PooledGaps;
  fleet: FleetSeason;
  mark: Landmark;
}

/** The time after a landmark, cut into bins, each with the inputs that change along the way. */
export class Outlook {
  readonly from = new Float64Array(MOST_BINS);
  readonly width = new Float64Array(MOST_BINS);
  readonly inputs = new Float64Array(MOST_BINS * MOVING_INPUTS);
  count = 0;
  private readonly chance = new Float64Array(BIN_COUNT);

  private unit!: UnitState;
  private pool!: PooledGaps;
  private fleet!: FleetSeason;
  private mark!: Landmark;
  private readonly edges: number[] = [];
  private bin = 0;
  private at = 0;
  private until = 0;

  /** Starts anew: `fromSeconds` to `toSeconds` after the landmark. Edges fall on the clock minute and the last gap. */
  begin(source: OutlookSource, fromSeconds: number, toSeconds: number, window?: { from: number; until: number }): void {
    const { unit, mark } = source;
    this.unit = unit;
    this.pool = source.pool;
    this.fleet = source.fleet;
    this.mark = mark;
    this.count = 0;
    this.bin = binOf(fromSeconds);
    this.at = fromSeconds;
    this.until = toSeconds;
    shrunkChance(unit.gaps, source.pool, this.chance);
    const minuteEnd = 60 - (mark.atSeconds - Math.floor(mark.atSeconds / 60) * 60);
    const { edges } = this;
    edges.length = 0;
    edges.push(minuteEnd, minuteEnd + 60);
    const lastGap = unit.lastGaps[0];
    if (unit.uses > 1 && lastGap > 40) {
      const age = mark.atSeconds - unit.usedAtSeconds;
      edges.push(lastGap - around(lastGap) - age, lastGap + around(lastGap) - age);
    }
    if (window) edges.push(window.from, window.until);
  }

  /** Adds the next bin; false when the end is reached. */
  next(): boolean {
    while (this.bin < BIN_COUNT && this.at < this.until) {
      const start = this.at;
      let end = BIN_EDGES[this.bin + 1]!;
      let whole = true;
      for (const edge of this.edges) {
        if (start < edge && edge < end) {
          end = edge;
          whole = false;
        }
      }
      if (end > this.until) end = this.until;
      this.at = Math.max(start, end);
      if (whole) this.bin++;
      if (end - start > 1e-9) {
        this.add(start, end);
        return true;
      }
    }
    return false;
  }

  private add(start: number, end: number): void {
    const { unit, pool, fleet, mark } = this;
    const width = end - start;
    const middle = (start + end) / 2;
    const age = mark.atSeconds - unit.usedAtSeconds + middle;
    const bin = binOf(age);
    const binWidth = BIN_EDGES[bin + 1]! - BIN_EDGES[bin]!;
    const lastGap = unit.lastGaps[0];
    const time = mark.atSeconds + middle;
    const { inputs } = this;
    let at = this.count * MOVING_INPUTS;
    inputs[at++] = Math.log(middle + 1) * 0.3 - 1;
    inputs[at++] = Math.log(age + 1) * 0.3 - 1;
    inputs[at++] = scaled(-Math.log(1 - Math.min(0.98, this.chance[bin]!)) / binWidth);
    inputs[at++] = scaled(-Math.log(1 - Math.min(0.98, pool.chance[bin]!)) / binWidth);
    const blur = width > 14_400 ? 0.2 : 1;
    inputs[at++] = fleet.factor(time) * blur;
    inputs[at++] = unit.key.season.hourFactor(time) * blur;
    inputs[at++] = width > 200_000 ? 0 : unit.key.season.dayFactor(time);
    inputs[at++] = unit.uses > 1 && lastGap > 0 && Math.abs(age - lastGap) <= around(lastGap) ? 1 : 0;
    const ratio = Math.log((age + 5) / (lastGap + 5));
    inputs[at++] = ratio * 0.5;
    inputs[at++] = Math.abs(ratio) * 0.5;
    inputs[at++] = recentRate(mark, 1, middle);
    inputs[at++] = recentRate(mark, 2, middle);
    inputs[at++] = width < 60 ? (time % 60) / 60 - 0.5 : 0;
    const minutes = Math.floor(time / 60) - Math.floor(mark.atSeconds / 60);
    inputs[at++] = minutes === 0 ? 1 : 0;
    inputs[at++] = minutes === 1 && width < 100 ? 1 : 0;
    inputs[at++] = recentRate(mark, 0, middle);
    this.from[this.count] = start;
    this.width[this.count] = width;
    this.count++;
  }
}

function recentRate(mark: Landmark, index: 0 | 1 | 2, after: number): number {
  const decay = DECAY_SECONDS[index]!;
  return scaled((mark.recent[index] * Math.exp(-after / decay)) / decay);
}
