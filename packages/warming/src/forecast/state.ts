import { decodeState, encodeState } from '../target/state-codec.js';
import type { ForecastPolicy, KeySettings } from './forecast.js';
import type { HintBook } from './hints.js';
import { KeyState } from './key.js';
import { type Landmark, UnitState, ZONE_COUNT } from './unit.js';
import type { UnitPlanner } from './unit-planner.js';

const FAMILY = 'forecast';
const VERSION = 1;

/** Numbers of a landmark: time, three recent counts, learned until, planned from. */
type LandmarkRecord = [inputs: Float32Array, numbers: Float64Array];

interface UnitRecord {
  /** Last use, uses, three last gaps, log mean and variance of gaps, first and last extra look, time of the rates. */
  numbers: Float64Array;
  counts: Float32Array;
  gaps: Float32Array;
  /** Observed, then predicted uses per zone. */
  zones: Float32Array;
  own: LandmarkRecord | undefined;
  extra: LandmarkRecord[];
  /** Time, worth, then the windows. */
  plan: Float64Array | undefined;
}

interface KeyRecord {
  name: string;
  leadSeconds: number;
  claims: number;
  parking: KeyState['parking'];
  minute: [number, number, number];
  rates: { counts: Float64Array; atSeconds: number };
  season: { hours: Float32Array; days: Float32Array; total: number };
  last: number;
  units: UnitRecord[];
}

interface PlannerRecord {
  weights: Float64Array;
  averaged: Float64Array;
  pools: { counts: Float64Array; total: number }[];
  season: { hours: Float64Array; total: number };
  keys: KeyRecord[];
}

interface ForecastRecord {
  seconds: number;
  own: PlannerRecord;
  generic: PlannerRecord | undefined;
  settings: Map<string, KeySettings>;
  hints: Pick<HintBook, 'live' | 'sources'>;
}

/** The state of a forecast policy as bytes. */
export function saveForecast(policy: ForecastPolicy): Uint8Array {
  const record: ForecastRecord = {
    seconds: policy.time.seconds,
    own: plannerRecord(policy.own),
    generic: policy.generic && plannerRecord(policy.generic.planner),
    settings: policy.settings,
    hints: { live: policy.hints.live, sources: policy.hints.sources },
  };
  return encodeState(FAMILY, VERSION, record);
}

/** @throws WarmingError `ledger_corrupt` when the bytes are damaged or foreign */
export function restoreForecast(policy: ForecastPolicy, bytes: Uint8Array): void {
  const record = decodeState(FAMILY, VERSION, bytes) as ForecastRecord;
  policy.time.seconds = record.seconds;
  restorePlanner(policy.own, record.own, record.seconds);
  if (policy.generic && record.generic) restorePlanner(policy.generic.planner, record.generic, record.seconds);
  policy.settings.clear();
  for (const [key, settings] of record.settings) policy.settings.set(key, settings);
  policy.hints.live = record.hints.live;
  policy.hints.sources = record.hints.sources;
}

function plannerRecord({ demand }: UnitPlanner): PlannerRecord {
  const { network, pools, season } = demand.learner;
  return {
    weights: network.weights,
    averaged: network.averaged,
    pools: pools.map(({ counts, total }) => ({ counts, total })),
    season: { hours: season.hours, total: season.total },
    keys: [...demand.keys.values()].map(keyRecord),
  };
}

function keyRecord(key: KeyState): KeyRecord {
  return {
    name: key.name,
    leadSeconds: key.leadSeconds,
    claims: key.claims,
    parking: key.parking,
    minute: [key.minute, key.inMinute, key.inMinuteBefore],
    rates: { counts: key.rates.counts, atSeconds: key.rates.atSeconds },
    season: { hours: key.season.hours, days: key.season.days, total: key.season.total },
    last: key.last ? key.last.depth - 1 : -1,
    units: key.units.map(unitRecord),
  };
}

function unitRecord(unit: UnitState): UnitRecord {
  return {
    numbers: Float64Array.of(
      unit.usedAtSeconds,
      unit.uses,
      ...unit.lastGaps,
      unit.gapLogMean,
      unit.gapLogVariance,
      unit.firstExtraAtSeconds,
      unit.lastExtraAtSeconds,
      unit.rates.atSeconds,
    ),
    counts: Float32Array.from(unit.rates.counts),
    gaps: unit.gaps,
    zones: Float32Array.of(...unit.observed, ...unit.predicted),
    own: unit.own && landmarkRecord(unit.own),
    extra: unit.extra.map(landmarkRecord),
    plan: unit.plan && Float64Array.of(unit.plan.atSeconds, unit.plan.worthSeconds, ...unit.plan.windows),
  };
}

function landmarkRecord(mark: Landmark): LandmarkRecord {
  return [mark.inputs, Float64Array.of(mark.atSeconds, ...mark.recent, mark.learnedSeconds, mark.fromSeconds)];
}

function restoreLandmark([inputs, numbers]: LandmarkRecord): Landmark {
  return {
    inputs: Float32Array.from(inputs),
    atSeconds: numbers[0]!,
    recent: [numbers[1]!, numbers[2]!, numbers[3]!],
    learnedSeconds: numbers[4]!,
    fromSeconds: numbers[5]!,
  };
}

function restorePlanner(planner: UnitPlanner, record: PlannerRecord, nowSeconds: number): void {
  const { demand, holding } = planner;
  const { network, pools, season } = demand.learner;
  for (const key of [...demand.keys.keys()]) planner.remove(key);
  network.weights.set(record.weights);
  network.averaged.set(record.averaged);
  record.pools.forEach((saved, index) => {
    pools[index]!.counts.set(saved.counts);
    pools[index]!.total = saved.total;
    if (saved.total > 0) pools[index]!.refresh();
  });
  season.hours.set(record.season.hours);
  season.total = record.season.total;
  for (const saved of record.keys) {
    const key = restoreKey(saved);
    demand.keys.set(key.name, key);
    for (const unit of key.units) {
      demand.units.push(unit);
      if (unit.plan) holding.adopt(unit, unit.plan, nowSeconds);
    }
  }
}

function restoreKey(record: KeyRecord): KeyState {
  const key = new KeyState(record.name, record.leadSeconds, record.rates.atSeconds);
  key.claims = record.claims;
  key.parking = record.parking;
  [key.minute, key.inMinute, key.inMinuteBefore] = record.minute;
  key.rates.counts.set(record.rates.counts);
  key.season.hours.set(record.season.hours);
  key.season.days.set(record.season.days);
  key.season.total = record.season.total;
  for (const [index, saved] of record.units.entries()) key.units.push(restoreUnit(key, index + 1, saved));
  key.last = key.units[record.last];
  return key;
}

function restoreUnit(key: KeyState, depth: number, record: UnitRecord): UnitState {
  const [usedAt, uses, first, second, third, mean, variance, firstExtra, lastExtra, ratesAt] = record.numbers;
  const unit = new UnitState(key, depth, 0);
  unit.usedAtSeconds = usedAt!;
  unit.uses = uses!;
  unit.lastGaps.splice(0, 3, first!, second!, third!);
  unit.gapLogMean = mean!;
  unit.gapLogVariance = variance!;
  unit.firstExtraAtSeconds = firstExtra!;
  unit.lastExtraAtSeconds = lastExtra!;
  unit.rates.atSeconds = ratesAt!;
  unit.rates.counts.set(record.counts);
  unit.gaps.set(record.gaps);
  unit.observed.set(record.zones.subarray(0, ZONE_COUNT));
  unit.predicted.set(record.zones.subarray(ZONE_COUNT));
  unit.own = record.own && restoreLandmark(record.own);
  unit.extra = record.extra.map(restoreLandmark);
  if (record.plan) {
    const [atSeconds, worthSeconds, ...windows] = record.plan;
    unit.plan = { atSeconds: atSeconds!, worthSeconds: worthSeconds!, windows };
  }
  return unit;
}
