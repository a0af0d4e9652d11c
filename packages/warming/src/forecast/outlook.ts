import { BIN_COUNT, BIN_EDGES, binOf, HORIZON_SECONDS } from './bins.js';
import { CELL, type ClockPattern } from './clock-pattern.js';
import { overflowing, scaled } from './fixed-inputs.js';
import type { Fleet } from './fleet.js';
import { MOST_CHANCE, type PooledGaps, poolClass, shrunkChance } from './pooled-gaps.js';
import { DECAY_SECONDS } from './rates.js';
import type { Landmark, UnitState } from './unit.js';

export const MOVING_INPUTS = 22;
/** Times after the landmark between which the network interpolates. */
const KNOTS = [0, 2, 5, 12, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400, 400_000, 2_400_000];
export const KNOT_COUNT = KNOTS.length;
const LOG_KNOTS = KNOTS.map((seconds) => Math.log(seconds + 1));
const MOST_BINS = 320;
const HOUR = 2;
/** Minutes that are looked at one by one: for runtimes that are busy, start at one second, or come back by the clock. */
const BUSY_MINUTES = 3;
const PHASED_MINUTES = 10;
const LOCKED_SHARE = 0.4;
const PERIODIC_SHARE = 0.4;
const PERIODIC_LEAD = 0.12;
const CELL_SLACK = 1;
/** After so many decay times nothing is left of a count. */
const FORGOTTEN = 40;
const NEVER = scaled(0);
/** Where a unit that is ordered at a look may be let go again, after it is ready. */
const AFTER_LEAD = [0, 2, 5];

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
  private readonly chance = new Float64Array(BIN_COUNT);
  private unit!: UnitState;
  private pool!: PooledGaps;
  unitClass = 0;
  private fleet!: Fleet;
  private mark!: Landmark;
  private pattern: ClockPattern | undefined;
  private readonly edges: number[] = [];
  private edge = 0;
  private ageBin = 0;
  private knownHour = -1;
  private fleetHour = 0;
  private ownHour = 0;
  private bin = 0;
  /** From which time after the landmark the bins count, and the inputs that know of no lead. */
  private base = 0;
  private at = 0;
  private until = 0;
  private minuteEnd = 0;
  private minutesUntil = 0;
  private lockFrom = -1;
  private lockUntil = -1;
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
    this.bin = binOf(fromSeconds - this.base);
    this.at = fromSeconds;
    this.until = toSeconds;
    this.pattern = key.pattern;
    shrunkChance(unit.gaps, this.pool, this.chance);
    this.minuteEnd = 60 - (mark.atSeconds - Math.floor(mark.atSeconds / 60) * 60);
    this.knownMinute = -1;
    this.hourRate = mark.recent[HOUR] / DECAY_SECONDS[HOUR]!;
    this.hourOverflow = overflowing(unit, this.hourRate);
    this.ofHour = 0;
    this.foreseen = 0;
    this.foreseenOverflow = 0;
    this.minutesUntil = this.minuteEnd + 60 * (this.minutes() - 1);
    const { edges } = this;
    edges.length = 0;
    const age = mark.atSeconds - unit.usedAtSeconds;
    const [last, before] = unit.lastGaps;
    this.logLastGap = Math.log(last + 5);
    if (unit.uses > 1 && last > 40) edges.push(last - around(last) - age, last + around(last) - age);
    if (unit.uses > 2 && before > 40 && Math.abs(before - last) > around(last) + around(before)) {
      edges.push(before - around(before) - age, before + around(before) - age);
    }
    if (mark.atSeconds > unit.usedAtSeconds) for (const after of AFTER_LEAD) edges.push(key.leadSeconds + after);
    if (window) edges.push(window.from, window.until);
    edges.sort(ascending);
    this.edge = 0;
    this.ageBin = 0;
    this.knownHour = -1;
  }

  /** Adds the next bin; false when the end is reached. */
  next(): boolean {
    while (this.at < this.until && this.count < MOST_BINS) {
      const start = this.at;
      while (this.bin < BIN_COUNT - 1 && this.base + BIN_EDGES[this.bin + 1]! <= start + 1e-9) this.bin++;
      let end = this.base + BIN_EDGES[this.bin + 1]!;
      if (start < this.minutesUntil - 1e-9) end = Math.min(end, this.clockEdge(start));
      while (this.edge < this.edges.length && this.edges[this.edge]! <= start + 1e-6) this.edge++;
      if (this.edge < this.edges.length && this.edges[this.edge]! < end) end = this.edges[this.edge]!;
      if (end <= start) end = this.until;
      this.at = Math.min(end, this.until);
      if (this.at - start > 1e-9) {
        this.add(this.count === 0 ? this.wholeStart(start) : start, end);
        this.from[this.count] = start;
        this.width[this.count] = this.at - start;
        this.count++;
        return true;
      }
    }
    return false;
  }

  /** Up to which time after the landmark it goes; infinite when that is as far as anybody looks. */
  get endSeconds(): number {
    return this.at >= HORIZON_SECONDS ? Infinity : this.at;
  }

  /** When there is more to see than it goes to: when to look again. */
  get again(): LookAgain | undefined {
    return this.endSeconds === Infinity ? undefined : { afterSeconds: this.at, odds: this.odds };
  }

  /** Notes that no use comes in a bin with this chance. */
  put(bin: number, noneChance: number): number {
    const width = this.width[bin]!;
    const chance = 1 - noneChance;
    const expected = expectedOf(chance);
    this.intensity[bin] = expected / width;
    this.useChance[bin] = chance;
    this.idle[bin] = expected > 0 ? (width * chance) / expected : width;
    return expected;
  }

  /** Adds uses that are expected besides. */
  expect(bin: number, uses: number): void {
    this.put(bin, (1 - this.useChance[bin]!) * noneOf(uses));
  }

  private minutes(): number {
    const { pattern } = this;
    const busy = this.mark.recent[HOUR] >= 3 ? BUSY_MINUTES : 2;
    this.lockFrom = -1;
    if (!pattern) return busy;
    const peak = pattern.peak();
    const locked = peak.share > LOCKED_SHARE;
    if (locked) {
      this.lockFrom = Math.max(0, peak.cell * CELL - CELL_SLACK);
      this.lockUntil = Math.min(60, (peak.cell + 1) * CELL + CELL_SLACK);
    }
    const least = locked ? PHASED_MINUTES : busy;
    const periodic = pattern.best > PERIODIC_SHARE && pattern.best - pattern.usual > PERIODIC_LEAD;
    return periodic ? Math.max(least, pattern.period + 1) : least;
  }

  /** The next whole minute, or the next edge of the second at which most claims come. */
  private clockEdge(start: number): number {
    const time = this.mark.atSeconds + start;
    const second = time - Math.floor(time / 60) * 60;
    if (this.lockFrom > second + 1e-6) return start + this.lockFrom - second;
    if (this.lockFrom >= 0 && this.lockUntil > second + 1e-6) return start + this.lockUntil - second;
    const rest = 60 - second;
    return start + (rest > 1e-6 ? rest : 60);
  }

  /** Where the bin would have started if the outlook did not start within it. */
  private wholeStart(start: number): number {
    const edge = this.base + BIN_EDGES[this.bin]!;
    if (start < this.minuteEnd || start >= this.minutesUntil) return Math.min(start, edge);
    return Math.max(edge, start - ((start - this.minuteEnd) % 60));
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
export function noneOf(expected: number): number {
  if (expected > SMALL) return Math.exp(-expected);
  return 1 - expected * (1 - expected * (1 / 2 - expected * (1 / 6 - expected / 24)));
}

/** How much is expected where something happens with this chance. */
function expectedOf(chance: number): number {
  if (chance > SMALL) return -Math.log(1 - chance);
  return chance * (1 + chance * (1 / 2 + chance * (1 / 3 + chance * (1 / 4 + chance / 5))));
}

const ascending = (one: number, other: number): number => one - other;

function sixth(value: number): number {
  const square = value * value;
  return square * square * square;
}

function tenth(value: number): number {
  const square = value * value;
  const fourth = square * square;
  return fourth * fourth * square;
}

/** How far off the last gap still counts as the same. */
function around(gapSeconds: number): number {
  return gapSeconds * 0.01 + 2;
}
