import { type EventAudience, type EventDraft, type EventLog, nextEventId } from '../events/log.js';
import { RingLog } from '../events/ring-log.js';

/** The stream of a service that is one process. */
export class MemoryEventLog extends RingLog implements EventLog {
  readonly #now: () => number;

  constructor(options: { now: () => number; capacity?: number }) {
    super(options.capacity ?? 20_000, `${options.now()}-0`);
    this.#now = options.now;
  }

  append(draft: EventDraft, audience: EventAudience): void {
    const atMs = this.#now();
    this.take({ event: { ...draft, id: nextEventId(this.head(), atMs), atMs }, audience });
  }
}
