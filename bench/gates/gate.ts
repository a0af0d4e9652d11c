/** One ratio of two medians of the same run, and the ones measured before. */
export interface Gate {
  /** What the ratio should be at most. */
  limit: number;
  /** Ratios of earlier runs, oldest first. */
  history: number[];
}

export interface Verdict {
  ratio: number;
  /** The limit with the tolerance on top of it: what fails the gate when it is exceeded. */
  allowed: number;
  pass: boolean;
  /** Against the median of the history; undefined without one. Tells of a slow drift below the limit. */
  drift: number | undefined;
}

/** Pure. A ratio that is not a number does not pass. */
export function judge(gate: Gate, ratio: number, tolerance: number): Verdict {
  const allowed = gate.limit * (1 + tolerance);
  const sorted = gate.history.toSorted((first, second) => first - second);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  return { ratio, allowed, pass: ratio <= allowed, drift: median === undefined ? undefined : ratio / median - 1 };
}
