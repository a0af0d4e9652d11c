const STEPS_PER_DOUBLING = 16;
const LEAST_LOG_LOAD = -14;
const ROWS = 26 * STEPS_PER_DOUBLING + 1;
/** Deeper units are told apart no more. */
const DEEPEST = 1_000;

/** Logs of overflow shares by depth, one row per step of load; a table of a formula, filled as it is asked for. */
const table: (Float32Array | undefined)[] = new Array(ROWS).fill(undefined);

function rowOf(index: number, depth: number): Float32Array {
  const known = table[index];
  if (known && known.length > depth) return known;
  const load = 2 ** (LEAST_LOG_LOAD + index / STEPS_PER_DOUBLING);
  const row = new Float32Array(Math.min(DEEPEST, Math.max(16, 2 * depth)) + 1);
  let loss = 1;
  for (let unit = 1; unit < row.length; unit++) {
    const before = loss;
    loss = (load * loss) / (unit + load * loss);
    row[unit] = Math.log(Math.max(1e-30, before - loss));
  }
  table[index] = row;
  return row;
}

/**
 * How often claims reach exactly the unit at `depth` when the shallower ones are taken first, for claims that come at
 * random with `load` of them per lead time: a difference of two Erlang losses (Smith 1977).
 */
export function overflowShare(depth: number, load: number): number {
  const unit = Math.min(depth, DEEPEST);
  const steps = (Math.log2(Math.max(load, 1e-9)) - LEAST_LOG_LOAD) * STEPS_PER_DOUBLING;
  const at = Math.max(0, Math.min(ROWS - 1.001, steps));
  const left = Math.floor(at);
  const low = rowOf(left, unit)[unit]!;
  const high = rowOf(left + 1, unit)[unit]!;
  return Math.exp(low + (at - left) * (high - low));
}
