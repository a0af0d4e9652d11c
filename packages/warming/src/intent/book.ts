/** A hint that a claim of one user is coming. It may cost one sandbox for its time, which nothing but a claim extends. */
export interface IntentEntry {
  readonly id: string;
  readonly runtime: string;
  readonly userId: string;
  readonly untilMs: number;
}

/** The open intents: one per user and runtime, at most so many in all. */
export class IntentBook {
  readonly #entries = new Map<string, IntentEntry>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Opens an intent. The user's earlier one for the runtime is answered with as it is: its end is not moved. */
  open(entry: IntentEntry, nowMs: number): { entry: IntentEntry; opened: boolean } | 'full' {
    this.expire(nowMs);
    const key = keyOf(entry);
    const present = this.#entries.get(key);
    if (present) return { entry: present, opened: false };
    if (this.#entries.size >= this.#most) return 'full';
    this.#entries.set(key, entry);
    return { entry, opened: true };
  }

  /** Ends an intent: the user left, or the claim came. @returns whether it was open */
  close(runtime: string, userId: string, id?: string): IntentEntry | undefined {
    const key = keyOf({ runtime, userId });
    const present = this.#entries.get(key);
    if (!present || (id !== undefined && present.id !== id)) return undefined;
    this.#entries.delete(key);
    return present;
  }

  /** Removes and returns what is over. */
  expire(nowMs: number): IntentEntry[] {
    const over = [...this.#entries.values()].filter((entry) => entry.untilMs <= nowMs);
    for (const entry of over) this.#entries.delete(keyOf(entry));
    return over;
  }

  count(runtime: string): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.runtime === runtime) count += 1;
    return count;
  }
}

function keyOf({ runtime, userId }: { runtime: string; userId: string }): string {
  return JSON.stringify([runtime, userId]);
}
