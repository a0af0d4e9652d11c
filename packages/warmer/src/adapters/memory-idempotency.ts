import { type IdempotencyStore, rememberAnswersMs, type StoredAnswer } from '../http/idempotency.js';

type Entry = { fingerprint: string; answer: StoredAnswer | undefined; untilMs: number };

/** Answers remembered by this process only. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  readonly #capacity: number;

  constructor(options: { now: () => number; capacity?: number }) {
    this.#now = options.now;
    this.#capacity = options.capacity ?? 50_000;
  }

  async begin(key: string, fingerprint: string): ReturnType<IdempotencyStore['begin']> {
    const nowMs = this.#now();
    const entry = this.#entries.get(key);
    if (!entry || entry.untilMs <= nowMs) {
      this.#makeRoom(nowMs);
      this.#entries.delete(key);
      this.#entries.set(key, { fingerprint, answer: undefined, untilMs: nowMs + rememberAnswersMs });
      return { kind: 'new' };
    }
    if (entry.fingerprint !== fingerprint) return { kind: 'conflict' };
    return entry.answer ? { kind: 'done', answer: entry.answer } : { kind: 'running' };
  }

  async finish(key: string, fingerprint: string, answer: StoredAnswer): Promise<void> {
    this.#entries.set(key, { fingerprint, answer, untilMs: this.#now() + rememberAnswersMs });
  }

  async abandon(key: string): Promise<void> {
    this.#entries.delete(key);
  }

  /** Oldest first: a Map keeps the order of insertion. */
  #makeRoom(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.untilMs > nowMs && this.#entries.size < this.#capacity) return;
      this.#entries.delete(key);
    }
  }
}
