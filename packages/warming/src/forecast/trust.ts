import { POOL_CLASSES } from './pooled-gaps.js';

const MEMORY = 0.998;
const HEAD_START = 4;
const MOST_PER_LESSON = 20;
const FURTHEST = 40;
const MOST_SHARE = 0.97;

/**
 * How far the network is believed, against the gap histograms of a unit and its class alone: by which of them foresaw
 * better lately, class by class. Their chances are mixed, so drift costs no more than noticing it takes, and a higher
 * price still holds a superset.
 */
export class Trust {
  /** Decayed log-likelihood by which the network is ahead. */
  readonly ahead = new Float64Array(POOL_CLASSES).fill(HEAD_START);

  settle(unitClass: number, networkLoss: number, histogramLoss: number): void {
    const better = Math.max(-MOST_PER_LESSON, Math.min(MOST_PER_LESSON, histogramLoss - networkLoss));
    this.ahead[unitClass] = Math.max(-FURTHEST, Math.min(FURTHEST, this.ahead[unitClass]! * MEMORY + better));
  }

  /** Weight of the network, 0 to 1. It is never believed alone: see {@link odds}. */
  share(unitClass: number): number {
    return MOST_SHARE / (1 + Math.exp(-this.ahead[unitClass]!));
  }

  /**
   * The same as odds. Along a plan they go down as a use that the network foresaw does not come, so that what it did not
   * understand is left to the histograms instead of being held, or let go, by what is known to be wrong.
   */
  odds(unitClass: number): number {
    const share = this.share(unitClass);
    return share / (1 - share);
  }
}
