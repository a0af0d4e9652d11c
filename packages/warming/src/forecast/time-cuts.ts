import { BIN_COUNT, BIN_EDGES, binOf } from './bins.js';
import { CELL, type ClockPattern } from './clock-pattern.js';
import type { Landmark, UnitState } from './unit.js';

const HOUR = 2;
/** Minutes that are looked at one by one: for runtimes that are busy, start at one second, or come back by the clock. */
const BUSY_MINUTES = 3;
const PHASED_MINUTES = 10;
const LOCKED_SHARE = 0.4;
const PERIODIC_SHARE = 0.4;
const PERIODIC_LEAD = 0.12;
const CELL_SLACK = 1;
/** Where a unit that is ordered at a look may be let go again, after it is ready. */
const AFTER_LEAD = [0, 2, 5];

/** Where the time after a landmark is cut into bins: by age, by the clock, where gaps ended before, where hints begin. */
export class TimeCuts {
  private readonly edges: number[] = [];
  private edge = 0;
  private bin = 0;
  private base = 0;
  private mark!: Landmark;
  private minuteEnd = 0;
  private minutesUntil = 0;
  private lockFrom = -1;
  private lockUntil = -1;

  begin(unit: UnitState, mark: Landmark, fromSeconds: number, window?: { from: number; until: number }): void {
    this.mark = mark;
    this.base = mark.fromSeconds;
    this.bin = binOf(fromSeconds - this.base);
    this.minuteEnd = 60 - (mark.atSeconds - Math.floor(mark.atSeconds / 60) * 60);
    this.minutesUntil = this.minuteEnd + 60 * (this.minutes(unit.key.pattern) - 1);
    const { edges } = this;
    edges.length = 0;
    this.edge = 0;
    const age = mark.atSeconds - unit.usedAtSeconds;
    const [last, before] = unit.lastGaps;
    if (unit.uses > 1 && last > 40) edges.push(last - around(last) - age, last + around(last) - age);
    if (unit.uses > 2 && before > 40 && Math.abs(before - last) > around(last) + around(before)) {
      edges.push(before - around(before) - age, before + around(before) - age);
    }
    if (mark.atSeconds > unit.usedAtSeconds) for (const after of AFTER_LEAD) edges.push(unit.key.leadSeconds + after);
    if (window) edges.push(window.from, window.until);
    edges.sort(ascending);
  }

  /** Where a bin that begins at `start` ends; undefined beyond the last one. */
  end(start: number): number | undefined {
    while (this.bin < BIN_COUNT - 1 && this.base + BIN_EDGES[this.bin + 1]! <= start + 1e-9) this.bin++;
    let end = this.base + BIN_EDGES[this.bin + 1]!;
    if (start < this.minutesUntil - 1e-9) end = Math.min(end, this.clockEdge(start));
    while (this.edge < this.edges.length && this.edges[this.edge]! <= start + 1e-6) this.edge++;
    if (this.edge < this.edges.length && this.edges[this.edge]! < end) end = this.edges[this.edge]!;
    return end > start ? end : undefined;
  }

  private minutes(pattern: ClockPattern | undefined): number {
    const busy = this.mark.recent[HOUR] >= 3 ? BUSY_MINUTES : 2;
    this.lockFrom = -1;
    if (!pattern) return busy;
    const peak = pattern.peak();
    const locked = peak.share > LOCKED_SHARE;
    if (locked) {
      this.lockFrom = Math.max(0, peak.cell * CELL - CELL_SLACK);
      this.lockUntil = Math.min(60, (peak.cell + 1) * CELL + CELL_SLACK);
    }
    const least = locked ? PHASED_MINUTES : busy;
    const periodic = pattern.best > PERIODIC_SHARE && pattern.best - pattern.usual > PERIODIC_LEAD;
    return periodic ? Math.max(least, pattern.period + 1) : least;
  }

  /** The next whole minute, or the next edge of the second at which most claims come. */
  private clockEdge(start: number): number {
    const time = this.mark.atSeconds + start;
    const second = time - Math.floor(time / 60) * 60;
    if (this.lockFrom > second + 1e-6) return start + this.lockFrom - second;
    if (this.lockFrom >= 0 && this.lockUntil > second + 1e-6) return start + this.lockUntil - second;
    const rest = 60 - second;
    return start + (rest > 1e-6 ? rest : 60);
  }

  /** Where the bin would have started if the outlook did not start within it. */
  wholeStart(start: number): number {
    const edge = this.base + BIN_EDGES[this.bin]!;
    if (start < this.minuteEnd || start >= this.minutesUntil) return Math.min(start, edge);
    return Math.max(edge, start - ((start - this.minuteEnd) % 60));
  }
}

const ascending = (one: number, other: number): number => one - other;

/** How far off the last gap still counts as the same. */
export function around(gapSeconds: number): number {
  return gapSeconds * 0.01 + 2;
}
