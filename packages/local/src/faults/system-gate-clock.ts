import type { GateClock } from './fault-gate.js';

/** The real clock; its timers keep no process alive. */
export const systemGateClock: GateClock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve(false);
        return;
      }
      const timer = setTimeout(() => finish(true), ms);
      timer.unref();
      const onAbort = () => finish(false);
      const finish = (isTime: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve(isTime);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    }),
};
