/** Width of a day of the calendar, in milliseconds. */
const widthMs = 1000;

/** Finds what is due in time that grows with what is due, not with what is kept. */
export class Calendar {
  readonly #days = new Map<number, Map<string, number>>();
  /** No entry stands before this day. */
  #firstDay = Number.POSITIVE_INFINITY;

  put(id: string, atMs: number): void {
    const day = Math.floor(atMs / widthMs);
    const entries = this.#days.get(day);
    if (entries) entries.set(id, atMs);
    else this.#days.set(day, new Map([[id, atMs]]));
    this.#firstDay = Math.min(this.#firstDay, day);
  }

  drop(id: string, atMs: number): void {
    const day = Math.floor(atMs / widthMs);
    const entries = this.#days.get(day);
    if (entries?.delete(id) && entries.size === 0) this.#days.delete(day);
  }

  /** What is due up to and including this moment, the earliest first. */
  due(beforeMs: number, limit: number): string[] {
    const lastDay = Math.floor(beforeMs / widthMs);
    const found: string[] = [];
    // After a jump of the clock the days in between may be many more than those in use.
    const days =
      lastDay - this.#firstDay > this.#days.size
        ? [...this.#days.keys()].filter((day) => day <= lastDay).sort((first, second) => first - second)
        : range(this.#firstDay, lastDay);
    for (const day of days) {
      const entries = this.#days.get(day);
      if (!entries) {
        if (day === this.#firstDay) this.#firstDay += 1;
        continue;
      }
      const ready = [...entries].filter(([, atMs]) => atMs <= beforeMs).sort((first, second) => first[1] - second[1]);
      for (const [id] of ready) {
        found.push(id);
        if (found.length === limit) return found;
      }
    }
    return found;
  }
}

function* range(first: number, last: number): Iterable<number> {
  for (let day = first; day <= last; day += 1) yield day;
}
