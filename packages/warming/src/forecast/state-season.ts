import type { Cycle } from './season.js';

/** Counts by slot, those of the round that is not over, and where the cycle stands. */
export type CycleRecord = [counts: Float32Array, current: Uint16Array, numbers: Float64Array];

export function cycleRecord(cycle: Cycle): CycleRecord {
  return [cycle.counts, cycle.current, Float64Array.from(cycle.save())];
}

export function restoreCycle(cycle: Cycle, [counts, current, numbers]: CycleRecord): void {
  cycle.counts.set(counts);
  cycle.current.set(current);
  cycle.restore([...numbers]);
}
