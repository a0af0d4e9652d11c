import { randomUUID } from 'node:crypto';
import type { Clock, Randomness } from '../clock.js';

/** The machine's own time. Its timers never keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref();
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** Unpredictable values of the operating system. */
export const systemRandomness: Randomness = { uuid: () => randomUUID() };
