import type { Claim, WarmingAnswer } from '@pilotlight/warming';
import type { ClaimBook } from './book.js';
import { type ClaimRecord, type ClaimStatus, hasEnded } from './record.js';

/** A claim this process holds. */
export interface LiveClaim {
  record: ClaimRecord;
  claim?: Claim;
  answer?: WarmingAnswer;
  /** Ends when the record and the events of a warming claim say how it ended. */
  followed?: Promise<void>;
  /** Told of the progress, for whoever keeps the work in a line. */
  report?: (progress: number) => void;
}

const rememberEndedMs = 3_600_000;

/** The claims this process holds, with their records; every change is written down. */
export class LiveClaims {
  readonly #book: ClaimBook;
  readonly #now: () => number;
  readonly #live = new Map<string, LiveClaim>();
  /** The engine's id of a claim to ours. */
  readonly #byEngineId = new Map<string, string>();

  /** Other replicas may change what this one has handed over. */
  readonly #shared: boolean;

  constructor(parts: { book: ClaimBook; now: () => number; shared: boolean }) {
    this.#book = parts.book;
    this.#shared = parts.shared;
    this.#now = parts.now;
  }

  get size(): number {
    return this.#live.size;
  }

  get warming(): number {
    return [...this.#live.values()].filter(({ answer }) => answer !== undefined).length;
  }

  get(claimId: string): LiveClaim | undefined {
    return this.#live.get(claimId);
  }

  /** The newest record: with the book, unless only this process can have changed it. */
  async read(claimId: string): Promise<ClaimRecord | undefined> {
    return this.#own(claimId) ?? (await this.#book.get(claimId));
  }

  #own(claimId: string): ClaimRecord | undefined {
    const record = this.#live.get(claimId)?.record;
    return this.#shared && record?.status.state !== 'WARMING' ? undefined : record;
  }

  byEngineId(engineClaimId: string): LiveClaim | undefined {
    return this.#live.get(this.#byEngineId.get(engineClaimId) ?? '');
  }

  /** A claim that is handed over. */
  hold(record: ClaimRecord, claim: Claim): void {
    this.#live.set(record.claimId, { record, claim });
    this.#byEngineId.set(claim.claimId, record.claimId);
  }

  /** A claim on its way. */
  follow(record: ClaimRecord, answer: WarmingAnswer): LiveClaim {
    const live: LiveClaim = { record, answer };
    this.#live.set(record.claimId, live);
    return live;
  }

  /** Writes down a new status of a claim; an end is final. */
  async change(record: ClaimRecord, change: (status: ClaimStatus) => ClaimStatus): Promise<ClaimRecord> {
    const live = this.#live.get(record.claimId);
    const before = this.#own(record.claimId) ?? (await this.#book.get(record.claimId)) ?? record;
    if (hasEnded(before)) {
      this.forget(record.claimId);
      return before;
    }
    const status = change(before.status);
    const details = status.state === 'WARMING' ? before.details : undefined;
    const after: ClaimRecord = { ...before, status, details, forgetAtMs: this.forgetAtMs(status) };
    if (live) live.record = after;
    if (hasEnded(after)) this.forget(record.claimId);
    await this.#book.put(after);
    return after;
  }

  forgetAtMs(status: ClaimStatus): number {
    const nowMs = this.#now();
    return (status.state === 'HOT' ? Math.max(status.expiresAtMs, nowMs) : nowMs) + rememberEndedMs;
  }

  /** Another replica ended it, or this one did. */
  forget(claimId: string): void {
    const engineId = this.#live.get(claimId)?.claim?.claimId;
    if (engineId !== undefined) this.#byEngineId.delete(engineId);
    this.#live.delete(claimId);
  }
}
