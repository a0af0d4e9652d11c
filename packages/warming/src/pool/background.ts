import type { Clock } from '../clock.js';

/** Work that nobody awaits while it goes on, but that must have ended before the manager has. */
export class Background {
  readonly #clock: Clock;
  readonly #failed: (runtime: string | undefined, error: Error) => void;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timers = new Set<() => void>();
  #stopped = false;

  constructor(clock: Clock, failed: (runtime: string | undefined, error: Error) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  run(runtime: string | undefined, work: () => Promise<unknown>): void {
    const running = work().then(
      () => undefined,
      (error: unknown) => this.#failed(runtime, error instanceof Error ? error : new Error(String(error))),
    );
    this.#underWay.add(running);
    void running.then(() => this.#underWay.delete(running));
  }

  later(delayMs: number, runtime: string | undefined, work: () => Promise<unknown>): void {
    if (this.#stopped) return;
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(cancel);
      this.run(runtime, work);
    });
    this.#timers.add(cancel);
  }

  /** Drops what has not begun. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
