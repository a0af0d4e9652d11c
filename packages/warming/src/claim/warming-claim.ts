import type { Claim, MissReason, WarmingAnswer, WarmingEta, WarmingPhase, WarmingProgress } from '../claim.js';
import type { Clock } from '../clock.js';
import { WarmingError } from '../errors.js';
import type { WayMeasure } from './progress.js';

/** How often a claim says how far it is when no step begins or ends, in milliseconds. */
const reportMs = 250;
/** Only the terminal event says 1. */
const mostBeforeEnd = 0.99;

export interface WarmingClaimDetails {
  readonly claimId: string;
  readonly runtime: string;
  readonly reason: MissReason;
  readonly clock: Clock;
  readonly startedMs: number;
  /** Told of every event, the terminal one included. */
  report(event: WarmingProgress): void;
  /** Called once, when the claimant gives up. Resolves when nothing is left of it. */
  giveUp(): Promise<void>;
}

type Outcome = 'hot' | 'failed' | 'cancelled';

/** A claim on its way: what its followers see of it. Progress never falls, and there is exactly one terminal event. */
export class WarmingClaim implements WarmingAnswer {
  readonly state = 'WARMING';
  readonly ready: Promise<Claim>;
  readonly #details: WarmingClaimDetails;
  readonly #settle: { resolve(claim: Claim): void; reject(error: Error): void };
  readonly #followers = new Set<Follower>();
  #source: (() => WayMeasure) | undefined;
  #last: WarmingProgress;
  #cancelTimer: (() => void) | undefined;
  #cleanUp: Promise<void> | undefined;

  constructor(details: WarmingClaimDetails) {
    this.#details = details;
    let settle: { resolve(claim: Claim): void; reject(error: Error): void } | undefined;
    this.ready = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#settle = settle!;
    // Whoever follows the events only must not be stopped by a rejection that nobody awaits.
    this.ready.catch(() => undefined);
    const { claimId, runtime } = details;
    const eta: WarmingEta = { p50Ms: 0, p90Ms: 0, samples: 0 };
    this.#last = { claimId, runtime, progress: 0, phase: 'queued', eta, elapsedMs: 0 };
  }

  get claimId(): string {
    return this.#details.claimId;
  }

  get reason(): MissReason {
    return this.#details.reason;
  }

  get progress(): number {
    return this.#now().progress;
  }

  get phase(): WarmingPhase {
    return this.#now().phase;
  }

  get eta(): WarmingEta {
    return this.#now().eta;
  }

  get settled(): boolean {
    return this.#last.outcome !== undefined;
  }

  /** Sets where progress is read from, and says how far it is. */
  follow(source: () => WayMeasure): void {
    this.#source = source;
    this.report();
  }

  /** Says how far it is, and again in a while. */
  report(): void {
    if (this.settled) return;
    this.#cancelTimer?.();
    this.#publish(this.#now());
    if (!this.settled) this.#cancelTimer = this.#details.clock.schedule(reportMs, () => this.report(), true);
  }

  succeed(claim: Claim): boolean {
    return this.#end('hot', () => this.#settle.resolve(claim));
  }

  fail(error: Error): boolean {
    return this.#end('failed', () => this.#settle.reject(error));
  }

  /** Gives the claim up. Idempotent; resolves when no sandbox is left of it. */
  cancel(cause?: unknown): Promise<void> {
    const error = new WarmingError(
      'claim_cancelled',
      `The claim of runtime "${this.#details.runtime}" was cancelled before its sandbox was ready. Claim again when it is needed.`,
      { cause },
    );
    if (this.#end('cancelled', () => this.#settle.reject(error))) this.#cleanUp = this.#details.giveUp();
    return this.#cleanUp ?? Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<WarmingProgress> {
    const follower = new Follower(this.#last, () => this.#followers.delete(follower));
    if (!this.settled) this.#followers.add(follower);
    return follower;
  }

  #now(): WarmingProgress {
    if (this.settled || !this.#source) return this.#last;
    const { progress, phase, step, eta } = this.#source();
    const { claimId, runtime, clock, startedMs } = this.#details;
    return {
      claimId,
      runtime,
      progress: Math.max(this.#last.progress, Math.min(mostBeforeEnd, progress)),
      phase,
      ...(step === undefined ? {} : { step }),
      eta,
      elapsedMs: clock.monotonicMs() - startedMs,
    };
  }

  #end(outcome: Outcome, settle: () => void): boolean {
    if (this.settled) return false;
    this.#cancelTimer?.();
    const now = this.#now();
    const eta: WarmingEta = { p50Ms: 0, p90Ms: 0, samples: now.eta.samples };
    this.#publish(outcome === 'hot' ? { ...now, progress: 1, phase: 'ready', eta, outcome } : { ...now, eta, outcome });
    this.#followers.clear();
    settle();
    return true;
  }

  #publish(event: WarmingProgress): void {
    this.#last = event;
    for (const follower of this.#followers) follower.push(event);
    this.#details.report(event);
  }
}

/** One `for await` over the progress. A slow one misses events in between, never the last one. */
class Follower implements AsyncIterator<WarmingProgress> {
  #pending: WarmingProgress | undefined;
  #ended = false;
  #waiting: ((result: IteratorResult<WarmingProgress>) => void) | undefined;
  readonly #leave: () => void;

  constructor(first: WarmingProgress, leave: () => void) {
    this.#pending = first;
    this.#leave = leave;
  }

  push(event: WarmingProgress): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(this.#give(event));
    else this.#pending = event;
  }

  async next(): Promise<IteratorResult<WarmingProgress>> {
    if (this.#pending) {
      const event = this.#pending;
      this.#pending = undefined;
      return this.#give(event);
    }
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async return(): Promise<IteratorResult<WarmingProgress>> {
    this.#ended = true;
    this.#leave();
    this.#waiting?.({ done: true, value: undefined });
    return { done: true, value: undefined };
  }

  #give(event: WarmingProgress): IteratorResult<WarmingProgress> {
    if (event.outcome) this.#ended = true;
    return { done: false, value: event };
  }
}
