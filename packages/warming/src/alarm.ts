import type { Clock } from './clock.js';

/** One timer that keeps the earliest of the times it was set to. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  readonly #keepAlive: boolean;
  #set: { readonly atMs: number; cancel(): void } | undefined;

  constructor(clock: Clock, ring: () => void, keepAlive = false) {
    this.#clock = clock;
    this.#ring = ring;
    this.#keepAlive = keepAlive;
  }

  set(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (this.#set && this.#set.atMs <= atMs) return;
    this.#set?.cancel();
    const ring = () => {
      this.#set = undefined;
      this.#ring();
    };
    this.#set = { atMs, cancel: this.#clock.schedule(delayMs, ring, this.#keepAlive) };
  }

  cancel(): void {
    this.#set?.cancel();
    this.#set = undefined;
  }
}
