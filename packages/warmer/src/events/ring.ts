import { compareEventIds, type LoggedEvent } from './log.js';

/** The newest events, bounded. What fell out is answered by "read the state again", never by silence. */
export class EventRing {
  readonly #capacity: number;
  readonly #events: LoggedEvent[] = [];
  #first = 0;
  #head: string;
  /** Id of the newest event that is no longer kept. */
  #forgotten: string;

  constructor(capacity: number, startId: string) {
    this.#capacity = capacity;
    this.#head = startId;
    this.#forgotten = startId;
  }

  get head(): string {
    return this.#head;
  }

  push(logged: LoggedEvent): void {
    this.#head = logged.event.id;
    this.#events.push(logged);
    if (this.#events.length - this.#first > this.#capacity) {
      this.#forgotten = this.#events[this.#first]!.event.id;
      this.#first += 1;
    }
    // Shifting an array of this length on each push would cost more than copying it once in a while.
    if (this.#first > this.#capacity) {
      this.#events.splice(0, this.#first);
      this.#first = 0;
    }
  }

  after(id: string): readonly LoggedEvent[] | undefined {
    if (compareEventIds(id, this.#forgotten) < 0) return undefined;
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareEventIds(this.#events[middle]!.event.id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }
}
