import type { MemoryInjection } from '../claim.js';
import { type Clock, sleep } from '../clock.js';

/** A user's memories on their way into a sandbox. Never rejects: what fails is left out, and why is told once. */
export class ArrivingMemory {
  #known: MemoryInjection | undefined;
  #failure: Error | undefined;
  /** Until it has arrived or failed. */
  #arriving: Promise<void> | undefined;

  /** @param check returns what is right, throws for what is not; used on what arrives later */
  constructor(
    given: MemoryInjection | PromiseLike<MemoryInjection | undefined>,
    check: (value: MemoryInjection) => MemoryInjection = (value) => value,
  ) {
    if (isPromiseLike(given)) this.#arriving = this.#arrive(given, check);
    else this.#known = given;
  }

  /** What has arrived. */
  get known(): MemoryInjection | undefined {
    return this.#known;
  }

  /** Resolves when it has arrived or failed. */
  get arrival(): Promise<void> {
    return this.#arriving ?? Promise.resolve();
  }

  /** Why there is none. Undefined once it was asked, so that it is told once. */
  takeFailure(): Error | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Resolves on arrival, and after `waitMs` in any case. */
  async within(clock: Clock, waitMs: number): Promise<void> {
    if (this.#arriving) await atMost(clock, waitMs, this.#arriving);
  }

  async #arrive(
    given: PromiseLike<MemoryInjection | undefined>,
    check: (value: MemoryInjection) => MemoryInjection,
  ): Promise<void> {
    try {
      const value = await given;
      this.#known = value && check(value);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#arriving = undefined;
    }
  }
}

/** Waits for work that never rejects, and no longer than `waitMs`. Leaves no timer. */
export async function atMost(clock: Clock, waitMs: number, work: Promise<void>): Promise<void> {
  const stop = new AbortController();
  const waited = sleep(clock, waitMs, stop.signal).catch(() => undefined);
  await Promise.race([work, waited]).finally(() => stop.abort());
}

export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as PromiseLike<Value> | undefined)?.then === 'function';
}
