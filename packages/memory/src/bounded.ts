import type { Clock } from './clock.js';
import { MemoryError, toMemoryError } from './errors.js';

export interface Bound {
  clock: Clock;
  timeoutMs: number;
  /** What is done, for messages: `Searching memories`. */
  what: string;
  signal?: AbortSignal | undefined;
}

/**
 * Runs `work` until it settles, its time is over or the caller gives up, whichever is first. `work` is told by its
 * signal; when it does not listen, its late answer is dropped. No timer and no listener is left behind.
 *
 * @throws MemoryError with code `timeout`, `aborted`, or what `work` failed with
 */
export async function bounded<Value>(bound: Bound, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const { clock, timeoutMs, what, signal } = bound;
  if (signal?.aborted) throw cancelled(what, signal);
  const inner = new AbortController();
  const settled = new AbortController();
  let giveUp: (() => void) | undefined;
  const callerLeft = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(cancelled(what, signal));
    signal?.addEventListener('abort', giveUp, { once: true });
  });
  const timeOver = clock.sleep(timeoutMs, settled.signal).then(() => {
    if (settled.signal.aborted) return new Promise<never>(() => undefined);
    throw new MemoryError(
      'timeout',
      `${what} took longer than ${timeoutMs} ms. Raise the timeout or look at the source.`,
    );
  });
  try {
    return await Promise.race([work(inner.signal), callerLeft, timeOver]);
  } catch (failure) {
    throw toMemoryError(failure, what);
  } finally {
    settled.abort();
    inner.abort();
    if (giveUp !== undefined) signal?.removeEventListener('abort', giveUp);
  }
}

function cancelled(what: string, signal: AbortSignal | undefined): MemoryError {
  return new MemoryError('aborted', `${what} was cancelled by its caller.`, { cause: signal?.reason });
}
