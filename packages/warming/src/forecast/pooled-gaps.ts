import { BIN_COUNT, BIN_EDGES } from './bins.js';
import { scaled } from './fixed-inputs.js';
import { GAP_STEP, type GapHistogram } from './gap-histogram.js';
import type { UnitState } from './unit.js';

const FORGET_ABOVE = 5_000;
const PRIOR_CHANCE = 0.15;
export const MOST_CHANCE = 0.98;

/** What the units of one class have in common: the chance per bin of idle time that it ends there. */
export class PooledGaps {
  readonly ended = new Float64Array(BIN_COUNT);
  readonly reached = new Float64Array(BIN_COUNT);
  private readonly inputs = new Float64Array(BIN_COUNT).fill(Number.NaN);

  add(bin: number): void {
    const { ended, reached } = this;
    this.inputs.fill(Number.NaN, 0, bin + 1);
    ended[bin]! += 1;
    for (let index = 0; index <= bin; index++) {
      reached[index]! += 1;
      if (reached[index]! <= FORGET_ABOVE) continue;
      reached[index]! *= 0.7;
      ended[index]! *= 0.7;
    }
  }

  /** The same as an input of the network. */
  input(bin: number): number {
    const known = this.inputs[bin]!;
    if (!Number.isNaN(known)) return known;
    const input = scaled(
      -Math.log(1 - Math.min(MOST_CHANCE, this.chance(bin))) / (BIN_EDGES[bin + 1]! - BIN_EDGES[bin]!),
    );
    this.inputs[bin] = input;
    return input;
  }

  restore(ended: Float64Array, reached: Float64Array): void {
    this.ended.set(ended);
    this.reached.set(reached);
    this.inputs.fill(Number.NaN);
  }

  chance(bin: number): number {
    return (this.ended[bin]! + 2 * PRIOR_CHANCE) / (this.reached[bin]! + 2);
  }
}

const DEPTH_CLASSES = 5;
const RATE_CLASSES = 5;
const DAY_MEMORY = 4;
const DAY_SECONDS = 86_400;

/** Units are pooled by how deep in the pool they stand, and by how busy their runtime is. */
export const POOL_CLASSES = DEPTH_CLASSES * RATE_CLASSES;

export function poolClass(unit: UnitState, seconds: number): number {
  const perDay = unit.key.rates.perSecond(DAY_MEMORY, seconds) * DAY_SECONDS;
  const busy = perDay < 4 ? 0 : perDay < 40 ? 1 : perDay < 400 ? 2 : perDay < 4_000 ? 3 : 4;
  return busy * DEPTH_CLASSES + depthClass(unit.depth);
}

function depthClass(depth: number): number {
  if (depth <= 1) return 0;
  if (depth === 2) return 1;
  if (depth <= 4) return 2;
  return depth <= 16 ? 3 : 4;
}

const PRIOR_WEIGHT = 4;

/** A unit's own gap histogram, shrunk towards its class: chance per bin that the gap ends there, into `target`. */
export function shrunkChance(own: GapHistogram, pool: PooledGaps, target: Float64Array): void {
  const { steps } = own;
  for (let index = 0; index < BIN_COUNT; index++) {
    const before = index > 0 ? index - 1 : index;
    const after = index < BIN_COUNT - 1 ? index + 1 : index;
    const ended = steps[before]! + 2 * steps[index]! + steps[after]!;
    const reached = steps[BIN_COUNT + before]! + 2 * steps[BIN_COUNT + index]! + steps[BIN_COUNT + after]!;
    const scale = 0.25 * GAP_STEP;
    target[index] = (scale * ended + PRIOR_WEIGHT * pool.chance(index)) / (scale * reached + PRIOR_WEIGHT);
  }
}
