const FIRST = [0, 1, 2, 3, 4, 5, 7];
const PER_DOUBLING = 2;
const FIRST_LOG_EDGE = 7;
/** So many bins two per doubling, up to four hours; what comes later is decided by the hour of the day, or hardly at all. */
const FINE_BINS = 22;
const LAST = [28_672, 57_344, 114_688, 229_376, 917_504, 2_400_000];
const FIRST_LAST_BIN = FIRST.length - 1 + FINE_BINS;

/** Elapsed-time bins, in seconds: one second wide up to five, then two per doubling, then coarser up to four weeks. */
export const BIN_EDGES: Float64Array = Float64Array.from([
  ...FIRST,
  ...Array.from({ length: FINE_BINS }, (_, step) => FIRST_LOG_EDGE * 2 ** ((step + 1) / PER_DOUBLING)),
  ...LAST,
]);

export const BIN_COUNT = BIN_EDGES.length - 1;

/** Nothing is planned further ahead than this. */
export const HORIZON_SECONDS = LAST.at(-1)!;

/** The bin of an elapsed time; times beyond the last edge fall into the last bin. */
export function binOf(seconds: number): number {
  if (seconds < 5) return seconds < 0 ? 0 : Math.floor(seconds);
  if (seconds < FIRST_LOG_EDGE) return 5;
  const bin = 6 + Math.floor(Math.log2(seconds / FIRST_LOG_EDGE) * PER_DOUBLING + 1e-9);
  if (bin < FIRST_LAST_BIN) return bin;
  let last = FIRST_LAST_BIN;
  while (last < BIN_COUNT - 1 && BIN_EDGES[last + 1]! <= seconds) last++;
  return last;
}
