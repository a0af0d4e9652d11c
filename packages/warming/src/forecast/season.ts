const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
const KEPT_PER_DAY = 0.9;
const KEPT_PER_WEEK = 0.8;
/** Claims, and rounds, as which the mean counts until a slot has its own. */
const PRIOR_CLAIMS = 5;
const PRIOR_ROUNDS = 1;
const LEAST_WEIGHT = 0.3;

/**
 * Claims by slot of a round that repeats, older rounds weighing less. Only rounds that are over count: what is learned
 * from a time must not know how that time went on.
 */
export class Cycle {
  readonly counts: Float32Array;
  /** Claims of the round that is not over. */
  readonly current: Uint16Array;
  readonly slotSeconds: number;
  private readonly kept: number;
  private round = -1;
  /** Share of the first round that was lived through. */
  private firstShare = 1;
  /** Weight of the rounds that are over. */
  private weight = 0;
  private sum = 0;
  /** What {@link factor} answers, until the round turns. */
  private factors: Float32Array | undefined;

  constructor(slots: number, slotSeconds: number, kept: number) {
    this.counts = new Float32Array(slots);
    this.current = new Uint16Array(slots);
    this.slotSeconds = slotSeconds;
    this.kept = kept;
  }

  add(seconds: number): void {
    const slots = this.counts.length;
    const at = Math.floor(seconds / this.slotSeconds);
    const round = Math.floor(at / slots);
    const slot = at - round * slots;
    if (round !== this.round) {
      if (this.round < 0) this.firstShare = 1 - slot / slots;
      else this.turn(round - this.round);
      this.round = round;
    }
    if (this.current[slot]! < 65_535) this.current[slot]!++;
  }

  /** Log of how much busier the slot at a time is than the mean of the rounds that are over. */
  factor(seconds: number): number {
    const { counts } = this;
    if (this.weight < LEAST_WEIGHT || this.sum === 0) return 0;
    this.factors ??= this.allFactors();
    const slot = Math.floor(seconds / this.slotSeconds);
    return this.factors[slot - Math.floor(slot / counts.length) * counts.length]!;
  }

  save(): number[] {
    return [this.round, this.firstShare, this.weight, this.sum];
  }

  restore([round, firstShare, weight, sum]: readonly number[]): void {
    this.round = round!;
    this.firstShare = firstShare!;
    this.weight = weight!;
    this.sum = sum!;
    this.factors = undefined;
  }

  private allFactors(): Float32Array {
    const { counts, weight } = this;
    const mean = this.sum / (weight * counts.length);
    const prior = PRIOR_CLAIMS + PRIOR_ROUNDS * mean;
    return counts.map((count) => Math.log((count + prior) / (mean * weight + prior)));
  }

  private turn(rounds: number): void {
    const { counts, current, kept } = this;
    const left = kept ** rounds;
    let sum = 0;
    for (let slot = 0; slot < counts.length; slot++) {
      counts[slot] = (counts[slot]! + current[slot]!) * left;
      sum += counts[slot]!;
    }
    current.fill(0);
    this.sum = sum;
    this.factors = undefined;
    const empty = (kept * (1 - kept ** (rounds - 1))) / (1 - kept);
    this.weight = (this.weight + this.firstShare) * left + empty;
    this.firstShare = 1;
  }
}

/** Hours of the day and days of the week. */
export class Season {
  readonly hours = new Cycle(24, HOUR_SECONDS, KEPT_PER_DAY);
  readonly days = new Cycle(7, DAY_SECONDS, KEPT_PER_WEEK);

  add(seconds: number): void {
    this.hours.add(seconds);
    this.days.add(seconds);
  }
}
