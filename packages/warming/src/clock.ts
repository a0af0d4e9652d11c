/** Time as the engine sees it; a test passes one that it moves by hand. */
export interface Clock {
  /** Wall clock in epoch milliseconds. May jump. */
  nowMs(): number;
  /** Never falls; only differences mean something. In milliseconds, with fractions. */
  monotonicMs(): number;
  /**
   * Calls back once after a delay.
   *
   * @param keepAlive whether waiting for it keeps the process alive
   * @returns what cancels it; idempotent
   */
  schedule(delayMs: number, callback: () => void, keepAlive?: boolean): () => void;
}

/** Longest delay a timer of Node takes. */
const longestDelayMs = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, callback, keepAlive = false) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), longestDelayMs));
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after a delay; rejects with the signal's reason when it is aborted first. Leaves no timer and no listener. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = clock.schedule(
      delayMs,
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      true,
    );
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}
