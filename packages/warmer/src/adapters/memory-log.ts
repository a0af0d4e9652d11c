import { type EventAudience, type EventDraft, type EventLog, type LoggedEvent, nextEventId } from '../events/log.js';
import { EventRing } from '../events/ring.js';

/** The stream of a service that is one process. */
export class MemoryEventLog implements EventLog {
  readonly #now: () => number;
  readonly #ring: EventRing;
  readonly #listeners = new Set<(logged: LoggedEvent) => void>();

  constructor(options: { now: () => number; capacity?: number }) {
    this.#now = options.now;
    this.#ring = new EventRing(options.capacity ?? 20_000, `${options.now()}-0`);
  }

  append(draft: EventDraft, audience: EventAudience): void {
    const atMs = this.#now();
    const event = { ...draft, id: nextEventId(this.#ring.head, atMs), atMs };
    const logged = { event, audience };
    this.#ring.push(logged);
    for (const listener of this.#listeners) listener(logged);
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
}
