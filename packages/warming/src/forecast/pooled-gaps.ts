import { BIN_COUNT } from './bins.js';
import type { UnitState } from './unit.js';

const REFRESH_EVERY = 64;
const FORGET_ABOVE = 20_000;

/** What the units of one class have in common: the chance per elapsed-time bin that the gap ends there. */
export class PooledGaps {
  readonly counts = new Float64Array(BIN_COUNT);
  readonly chance = new Float64Array(BIN_COUNT).fill(0.15);
  total = 0;

  add(bin: number): void {
    this.counts[bin]! += 1;
    this.total++;
    if (Math.floor(this.total) % REFRESH_EVERY === 0) this.refresh();
    if (this.total > FORGET_ABOVE) {
      for (let index = 0; index < BIN_COUNT; index++) this.counts[index]! *= 0.7;
      this.total *= 0.7;
    }
  }

  refresh(): void {
    let survivors = 2;
    for (let index = BIN_COUNT - 1; index >= 0; index--) {
      survivors += this.counts[index]!;
      this.chance[index] = (this.counts[index]! + 0.2) / (survivors + 1);
    }
  }
}

const DEPTH_CLASSES = 4;
const RATE_CLASSES = 4;
const DAY_MEMORY = 4;
const DAY_SECONDS = 86_400;

/** Units are pooled by how deep in the pool they stand, and by how busy their runtime is. */
export const POOL_CLASSES = DEPTH_CLASSES * RATE_CLASSES;

export function poolClass(unit: UnitState, seconds: number): number {
  const perDay = unit.key.rates.perSecond(DAY_MEMORY, seconds) * DAY_SECONDS;
  const busy = perDay < 4 ? 0 : perDay < 40 ? 1 : perDay < 400 ? 2 : 3;
  return busy * DEPTH_CLASSES + depthClass(unit.depth);
}

function depthClass(depth: number): number {
  if (depth <= 1) return 0;
  if (depth === 2) return 1;
  return depth <= 4 ? 2 : 3;
}

const PRIOR_WEIGHT = 4;

/** A unit's own gap histogram, shrunk towards its class: chance per bin that the gap ends there, into `target`. */
export function shrunkChance(own: Float32Array, pool: PooledGaps, target: Float64Array): void {
  let survivors = 0;
  for (let index = BIN_COUNT - 1; index >= 0; index--) {
    const before = index > 0 ? own[index - 1]! : 0;
    const after = index < BIN_COUNT - 1 ? own[index + 1]! : 0;
    survivors += own[index]!;
    const smooth = 0.25 * before + 0.5 * own[index]! + 0.25 * after;
    target[index] = (smooth + PRIOR_WEIGHT * pool.chance[index]!) / (survivors + 0.25 * before + PRIOR_WEIGHT);
  }
}
