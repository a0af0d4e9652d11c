import { BIN_COUNT, BIN_EDGES, HORIZON_SECONDS } from './bins.js';
import type { ClockPattern } from './clock-pattern.js';
import { overflowing, scaled } from './fixed-inputs.js';
import type { Fleet } from './fleet.js';
import { MOST_CHANCE, type PooledGaps, poolClass, shrunkChance } from './pooled-gaps.js';
import { DECAY_SECONDS } from './rates.js';
import { around, TimeCuts } from './time-cuts.js';
import { type Landmark, type UnitState, zoneOf } from './unit.js';

export const MOVING_INPUTS = 22;
/** Log intensities beyond these are not believed. */
export const LOWEST_LOG = -20;
export const HIGHEST_LOG = 3;
const SUREST = 1e9;
const LEAST_CHANCE = 1e-30;
/** Times after the landmark between which the network interpolates. */
const KNOTS = [0, 2, 5, 12, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400, 400_000, 2_400_000];
export const KNOT_COUNT = KNOTS.length;
const LOG_KNOTS = KNOTS.map((seconds) => Math.log(seconds + 1));
export const MOST_BINS = 320;
const HOUR = 2;
/** After so many decay times nothing is left of a count. */
const FORGOTTEN = 40;
const NEVER = scaled(0);

/** An outlook that ends because a use was sure goes on when none came. */
export interface LookAgain {
  /** Seconds after the landmark. */
  afterSeconds: number;
  odds: number;
}

/** The time after a landmark, cut into bins, each with the inputs that change along the way. */
export class Outlook {
  readonly from = new Float64Array(MOST_BINS);
  readonly width = new Float64Array(MOST_BINS);
  readonly inputs = new Float64Array(MOST_BINS * MOVING_INPUTS);
  /** Left knot of a bin, and how far it is towards the right one. */
  readonly knot = new Uint8Array(MOST_BINS);
  readonly towards = new Float64Array(MOST_BINS);
  /** Uses per second by the gap histograms alone. */
  readonly usual = new Float64Array(MOST_BINS);
  /** Uses per second, one per bin. */
  readonly intensity = new Float64Array(MOST_BINS);
  /** Chance of a use in a bin, and the idle time expected in it, when none came before. */
  readonly useChance = new Float64Array(MOST_BINS);
  readonly idle = new Float64Array(MOST_BINS);
  count = 0;
  /** How far the network is believed from the end on, given no use came. */
  odds = 1;
  private readonly cuts = new TimeCuts();
  private readonly chance = new Float64Array(BIN_COUNT);
  private unit!: UnitState;
  private pool!: PooledGaps;
  unitClass = 0;
  private fleet!: Fleet;
  private mark!: Landmark;
  private pattern: ClockPattern | undefined;
  private ageBin = 0;
  private knownHour = -1;
  private fleetHour = 0;
  private ownHour = 0;
  /** From which time after the landmark the bins count, and the inputs that know of no lead. */
  private base = 0;
  private at = 0;
  private until = 0;
  private knownMinute = -1;
  private ofHour = 0;
  private foreseen = 0;
  private hourOverflow = 0;
  private foreseenOverflow = 0;
  private hourRate = 0;
  private logLastGap = 0;

  /** Starts anew: `fromSeconds` to `toSeconds` after the landmark. */
  begin(
    unit: UnitState,
    mark: Landmark,
    fleet: Fleet,
    fromSeconds: number,
    toSeconds: number,
    window?: { from: number; until: number },
  ): void {
    const { key } = unit;
    this.unit = unit;
    this.unitClass = poolClass(unit, mark.atSeconds);
    this.pool = fleet.pools[this.unitClass]!;
    this.fleet = fleet;
    this.mark = mark;
    this.count = 0;
    this.base = mark.fromSeconds;
    this.at = fromSeconds;
    this.until = toSeconds;
    this.pattern = key.pattern;
    this.cuts.begin(unit, mark, fromSeconds, window);
    shrunkChance(unit.gaps, this.pool, this.chance);
    this.knownMinute = -1;
    this.hourRate = mark.recent[HOUR] / DECAY_SECONDS[HOUR]!;
    this.hourOverflow = overflowing(unit, this.hourRate);
    this.ofHour = 0;
    this.foreseen = 0;
    this.foreseenOverflow = 0;
    this.logLastGap = Math.log(unit.lastGaps[0] + 5);
    this.ageBin = 0;
    this.knownHour = -1;
  }

  /** Adds up to so many bins; false when the end is reached. */
  extend(most: number): boolean {
    const last = Math.min(MOST_BINS, this.count + most);
    while (this.at < this.until && this.count < last) {
      const start = this.at;
      const end = this.cuts.end(start) ?? this.until;
      this.at = Math.min(end, this.until);
      if (this.at - start > 1e-9) {
        this.add(this.count === 0 ? this.cuts.wholeStart(start) : start, end);
        this.from[this.count] = start;
        this.width[this.count] = this.at - start;
        this.count++;
      }
    }
    return this.at < this.until && this.count < MOST_BINS;
  }

  /** Up to which time after the landmark it goes; infinite when that is as far as anybody looks. */
  get endSeconds(): number {
    return this.at >= HORIZON_SECONDS ? Infinity : this.at;
  }

  /** When there is more to see than it goes to: when to look again. */
  get again(): LookAgain | undefined {
    return this.endSeconds === Infinity ? undefined : { afterSeconds: this.at, odds: this.odds };
  }

  /**
   * Turns log intensities of the bins from `first` on into chances, mixed with those of the gap histograms. Gives the uses
   * expected in them.
   */
  believe(first: number, logIntensity: Float64Array, correction: Float64Array): number {
    const { from, width, usual, useChance, idle, intensity } = this;
    let { odds } = this;
    let uses = 0;
    for (let bin = first; bin < this.count; bin++) {
      const wide = width[bin]!;
      const log = Math.min(HIGHEST_LOG, Math.max(LOWEST_LOG, logIntensity[bin]!));
      const noneByNetwork = noneOf(Math.exp(log) * correction[zoneOf(from[bin]! - this.base)]! * wide);
      const noneByHistogram = Math.max(LEAST_CHANCE, noneOf(usual[bin]! * wide));
      const chance = 1 - (odds * noneByNetwork + noneByHistogram) / (1 + odds);
      const expected = expectedOf(chance);
      useChance[bin] = chance;
      intensity[bin] = expected / wide;
      idle[bin] = expected > 0 ? (wide * chance) / expected : wide;
      odds = Math.min(SUREST, (odds * noneByNetwork) / noneByHistogram);
      uses += expected;
    }
    this.odds = odds;
    return uses;
  }

  /** Adds uses that are expected besides. */
  expect(bin: number, uses: number): void {
    const wide = this.width[bin]!;
    const expected = this.intensity[bin]! * wide + uses;
    const chance = 1 - noneOf(expected);
    this.useChance[bin] = chance;
    this.intensity[bin] = expected / wide;
    this.idle[bin] = expected > 0 ? (wide * chance) / expected : wide;
  }

  /**
   * Inputs of a bin. They are those of the whole bin, even where what is learned ends within it: an input that knew where
   * would know the answer.
   */
  private add(start: number, end: number): void {
    const { unit, pool, fleet, mark, inputs } = this;
    const width = end - start;
    const middle = (start + end) / 2;
    const age = mark.atSeconds - unit.usedAtSeconds + middle;
    const idleAge = Math.max(0, age - unit.key.leadSeconds);
    while (this.ageBin < BIN_COUNT - 1 && BIN_EDGES[this.ageBin + 1]! <= idleAge) this.ageBin++;
    const bin = this.ageBin;
    const binWidth = BIN_EDGES[bin + 1]! - BIN_EDGES[bin]!;
    const time = mark.atSeconds + middle;
    const logAge = Math.log(idleAge + 1);
    const since = middle - this.base;
    this.interpolate(since === idleAge ? logAge : Math.log(since + 1));
    let at = this.count * MOVING_INPUTS;
    inputs[at++] = logAge * 0.3 - 1;
    const usual = -Math.log(1 - Math.min(MOST_CHANCE, this.chance[bin]!)) / binWidth;
    this.usual[this.count] = usual;
    inputs[at++] = scaled(usual);
    inputs[at++] = pool.input(bin);
    if (width > 14_400) {
      inputs[at++] = 0;
      inputs[at++] = 0;
    } else {
      const hour = Math.floor(time / 3_600);
      if (hour !== this.knownHour) {
        this.knownHour = hour;
        this.fleetHour = fleet.season.hours.factor(time);
        this.ownHour = unit.key.season.hours.factor(time);
      }
      inputs[at++] = this.fleetHour;
      inputs[at++] = this.ownHour;
    }
    if (width > 200_000) {
      inputs[at++] = 0;
      inputs[at++] = 0;
    } else {
      inputs[at++] = fleet.season.days.factor(time);
      inputs[at++] = unit.key.season.days.factor(time);
    }
    const [last, before] = unit.lastGaps;
    const ratio = Math.log(age + 5) - this.logLastGap;
    inputs[at++] = unit.uses > 1 && Math.abs(age - last) <= around(last) ? 1 : 0;
    inputs[at++] = unit.uses > 2 && Math.abs(age - before) <= around(before) ? 1 : 0;
    inputs[at++] = ratio * 0.5;
    inputs[at++] = Math.abs(ratio) * 0.5;
    const leftOfHour = middle > FORGOTTEN * 3_600 ? 0 : Math.exp(middle / -3_600);
    const leftOfTen = middle > FORGOTTEN * 600 ? 0 : sixth(leftOfHour);
    const leftOfOne = middle > FORGOTTEN * 60 ? 0 : tenth(leftOfTen);
    inputs[at++] = leftOfOne === 0 ? NEVER : scaled((mark.recent[0] * leftOfOne) / 60);
    inputs[at++] = leftOfTen === 0 ? NEVER : scaled((mark.recent[1] * leftOfTen) / 600);
    inputs[at++] = leftOfHour === 0 ? NEVER : scaled((mark.recent[2] * leftOfHour) / 3_600);
    const minutes = Math.floor(time / 60) - Math.floor(mark.atSeconds / 60);
    inputs[at++] = minutes === 0 ? 1 : 0;
    inputs[at++] = minutes === 1 && width < 100 ? 1 : 0;
    if (width < 61 && this.pattern) this.clock(this.pattern, at, time, start, width);
    else {
      inputs[at++] = 0;
      inputs[at++] = 0;
      inputs[at++] = this.hourOverflow;
      inputs[at++] = 0;
      inputs[at++] = 0;
      inputs[at++] = 0;
    }
  }

  private clock(pattern: ClockPattern, from: number, time: number, start: number, width: number): void {
    const minute = Math.floor(time / 60);
    if (minute !== this.knownMinute) {
      this.knownMinute = minute;
      this.ofHour = pattern.hour.factor(time);
      this.hourOverflow = overflowing(this.unit, this.hourRate * Math.exp(this.ofHour));
      const { foresight, atSeconds } = this.mark;
      const ahead = minute - Math.floor(atSeconds / 60);
      this.foreseen = foresight ? foresight[ahead % foresight.length]! / 2 : 0;
      this.foreseenOverflow = overflowing(this.unit, this.foreseen / 60);
    }
    const { inputs } = this;
    let at = from;
    inputs[at++] = this.ofHour;
    inputs[at++] = Math.log(this.foreseen + 0.2) * 0.3 + 0.5;
    inputs[at++] = this.hourOverflow;
    inputs[at++] = this.foreseenOverflow * 0.5;
    const second = this.mark.atSeconds + start - minute * 60;
    inputs[at++] = width < 59 ? pattern.phaseFactor(Math.max(0, second), Math.min(60, second + width)) : 0;
    inputs[at++] = (time - minute * 60) / 60 - 0.5;
  }

  private interpolate(logMiddle: number): void {
    let left = this.count === 0 ? 0 : this.knot[this.count - 1]!;
    while (left < KNOT_COUNT - 2 && LOG_KNOTS[left + 1]! <= logMiddle) left++;
    this.knot[this.count] = left;
    this.towards[this.count] = Math.min(1, (logMiddle - LOG_KNOTS[left]!) / (LOG_KNOTS[left + 1]! - LOG_KNOTS[left]!));
  }
}

/** Below this a few terms of a series are as good as an exponential or a logarithm, and faster. */
const SMALL = 0.02;

/** Chance that nothing happens when so much is expected. */
function noneOf(expected: number): number {
  if (expected > SMALL) return Math.exp(-expected);
  return 1 - expected * (1 - expected * (1 / 2 - expected * (1 / 6 - expected / 24)));
}

/** How much is expected where something happens with this chance. */
function expectedOf(chance: number): number {
  if (chance > SMALL) return -Math.log(1 - chance);
  return chance * (1 + chance * (1 / 2 + chance * (1 / 3 + chance * (1 / 4 + chance / 5))));
}

function sixth(value: number): number {
  const square = value * value;
  return square * square * square;
}

function tenth(value: number): number {
  const square = value * value;
  const fourth = square * square;
  return fourth * fourth * square;
}
