import type { ClaimRecord, ClaimStatus } from '../claims/record.js';
import type { ClaimHistory, PastClaim } from './history.js';

export interface HistoryWriterParts {
  history: ClaimHistory;
  now: () => number;
  /** Days that are kept; 0 keeps none. */
  days: number;
  most: number;
  failed: (error: unknown) => void;
}

const writeEveryMs = 1_000;
/** Claims that wait while the store is away. Planning can do without the rest. */
const mostWaiting = 10_000;
const dayMs = 86_400_000;
const sweepEveryMs = 3_600_000;

/** Collects past claims and writes them behind the requests: no claim waits for its history. */
export class HistoryWriter {
  readonly #parts: HistoryWriterParts;
  #waiting = new Map<string, PastClaim>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(parts: HistoryWriterParts) {
    this.#parts = parts;
  }

  /** A claim was asked for, or its sandbox handed over. */
  note(record: ClaimRecord): void {
    this.#add(pastClaimOf(record, record.status));
  }

  /** A claim that was handed over has ended. */
  ended(record: ClaimRecord, before: ClaimStatus): void {
    const past = pastClaimOf(record, before);
    if (past.waitedMs === undefined) return;
    this.#add({ ...past, usedMs: Math.max(0, Math.round(this.#parts.now() - past.atMs - past.waitedMs)) });
  }

  /** Writes what waits. Never rejects. */
  write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      const { history, failed } = this.#parts;
      const claims = this.#waiting;
      if (claims.size === 0) return;
      this.#waiting = new Map();
      try {
        await history.put([...claims.values()]);
      } catch (error) {
        failed(error);
        // What was noted meanwhile is newer.
        this.#waiting = new Map([...claims, ...this.#waiting]);
        this.#drop();
        this.#later();
      }
    });
    return this.#writing;
  }

  /** May be called at any time: to count a million claims takes a moment, so it is done once an hour. */
  async sweep(): Promise<void> {
    const { history, now, days, most } = this.#parts;
    const nowMs = now();
    if (Math.abs(nowMs - this.#sweptMs) < sweepEveryMs) return;
    await history.forget(nowMs - days * dayMs, most);
    this.#sweptMs = nowMs;
  }

  async close(): Promise<void> {
    await this.write();
    clearTimeout(this.#timer);
  }

  #add(past: PastClaim): void {
    if (this.#parts.days === 0) return;
    this.#waiting.set(past.claimId, past);
    this.#drop();
    this.#later();
  }

  #drop(): void {
    for (const claimId of this.#waiting.keys()) {
      if (this.#waiting.size <= mostWaiting) return;
      this.#waiting.delete(claimId);
    }
  }

  #later(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.write(), writeEveryMs);
    this.#timer.unref();
  }
}

function pastClaimOf({ claimId, createdAtMs, pool }: ClaimRecord, status: ClaimStatus): PastClaim {
  const base = { claimId, atMs: createdAtMs, pool };
  if (status.state !== 'HOT') return base;
  return { ...base, source: status.source, waitedMs: Math.round(status.latencyMs) };
}
