import { ClockPattern } from './clock-pattern.js';
import { INPUT_STEP } from './fixed-inputs.js';
import type { UnitPlan } from './hold.js';
import { KeyState } from './key.js';
import { type CycleRecord, cycleRecord, restoreCycle } from './state-season.js';
import { type Landmark, UnitState, ZONE_COUNT } from './unit.js';
import type { UnitPlanner } from './unit-planner.js';

/** Numbers of a landmark: time, three recent counts, learned until, planned from. */
type LandmarkRecord = [steps: Int16Array, numbers: Float64Array, foresight: Uint8Array | undefined];

interface UnitRecord {
  /** Last use, uses, three last gaps, log mean and variance of gaps, last and first look, time of the rates. */
  numbers: Float64Array;
  /** Counts of the rates, observed and predicted uses per zone. */
  shares: Float32Array;
  gaps?: Uint16Array;
  own?: LandmarkRecord;
  extra?: LandmarkRecord;
  /** Time, worth, price, whether parking pays, when to look on or -1, by which odds, then the windows. */
  plan?: Float64Array;
}

interface PatternRecord {
  hour: CycleRecord;
  counts: Uint16Array;
  cells: Uint16Array;
  shares: Float32Array;
  numbers: number[];
}

export interface KeyRecord {
  name: string;
  numbers: Float64Array;
  counts: Float32Array;
  parking: KeyState['parking'];
  seasons: CycleRecord[];
  pattern: PatternRecord | undefined;
  units: UnitRecord[];
}

export function keyRecord(key: KeyState, planner: UnitPlanner): KeyRecord {
  return {
    name: key.name,
    numbers: Float64Array.of(
      key.leadSeconds,
      key.claims,
      key.minute,
      key.inMinute,
      key.inMinuteBefore,
      key.rates.atSeconds,
      key.firstAtSeconds,
      key.lastGapSeconds,
      key.last ? key.last.depth - 1 : -1,
    ),
    counts: key.rates.counts,
    parking: key.parking,
    seasons: [cycleRecord(key.season.hours), cycleRecord(key.season.days)],
    pattern: key.pattern && patternRecord(key.pattern),
    units: key.units.map((unit) => unitRecord(unit, planner)),
  };
}

function patternRecord(pattern: ClockPattern): PatternRecord {
  return {
    hour: cycleRecord(pattern.hour),
    counts: pattern.counts,
    cells: pattern.cells,
    shares: Float32Array.of(...pattern.overlap, ...pattern.phase),
    numbers: [pattern.mass, pattern.phaseMass, pattern.minute, pattern.period, pattern.best, pattern.usual],
  };
}

function unitRecord(unit: UnitState, planner: UnitPlanner): UnitRecord {
  const hold = planner.hold(unit);
  const { plan } = hold;
  return {
    numbers: Float64Array.of(
      unit.usedAtSeconds,
      unit.uses,
      ...unit.lastGaps,
      unit.gapLogMean,
      unit.gapLogVariance,
      unit.lookedAtSeconds,
      unit.firstLookSeconds,
      unit.rates.atSeconds,
    ),
    shares: Float32Array.of(...unit.rates.counts, ...unit.observed, ...unit.predicted),
    ...(unit.uses > 1 ? { gaps: unit.gaps.steps } : {}),
    ...(unit.own ? { own: landmarkRecord(unit.own) } : {}),
    ...(unit.extra ? { extra: landmarkRecord(unit.extra) } : {}),
    ...(plan ? { plan: planRecord(plan, hold.park) } : {}),
  };
}

function planRecord({ atSeconds, worthSeconds, valueSeconds, again, windows }: UnitPlan, park: boolean): Float64Array {
  const { afterSeconds, odds } = again ?? { afterSeconds: -1, odds: 0 };
  return Float64Array.of(atSeconds, worthSeconds, valueSeconds, park ? 1 : 0, afterSeconds, odds, ...windows);
}

export function restorePlan(record: Float64Array): { plan: UnitPlan; park: boolean } {
  const [atSeconds, worthSeconds, valueSeconds, park, afterSeconds, odds, ...windows] = record;
  const again = afterSeconds! < 0 ? undefined : { afterSeconds: afterSeconds!, odds: odds! };
  return {
    plan: { atSeconds: atSeconds!, worthSeconds: worthSeconds!, valueSeconds: valueSeconds!, again, windows },
    park: park === 1,
  };
}

function landmarkRecord(mark: Landmark): LandmarkRecord {
  const steps = Int16Array.from(mark.inputs, (value) => Math.round(value / INPUT_STEP));
  const { atSeconds, recent, learnedSeconds, fromSeconds, foresight } = mark;
  return [steps, Float64Array.of(atSeconds, ...recent, learnedSeconds, fromSeconds), foresight];
}

function restoreLandmark([steps, numbers, foresight]: LandmarkRecord): Landmark {
  return {
    inputs: Float32Array.from(steps, (value) => value * INPUT_STEP),
    atSeconds: numbers[0]!,
    recent: [numbers[1]!, numbers[2]!, numbers[3]!],
    foresight: foresight && Uint8Array.from(foresight),
    learnedSeconds: numbers[4]!,
    fromSeconds: numbers[5]!,
  };
}

export function restoreKey(record: KeyRecord, nowSeconds: number): KeyState {
  const [lead, claims, minute, inMinute, before, ratesAt, firstAt, lastGap, last] = record.numbers;
  const key = new KeyState(record.name, lead!, firstAt!);
  key.claims = claims!;
  key.minute = minute!;
  key.inMinute = inMinute!;
  key.inMinuteBefore = before!;
  key.lastGapSeconds = lastGap!;
  key.rates.atSeconds = ratesAt!;
  key.rates.counts.set(record.counts);
  key.parking = record.parking;
  restoreCycle(key.season.hours, record.seasons[0]!);
  restoreCycle(key.season.days, record.seasons[1]!);
  if (record.pattern) key.pattern = restorePattern(record.pattern);
  const units = record.units.map((saved, index) => restoreUnit(key, index + 1, saved));
  key.adopt(units, nowSeconds);
  key.last = key.units[last!];
  return key;
}

function restorePattern(record: PatternRecord): ClockPattern {
  const pattern = new ClockPattern();
  restoreCycle(pattern.hour, record.hour);
  pattern.counts.set(record.counts);
  pattern.cells.set(record.cells);
  const { length } = pattern.overlap;
  pattern.overlap.set(record.shares.subarray(0, length));
  pattern.phase.set(record.shares.subarray(length));
  const [mass, phaseMass, minute, period, best, usual] = record.numbers;
  pattern.mass = mass!;
  pattern.phaseMass = phaseMass!;
  pattern.minute = minute!;
  pattern.period = period!;
  pattern.best = best!;
  pattern.usual = usual!;
  return pattern;
}

function restoreUnit(key: KeyState, depth: number, record: UnitRecord): UnitState {
  const [usedAt, uses, first, second, third, mean, variance, lookedAt, firstLook, ratesAt] = record.numbers;
  const unit = new UnitState(key, depth, 0);
  unit.usedAtSeconds = usedAt!;
  unit.uses = uses!;
  unit.lastGaps.splice(0, 3, first!, second!, third!);
  unit.gapLogMean = mean!;
  unit.gapLogVariance = variance!;
  unit.lookedAtSeconds = lookedAt!;
  unit.firstLookSeconds = firstLook!;
  unit.rates.atSeconds = ratesAt!;
  const rates = unit.rates.counts.length;
  unit.rates.counts.set(record.shares.subarray(0, rates));
  unit.observed.set(record.shares.subarray(rates, rates + ZONE_COUNT));
  unit.predicted.set(record.shares.subarray(rates + ZONE_COUNT));
  if (record.gaps) unit.gaps.steps.set(record.gaps);
  if (record.own) unit.own = restoreLandmark(record.own);
  if (record.extra) unit.extra = restoreLandmark(record.extra);
  return unit;
}
