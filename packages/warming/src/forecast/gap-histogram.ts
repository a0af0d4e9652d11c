import { BIN_COUNT } from './bins.js';

const MEMORY = 0.98;
const ONE = 1_024;
/** What one step of a {@link GapHistogram} stands for. */
export const GAP_STEP = 1 / ONE;

/**
 * How often a unit's idle time ended in a bin, and how often it lasted to that bin. A bin forgets when it is lived through
 * and not otherwise, so a long silence is still known after a thousand short gaps. Sixteen bits hold a count.
 */
export class GapHistogram {
  /** Ends by bin, then times the bin was reached, in steps of a 1024th. */
  readonly steps = new Uint16Array(2 * BIN_COUNT);

  add(bin: number): void {
    const { steps } = this;
    for (let index = 0; index <= bin; index++) {
      steps[index] = steps[index]! * MEMORY + 0.5;
      steps[BIN_COUNT + index] = steps[BIN_COUNT + index]! * MEMORY + ONE + 0.5;
    }
    steps[bin]! += ONE;
  }
}
