/** Time as an argument: production uses the system's, tests use their own. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back, for durations. */
  monotonicMs(): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted; leaves no timer behind then. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Identifiers and delimiters that nobody can guess. */
export interface Randomness {
  /** A fresh version 4 UUID. */
  uuid(): string;
}
