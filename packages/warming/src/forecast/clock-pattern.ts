import { Cycle } from './season.js';

const KEPT_PER_HOUR = 0.85;
const RING = 64;
/** Periods in minutes that are looked for. */
const PERIODS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];
const OVERLAP_MEMORY = 0.95;
const PHASE_CELLS = 20;
const CELL_SECONDS = 60 / PHASE_CELLS;
const PHASE_MEMORY = 0.97;
const FLOOR = 0.05;
/** A period that foresees a smaller share than this is none. */
const LEAST_SHARE = 0.2;

/** What the clock says of a runtime: jobs that start at certain minutes of the hour, every few minutes, at a second. */
export class ClockPattern {
  readonly hour = new Cycle(60, 60, KEPT_PER_HOUR);
  readonly counts = new Uint16Array(RING);
  readonly overlap = new Float32Array(PERIODS.length);
  /** Shares by the second, each minute with claims weighing the same; only minutes that are over. */
  readonly phase = new Float32Array(PHASE_CELLS);
  /** Claims by the second of the minute that is not over. */
  readonly cells = new Uint16Array(PHASE_CELLS);
  /** Decayed claims in the minutes that the overlaps are over. */
  mass = 0;
  phaseMass = 0;
  minute = -1;
  period = 1;
  /** Share of the claims that the best period foresees, and that all periods do on average. */
  best = 0;
  usual = 0;

  add(seconds: number): void {
    const minute = Math.floor(seconds / 60);
    if (minute > this.minute) this.roll(minute);
    const slot = minute & (RING - 1);
    if (this.counts[slot]! < 65_535) this.counts[slot]!++;
    this.hour.add(seconds);
    const cell = Math.floor((seconds - minute * 60) / CELL_SECONDS);
    if (this.cells[cell]! < 65_535) this.cells[cell]!++;
  }

  /** Claims in a minute that is over, or in the one that is not. */
  count(minute: number): number {
    return minute > this.minute || minute <= this.minute - RING ? 0 : this.counts[minute & (RING - 1)]!;
  }

  /**
   * Claims that the best period foresees, twice the number, for as many minutes as the period has, the current one first.
   * Only minutes that are over are drawn on. Undefined when no period foresees enough.
   */
  foresight(seconds: number): Uint8Array | undefined {
    const minute = Math.floor(seconds / 60);
    const { period } = this;
    if (this.best < LEAST_SHARE || minute < this.minute) return undefined;
    const foreseen = new Uint8Array(period);
    for (let ahead = 0; ahead < period; ahead++) {
      const first = minute + ahead - period;
      const twice =
        first - period <= this.minute - RING ? 2 * this.count(first) : this.count(first) + this.count(first - period);
      foreseen[ahead] = Math.min(255, twice);
    }
    return foreseen;
  }

  /** Log of how much likelier claims are between two seconds of a minute than on average. */
  phaseFactor(from: number, until: number): number {
    const prior = 2;
    let sum = 0;
    const first = Math.floor(from / CELL_SECONDS);
    const last = Math.min(PHASE_CELLS - 1, Math.floor((until - 1e-6) / CELL_SECONDS));
    for (let cell = first; cell <= last; cell++) {
      const share = Math.min(until, (cell + 1) * CELL_SECONDS) - Math.max(from, cell * CELL_SECONDS);
      sum += (share / CELL_SECONDS) * this.phase[cell]!;
    }
    const fair = (until - from) / 60;
    return Math.log((sum + prior * fair + FLOOR * fair) / ((this.phaseMass + prior) * fair + FLOOR * fair));
  }

  /** The cell in which most claims come, and their share. */
  peak(): { cell: number; share: number } {
    let cell = 0;
    for (let index = 1; index < PHASE_CELLS; index++) if (this.phase[index]! > this.phase[cell]!) cell = index;
    return { cell, share: this.phase[cell]! / (this.phaseMass + 2) };
  }

  private roll(minute: number): void {
    if (this.minute >= 0) this.finish();
    const first = Math.max(this.minute + 1, minute - RING + 1);
    for (let at = first; at <= minute; at++) this.counts[at & (RING - 1)] = 0;
    this.minute = minute;
  }

  private finish(): void {
    const claims = this.count(this.minute);
    const { phase, cells } = this;
    for (let cell = 0; cell < PHASE_CELLS; cell++) phase[cell] = phase[cell]! * PHASE_MEMORY + cells[cell]! / claims;
    this.phaseMass = this.phaseMass * PHASE_MEMORY + 1;
    cells.fill(0);
    this.mass = this.mass * OVERLAP_MEMORY + claims;
    let best = 0;
    let sum = 0;
    for (let index = 0; index < PERIODS.length; index++) {
      const before = this.count(this.minute - PERIODS[index]!);
      this.overlap[index] = this.overlap[index]! * OVERLAP_MEMORY + Math.min(claims, before);
      sum += this.overlap[index]!;
      if (this.overlap[index]! > this.overlap[best]! * 1.02) best = index;
    }
    this.period = PERIODS[best]!;
    this.best = this.overlap[best]! / (this.mass + 2);
    this.usual = sum / PERIODS.length / (this.mass + 2);
  }
}

export const CELL = CELL_SECONDS;
