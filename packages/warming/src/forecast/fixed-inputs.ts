import { overflowShare } from './erlang.js';
import type { Fleet } from './fleet.js';
import { DECAY_SECONDS, RATE_COUNT } from './rates.js';
import type { UnitState } from './unit.js';

export const FIXED_INPUTS = 2 * RATE_COUNT + 37;

const DAY = 4;

/** Brings log intensities and log rates to about [-1, 2]. */
export function scaled(perSecond: number): number {
  return Math.log(perSecond + 1e-7) * 0.3 + 2;
}

/** Intensity that overflows to a unit when claims come at random at this rate. */
export function overflowing(unit: UnitState, perSecond: number): number {
  return scaled(perSecond * overflowShare(unit.depth, perSecond * unit.key.leadSeconds));
}

const logTime = (seconds: number): number => Math.log(seconds + 1) * 0.3 - 1;

/** Inputs are kept in steps of this size, so that two bytes hold one. */
export const INPUT_STEP = 1 / 1024;
const MOST_STEPS = 32_767;

/** Inputs that stay as they are from a landmark on. */
export function fixedInputs(unit: UnitState, fleet: Fleet, seconds: number): Float32Array {
  const inputs = exactInputs(unit, fleet, seconds);
  for (let index = 0; index < FIXED_INPUTS; index++) {
    const steps = Math.round(inputs[index]! / INPUT_STEP);
    inputs[index] = Math.max(-MOST_STEPS, Math.min(MOST_STEPS, steps)) * INPUT_STEP;
  }
  return inputs;
}

function exactInputs(unit: UnitState, fleet: Fleet, seconds: number): Float32Array {
  const { key } = unit;
  const { pattern, season } = key;
  const inputs = new Float32Array(FIXED_INPUTS);
  let at = 0;
  for (let index = 0; index < RATE_COUNT; index++) {
    const perSecond = key.rates.perSecond(index, seconds);
    inputs[at++] = scaled(perSecond);
    if (index < 3) inputs[at++] = overflowing(unit, perSecond);
  }
  for (let index = 0; index < RATE_COUNT; index++) inputs[at++] = scaled(unit.rates.perSecond(index, seconds));
  const [first, second, third] = unit.lastGaps;
  inputs[at++] = logTime(first);
  inputs[at++] = Math.log((first + 5) / (second + 5)) * 0.3;
  inputs[at++] = Math.log((second + 5) / (third + 5)) * 0.3;
  inputs[at++] = unit.gapLogMean * 0.3 - 1;
  inputs[at++] = Math.sqrt(unit.gapLogVariance + 0.01) * 0.5;
  inputs[at++] = Math.log(unit.uses + 1) * 0.3;
  inputs[at++] = Math.log(key.claims + 1) * 0.2;
  inputs[at++] = Math.log(unit.depth) * 0.5;
  inputs[at++] = Math.log(Math.min(600, Math.max(0.5, key.leadSeconds))) * 0.3 - 0.8;
  inputs[at++] = unit.uses < 1 ? 1 : 0;
  inputs[at++] = unit.uses < 1 ? 0 : logTime(seconds - unit.usedAtSeconds);
  inputs[at++] = logTime(seconds - key.firstAtSeconds);
  inputs[at++] = logTime(key.lastGapSeconds);
  const busy = key.busyCount(seconds);
  inputs[at++] = Math.log(busy + 1) * 0.6;
  inputs[at++] = Math.log((busy + 1) / (unit.depth + 1)) * 0.6;
  const minute = Math.floor(seconds / 60);
  const now = key.minute === minute ? key.inMinute : 0;
  const before = key.minute === minute ? key.inMinuteBefore : key.minute === minute - 1 ? key.inMinute : 0;
  const elapsed = seconds - minute * 60;
  inputs[at++] = Math.log(now + 1) * 0.5;
  inputs[at++] = Math.log(before + 1) * 0.5;
  inputs[at++] = elapsed / 60 - 0.5;
  inputs[at++] = Math.log(((now * 60) / (elapsed + 6) + 1) / (before + 1)) * 0.5;
  const usual = fleet.rates.perSecond(DAY, seconds) + 1e-5;
  for (let index = 0; index < 3; index++) {
    const seldom = 1 / DECAY_SECONDS[index]!;
    inputs[at++] = Math.log((fleet.rates.perSecond(index, seconds) + seldom) / (usual + seldom)) * 0.5;
  }
  inputs[at++] = scaled(usual);
  inputs[at++] = fleet.season.hours.factor(seconds);
  inputs[at++] = season.hours.factor(seconds);
  if (pattern) {
    inputs[at++] = 1;
    inputs[at++] = pattern.best;
    inputs[at++] = pattern.best - pattern.usual;
    inputs[at++] = Math.log(pattern.period) * 0.3;
    inputs[at++] = pattern.peak().share;
    inputs[at++] = pattern.hour.factor(seconds);
    let lately = 0;
    for (let back = 1; back <= 5; back++) lately += pattern.hour.factor(seconds + 3_600 - back * 60);
    inputs[at++] = lately / 5;
  }
  return inputs;
}
