// An engine loads it at its start: reading it takes real time, and where this clock is, only its own time goes on.
import '../forecast/default-policy.js';
import type { Clock } from '../clock.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that a test moves. Its timers fire in order, with everything they set off settled in between. */
export class FakeClock implements Clock {
  #wallMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves the wall clock alone, as an administrator or a time server does. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  async advance(byMs: number): Promise<void> {
    const endMs = this.#elapsedMs + byMs;
    await settle();
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#move(next.atMs);
      next.callback();
      await settle();
    }
    this.#move(endMs);
    await settle();
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }

  #move(toMs: number): void {
    const byMs = Math.max(0, toMs - this.#elapsedMs);
    this.#elapsedMs += byMs;
    this.#wallMs += byMs;
  }
}

/** Lets everything that waits for nothing but a turn have its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
