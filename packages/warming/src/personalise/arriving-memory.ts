import type { MemoryInjection } from '../claim.js';
import { type Clock, sleep } from '../clock.js';

/** A user's memories on their way into a sandbox. Never rejects: what fails is left out, and why is told once. */
export class ArrivingMemory {
  #known: MemoryInjection | undefined;
  #failure: Error | undefined;
  readonly #arrival: Promise<void>;
  #isPending = false;

  /** @param check returns what is right, throws for what is not; used on what arrives later */
  constructor(
    given: MemoryInjection | PromiseLike<MemoryInjection | undefined>,
    check: (value: MemoryInjection) => MemoryInjection = (value) => value,
  ) {
    if (!isPromiseLike(given)) {
      this.#known = given;
      this.#arrival = Promise.resolve();
      return;
    }
    this.#isPending = true;
    const arrive = async (): Promise<void> => {
      try {
        const value = await given;
        this.#known = value && check(value);
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      } finally {
        this.#isPending = false;
      }
    };
    this.#arrival = arrive();
  }

  /** What has arrived. */
  get known(): MemoryInjection | undefined {
    return this.#known;
  }

  /** Resolves when it has arrived or failed. */
  get arrival(): Promise<void> {
    return this.#arrival;
  }

  /** Why there is none. Undefined once it was asked, so that it is told once. */
  takeFailure(): Error | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Resolves on arrival, and after `waitMs` in any case. */
  async within(clock: Clock, waitMs: number): Promise<void> {
    if (this.#isPending) await atMost(clock, waitMs, this.#arrival);
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
