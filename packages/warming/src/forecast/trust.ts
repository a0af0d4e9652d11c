import { POOL_CLASSES } from './pooled-gaps.js';

const MEMORY = 0.998;
const HEAD_START = 4;
const MOST_PER_LESSON = 20;
const FURTHEST = 40;

/**
 * How far the network is believed, against the gap histograms of a unit and its class alone: by which of them foresaw
 * better lately, class by class. Their intensities are mixed, so drift costs no more than noticing it takes, and a higher
 * price still holds a superset.
 */
export class Trust {
  /** Decayed log-likelihood by which the network is ahead. */
  readonly ahead = new Float64Array(POOL_CLASSES).fill(HEAD_START);

  settle(unitClass: number, networkLoss: number, histogramLoss: number): void {
    const better = Math.max(-MOST_PER_LESSON, Math.min(MOST_PER_LESSON, histogramLoss - networkLoss));
    this.ahead[unitClass] = Math.max(-FURTHEST, Math.min(FURTHEST, this.ahead[unitClass]! * MEMORY + better));
  }

  /** Weight of the network, 0 to 1. */
  share(unitClass: number): number {
    return 1 / (1 + Math.exp(-this.ahead[unitClass]!));
  }
}
