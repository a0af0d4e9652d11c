import { checkedNumber } from '../target/time-line.js';

const HOUR_SECONDS = 3_600;
const LEAST_STEP_SECONDS = 30;
const GAIN_PER_MINUTE = 0.08;
const WORTH_A_LOOK = 0.9;
const LOWEST_PRICE = 1;
const HIGHEST_PRICE = 1e7;

/** What a restart has to keep. */
export interface BudgetState {
  price: number;
  startSeconds: number | undefined;
  startTotal: number;
  lastSeconds: number;
  lastTotal: number;
  lately: number | undefined;
  claimed: boolean;
  heldAt: number;
}

/**
 * Finds the price that spends a budget: what is left over or overdrawn is spread over the next quarter of an hour, and
 * the price follows the difference between that and what was spent lately.
 */
export class BudgetKeeper {
  private readonly perSecond: number;
  private price: number;
  private startSeconds: number | undefined;
  private startTotal = 0;
  private lastSeconds = 0;
  private lastTotal = 0;
  private lately: number | undefined;
  private claimed = false;
  private heldAt: number;

  constructor(idleSecondsPerHour: number, startPrice: number) {
    this.perSecond = checkedNumber('idleSecondsPerHour', idleSecondsPerHour, 0) / HOUR_SECONDS;
    this.price = Math.min(HIGHEST_PRICE, Math.max(LOWEST_PRICE, startPrice));
    this.heldAt = this.price;
  }

  save(): BudgetState {
    const { price, startSeconds, startTotal, lastSeconds, lastTotal, lately, claimed, heldAt } = this;
    return { price, startSeconds, startTotal, lastSeconds, lastTotal, lately, claimed, heldAt };
  }

  restore(state: BudgetState): void {
    this.price = state.price;
    this.startSeconds = state.startSeconds;
    this.startTotal = state.startTotal;
    this.lastSeconds = state.lastSeconds;
    this.lastTotal = state.lastTotal;
    this.lately = state.lately;
    this.claimed = state.claimed;
    this.heldAt = state.heldAt;
  }

  /** A higher price shows with the next claim only, so it does not go up while none comes. */
  claim(): void {
    this.claimed = true;
  }

  /** Whether the price fell so far since the last time that what is held should be looked at again. */
  fell(): boolean {
    this.heldAt = Math.max(this.heldAt, this.price);
    if (this.price > WORTH_A_LOOK * this.heldAt) return false;
    this.heldAt = this.price;
    return true;
  }

  /** Takes in the idle seconds spent since the beginning; gives the price from now on. */
  update(nowSeconds: number, totalIdleSeconds: number): number {
    if (this.startSeconds === undefined) {
      this.startSeconds = nowSeconds;
      this.startTotal = totalIdleSeconds;
      this.lastSeconds = nowSeconds;
      this.lastTotal = totalIdleSeconds;
      return this.price;
    }
    const step = nowSeconds - this.lastSeconds;
    if (step < LEAST_STEP_SECONDS) return this.price;
    const spent = (totalIdleSeconds - this.lastTotal) / step;
    const share = Math.min(1, step / 180);
    this.lately = this.lately === undefined ? spent : this.lately + share * (spent - this.lately);
    const left = this.perSecond * (nowSeconds - this.startSeconds) - (totalIdleSeconds - this.startTotal);
    const wanted = this.perSecond + left / (HOUR_SECONDS / 4);
    const error = Math.max(-2, Math.min(2, (wanted - this.lately) / Math.max(this.perSecond, 1e-9)));
    const minutes = error > 0 && !this.claimed ? 0 : Math.min(5, step / 60);
    this.claimed = false;
    this.price = Math.min(
      HIGHEST_PRICE,
      Math.max(LOWEST_PRICE, this.price * Math.exp(GAIN_PER_MINUTE * minutes * error)),
    );
    this.lastSeconds = nowSeconds;
    this.lastTotal = totalIdleSeconds;
    return this.price;
  }
}
