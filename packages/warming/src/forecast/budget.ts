import { checkedNumber } from '../target/time-line.js';
import { type GateState, SpendGate } from './spend-gate.js';

const HOUR_SECONDS = 3_600;
const REVIEW_SECONDS = 60;
/** Times come back from the driver in milliseconds. */
const ROUNDING_SECONDS = 0.01;
const LOWEST_PRICE = 1;
const HIGHEST_PRICE = 1e9;
/** The price follows within a quarter of the time since the start, slower than what it buys lasts, and within these. */
const FOLLOW_SHARE = 0.25;
const FASTEST_SECONDS = HOUR_SECONDS / 12;
const SLOWEST_SECONDS = 12 * HOUR_SECONDS;
/** What is left over or overdrawn is spread over as long as it took to come up, within these. */
const SHORTEST_SPREAD_SECONDS = 2 * HOUR_SECONDS;
const LONGEST_SPREAD_SECONDS = 24 * HOUR_SECONDS;
const STEEPEST = 2;
const LONGEST_STEP_SECONDS = 300;
/** A higher price shows with claims only, so it does not go up long after the last one. */
const CLAIMED_SECONDS = HOUR_SECONDS;

/** What a restart has to keep. */
export interface BudgetState {
  price: number;
  reviewedSeconds: number;
  reviewedSpent: number;
  claimedSeconds: number;
  gate: GateState;
}

/**
 * Keeps a budget of idle sandbox-seconds in two ways. A gate counts what is held and lets no more be held than fits. A
 * price, which moves slowly so that all claims are judged alike, is found at which about as much is wanted.
 */
export class BudgetKeeper {
  readonly gate: SpendGate;
  price: number;
  private readonly perSecond: number;
  private reviewedSeconds = 0;
  private reviewedSpent = 0;
  private claimedSeconds = -Infinity;

  constructor(idleSecondsPerHour: number, startPrice: number) {
    this.perSecond = checkedNumber('idleSecondsPerHour', idleSecondsPerHour, 0) / HOUR_SECONDS;
    this.gate = new SpendGate(this.perSecond);
    this.price = Math.min(HIGHEST_PRICE, Math.max(LOWEST_PRICE, startPrice));
  }

  save(): BudgetState {
    const { price, reviewedSeconds, reviewedSpent, claimedSeconds } = this;
    return { price, reviewedSeconds, reviewedSpent, claimedSeconds, gate: this.gate.save() };
  }

  restore(state: BudgetState): void {
    this.price = state.price;
    this.reviewedSeconds = state.reviewedSeconds;
    this.reviewedSpent = state.reviewedSpent;
    this.claimedSeconds = state.claimedSeconds;
    this.gate.restore(state.gate);
  }

  claim(nowSeconds: number): void {
    this.claimedSeconds = nowSeconds;
  }

  /** What idle sandboxes cost by the driver's own count; without it, what is wanted is counted as if all of it were ready. */
  told(nowSeconds: number, totalIdleSeconds: number): void {
    this.gate.told(nowSeconds, totalIdleSeconds);
  }

  /** Once a minute, when the gate has advanced: moves the price, and gives the runtimes that have to be targeted anew. */
  review(nowSeconds: number): readonly string[] {
    const { gate, perSecond } = this;
    if (gate.startSeconds === nowSeconds) this.reviewedSeconds = nowSeconds;
    const step = nowSeconds - this.reviewedSeconds;
    if (step < REVIEW_SECONDS - ROUNDING_SECONDS) return [];
    const least = Math.max(perSecond, 1e-9);
    const elapsed = nowSeconds - gate.startSeconds!;
    const wanted = (gate.spent - this.reviewedSpent) / step + gate.refused;
    const spread = within(SHORTEST_SPREAD_SECONDS, LONGEST_SPREAD_SECONDS, elapsed);
    const left = (perSecond * elapsed - gate.spent) / (least * spread);
    const error = within(-STEEPEST, STEEPEST, 1 + within(-1, 1, left) - wanted / least);
    if (error < 0 || nowSeconds - this.claimedSeconds < CLAIMED_SECONDS) {
      const follow = Math.max(FOLLOW_SHARE * elapsed, Math.min(elapsed, this.price));
      const gain = Math.min(step, LONGEST_STEP_SECONDS) / within(FASTEST_SECONDS, SLOWEST_SECONDS, follow);
      this.price = within(LOWEST_PRICE, HIGHEST_PRICE, this.price * Math.exp(gain * error));
    }
    this.reviewedSeconds = nowSeconds;
    this.reviewedSpent = gate.spent;
    return gate.rearrange();
  }

  /** When to review next; undefined while nothing is held or waits. */
  next(): number | undefined {
    return this.gate.held + this.gate.refused > 0 ? this.reviewedSeconds + REVIEW_SECONDS : undefined;
  }
}

function within(low: number, high: number, value: number): number {
  return Math.min(high, Math.max(low, value));
}
