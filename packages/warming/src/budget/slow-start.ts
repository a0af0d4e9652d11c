/** How many refills a pool may have under way: one after a failure, twice as many after each success. */
export interface SlowStart {
  readonly window: number;
  readonly failures: number;
  readonly notBeforeMs: number;
}

export interface BackOff {
  readonly firstMs: number;
  /** A bound in minutes, not in hours: one outage must not become a day of cold starts. */
  readonly longestMs: number;
}

export const freshStart: SlowStart = { window: Number.POSITIVE_INFINITY, failures: 0, notBeforeMs: 0 };

/** @param random in [0, 1), spreads replicas that failed together */
export function afterFailure(state: SlowStart, backOff: BackOff, nowMs: number, random: number): SlowStart {
  const failures = state.failures + 1;
  const delayMs = Math.min(backOff.longestMs, backOff.firstMs * 2 ** Math.min(failures - 1, 30));
  return { window: 1, failures, notBeforeMs: nowMs + delayMs * (1 + random / 2) };
}

export function afterSuccess(state: SlowStart): SlowStart {
  return { window: state.window * 2, failures: 0, notBeforeMs: 0 };
}
