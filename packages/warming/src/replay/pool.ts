/** One prepared sandbox of a replay. Times in seconds of the trace. */
export interface Prepared {
  key: string;
  orderedAt: number;
  readyAt: number;
}

/** The prepared sandboxes of one key, in the order in which they were ordered; all have the same lead. */
export class ReplayPool {
  readonly key: string;
  private items: Prepared[] = [];
  private head = 0;

  constructor(key: string) {
    this.key = key;
  }

  get size(): number {
    return this.items.length - this.head;
  }

  order(now: number, leadSeconds: number): void {
    this.items.push({ key: this.key, orderedAt: now, readyAt: now + leadSeconds });
  }

  /** The sandbox that has been ready longest; undefined when none is. */
  claim(now: number): Prepared | undefined {
    const first = this.items[this.head];
    if (!first || first.readyAt > now + 1e-9) return undefined;
    this.head++;
    if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return first;
  }

  /** The sandbox to let go: one that is ready before one that is on its way, so that nothing is started twice. */
  evict(): Prepared | undefined {
    const first = this.items[this.head];
    if (first) this.head++;
    return first;
  }

  open(): Prepared[] {
    return this.items.slice(this.head);
  }
}
