import type { Clock } from '../clock.js';

interface Line {
  readonly waiting: {
    readonly atMs: number;
    readonly runtime: string | undefined;
    readonly work: () => Promise<unknown>;
  }[];
  cancel(): void;
}

/** Work that nobody awaits while it goes on, but that must have ended before the manager has. */
export class Background {
  readonly #clock: Clock;
  readonly #failed: (runtime: string | undefined, error: Error) => void;
  readonly #underWay = new Set<Promise<void>>();
  /** What waits for its time, by how long it waits: what came first is due first, so that one timer serves a line. */
  readonly #lines = new Map<number, Line>();
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
    const entry = { atMs: this.#clock.monotonicMs() + delayMs, runtime, work };
    const line = this.#lines.get(delayMs);
    if (line) line.waiting.push(entry);
    else
      this.#lines.set(delayMs, { waiting: [entry], cancel: this.#clock.schedule(delayMs, () => this.#serve(delayMs)) });
  }

  /** Drops what has not begun. */
  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#lines.values()) cancel();
    this.#lines.clear();
  }

  #serve(delayMs: number): void {
    const waiting = this.#lines.get(delayMs)?.waiting ?? [];
    this.#lines.delete(delayMs);
    const nowMs = this.#clock.monotonicMs();
    // Timers may ring a fraction early.
    const due = waiting.findIndex(({ atMs }) => atMs > nowMs + 1);
    const left = due === -1 ? [] : waiting.splice(due);
    const [next] = left;
    if (next) {
      const cancel = this.#clock.schedule(Math.max(1, next.atMs - nowMs), () => this.#serve(delayMs));
      this.#lines.set(delayMs, { waiting: left, cancel });
    }
    for (const { runtime, work } of waiting) this.run(runtime, work);
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
