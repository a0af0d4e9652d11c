const FIRST = [0, 1, 2, 3, 4, 5, 7];
const PER_DOUBLING = 2;
const FIRST_LOG_EDGE = 7;
const LAST_EDGE = 2_400_000;

/** Elapsed-time bins, in seconds: one second wide up to five, then two per doubling up to about four weeks. */
export const BIN_EDGES: Float64Array = edges();

export const BIN_COUNT = BIN_EDGES.length - 1;

/** Nothing is planned further ahead than this. */
export const HORIZON_SECONDS = LAST_EDGE;

/** The bin of an elapsed time; times beyond the last edge fall into the last bin. */
export function binOf(seconds: number): number {
  if (seconds < 5) return seconds < 0 ? 0 : Math.floor(seconds);
  if (seconds < FIRST_LOG_EDGE) return 5;
  const bin = 6 + Math.floor(Math.log2(seconds / FIRST_LOG_EDGE) * PER_DOUBLING + 1e-9);
  return bin >= BIN_COUNT ? BIN_COUNT - 1 : bin;
}

function edges(): Float64Array {
  const list = [...FIRST];
  for (let step = 1; ; step++) {
    const edge = FIRST_LOG_EDGE * 2 ** (step / PER_DOUBLING);
    if (edge >= LAST_EDGE) break;
    list.push(edge);
  }
  list.push(LAST_EDGE);
  return Float64Array.from(list);
}
