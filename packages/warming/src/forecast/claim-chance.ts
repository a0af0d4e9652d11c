import { FIXED_INPUTS } from './fixed-inputs.js';

/** Place of the network's answer among the inputs; the constant follows. */
const NETWORK = FIXED_INPUTS;
const INPUTS = FIXED_INPUTS + 2;
const RATE = 0.02;
/** Levels are told apart by their log odds, so that rare silences of a busy runtime are not lumped together. */
const BINS = 24;
const STEEPEST_ODDS = 9;
const PRIOR = 20;
const FORGETS_ABOVE = 4_000;
const TABLE_BINS = 10;
/** How far the model is believed against the base rate before anything is known, and what that weighs. */
const FIRST_SHARE = 0.3;
const FIRST_SHARE_WEIGHT = 1;

interface Pending {
  key: string;
  atSeconds: number;
  fixed: Float32Array;
  network: number;
  raw: number;
  /** What the model and its table say, and how often a claim followed by then. */
  model: number;
  base: number;
  told: number;
  open: boolean;
}

/** What a restart has to keep; what was told in the last ten minutes and is not settled is dropped. */
export interface ChanceState {
  weights: Float64Array;
  squares: Float64Array;
  levels: Float64Array;
  came: Float64Array;
  shrink: Float64Array;
  table: { count: number; told: number; came: number }[];
  brier: number;
}

/** One row of a reliability table: how often it came when the chance told was in this tenth. */
export interface ReliabilityRow {
  from: number;
  to: number;
  count: number;
  meanTold: number;
  came: number;
}

/** How good the chances told were. */
export interface CalibrationReport {
  count: number;
  /** Mean distance between told and come, over tenths, weighted by count. */
  expectedCalibrationError: number;
  /** 1 - Brier score over that of always telling the base rate; above 0 is better than the base rate. */
  brierSkill: number;
  table: ReliabilityRow[];
}

/**
 * Calibrated chance that the next claim of a runtime comes within ten minutes. A logistic model learns it online from the
 * inputs of the network and the network's own answer; a table of what came at each level corrects what it tells. How far
 * that may differ from how often claims followed so far is the share of its differences that came true, by least squares:
 * a runtime that hardly ever falls silent is told from its base rate, whatever the model makes of a few silences.
 */
export class ClaimChance {
  readonly withinSeconds: number;
  private readonly weights = new Float64Array(INPUTS);
  private readonly squares = new Float64Array(INPUTS).fill(1);
  private readonly levels = new Float64Array(BINS);
  private readonly came = new Float64Array(BINS);
  /** Outcomes and claims that followed, then products of the model's and the outcome's difference from the base rate. */
  private readonly shrink = Float64Array.of(0, 0, FIRST_SHARE * FIRST_SHARE_WEIGHT, FIRST_SHARE_WEIGHT);
  private queue: Pending[] = [];
  private head = 0;
  private readonly latest = new Map<string, Pending>();
  private table = Array.from({ length: TABLE_BINS }, () => ({ count: 0, told: 0, came: 0 }));
  private brier = 0;

  constructor(withinSeconds = 600) {
    this.withinSeconds = withinSeconds;
    this.weights[NETWORK] = 1;
  }

  /** A claim came: it settles what was told before, and a new chance is told. */
  claim(key: string, atSeconds: number, fixed: Float32Array, networkChance: number): number {
    this.settleOlder(atSeconds);
    const before = this.latest.get(key);
    if (before?.open) this.settle(before, 1);
    const network = logit(networkChance);
    const raw = this.predict(fixed, network);
    const model = this.correct(raw);
    const base = this.base(model);
    const told = this.steady(model);
    const pending = { key, atSeconds, fixed, network, raw, model, base, told, open: true };
    this.latest.set(key, pending);
    this.queue.push(pending);
    return told;
  }

  /** What the model tells for a runtime without learning from it. */
  tell(fixed: Float32Array, networkChance: number): number {
    return this.steady(this.correct(this.predict(fixed, logit(networkChance))));
  }

  forget(key: string): void {
    const pending = this.latest.get(key);
    if (pending) pending.open = false;
    this.latest.delete(key);
  }

  report(): CalibrationReport {
    let count = 0;
    let came = 0;
    let error = 0;
    for (const row of this.table) {
      count += row.count;
      came += row.came;
      error += Math.abs(row.told - row.came);
    }
    const base = count > 0 ? came / count : 0;
    const worst = base * (1 - base);
    return {
      count,
      expectedCalibrationError: count > 0 ? error / count : 0,
      brierSkill: worst > 0 ? 1 - this.brier / count / worst : 0,
      table: this.table.map((row, index) => ({
        from: index / TABLE_BINS,
        to: (index + 1) / TABLE_BINS,
        count: row.count,
        meanTold: row.count > 0 ? row.told / row.count : 0,
        came: row.count > 0 ? row.came / row.count : 0,
      })),
    };
  }

  save(): ChanceState {
    const { weights, squares, levels, came, shrink, table } = this;
    return { weights, squares, levels, came, shrink, table, brier: this.brier };
  }

  restore(state: ChanceState): void {
    this.weights.set(state.weights);
    this.squares.set(state.squares);
    this.levels.set(state.levels);
    this.came.set(state.came);
    this.shrink.set(state.shrink);
    this.table = state.table;
    this.brier = state.brier;
    this.queue = [];
    this.head = 0;
    this.latest.clear();
  }

  private settleOlder(nowSeconds: number): void {
    let oldest = this.queue[this.head];
    while (oldest && oldest.atSeconds + this.withinSeconds < nowSeconds) {
      if (oldest.open) this.settle(oldest, 0);
      this.head++;
      oldest = this.queue[this.head];
    }
    if (this.head > 256 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }

  private settle(pending: Pending, came: 0 | 1): void {
    pending.open = false;
    const row = this.table[Math.min(TABLE_BINS - 1, Math.floor(pending.told * TABLE_BINS))]!;
    row.count++;
    row.told += pending.told;
    row.came += came;
    this.brier += (pending.told - came) ** 2;
    const level = levelOf(pending.raw);
    this.levels[level]!++;
    this.came[level]! += came;
    if (this.levels[level]! > FORGETS_ABOVE) {
      this.levels[level]! /= 2;
      this.came[level]! /= 2;
    }
    const { shrink } = this;
    const difference = pending.model - pending.base;
    shrink[0]! += 1;
    shrink[1]! += came;
    shrink[2]! += difference * (came - pending.base);
    shrink[3]! += difference * difference;
    const error = pending.raw - came;
    for (let index = 0; index < INPUTS; index++) {
      const input = index < FIXED_INPUTS ? pending.fixed[index]! : index === NETWORK ? pending.network : 1;
      const slope = error * input;
      this.squares[index]! += slope * slope;
      this.weights[index]! -= (RATE * slope) / Math.sqrt(this.squares[index]!);
    }
  }

  private predict(fixed: Float32Array, network: number): number {
    const { weights } = this;
    let sum = weights[NETWORK]! * network + weights[NETWORK + 1]!;
    for (let index = 0; index < FIXED_INPUTS; index++) sum += weights[index]! * fixed[index]!;
    return 1 / (1 + Math.exp(-Math.min(12, Math.max(-12, sum))));
  }

  /** How often a claim followed; the first time, what the model says. */
  private base(model: number): number {
    return (this.shrink[1]! + model) / (this.shrink[0]! + 1);
  }

  private steady(model: number): number {
    const base = this.base(model);
    const share = Math.min(1, Math.max(0, this.shrink[2]! / this.shrink[3]!));
    return base + share * (model - base);
  }

  private correct(raw: number): number {
    const level = levelOf(raw);
    return (this.came[level]! + PRIOR * raw) / (this.levels[level]! + PRIOR);
  }
}

function levelOf(chance: number): number {
  const place = (logit(chance) + STEEPEST_ODDS) / (2 * STEEPEST_ODDS);
  return Math.min(BINS - 1, Math.max(0, Math.floor(place * BINS)));
}

function logit(chance: number): number {
  const safe = Math.min(1 - 1e-6, Math.max(1e-6, chance));
  return Math.log(safe / (1 - safe));
}
