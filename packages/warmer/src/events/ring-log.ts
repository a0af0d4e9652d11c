import type { LoggedEvent } from './log.js';
import { EventRing } from './ring.js';

/** What every log does alike: keep the newest events and tell them on. */
export abstract class RingLog {
  readonly #ring: EventRing;
  readonly #listeners = new Set<(logged: LoggedEvent) => void>();

  constructor(capacity: number, startId: string) {
    this.#ring = new EventRing(capacity, startId);
  }

  head(): string {
    return this.#ring.head;
  }

  after(id: string): readonly LoggedEvent[] | undefined {
    return this.#ring.after(id);
  }

  subscribe(listener: (logged: LoggedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  /** Puts an event, which has its id, at the end. */
  protected take(logged: LoggedEvent): void {
    this.#ring.push(logged);
    for (const listener of this.#listeners) listener(logged);
  }
}
