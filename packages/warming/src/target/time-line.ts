import { WarmingError } from '../errors.js';

/** The time a policy lives in: it never goes back, whatever the clocks of the callers do. */
export class TimeLine {
  private latestSeconds = -Infinity;

  /** @throws WarmingError `invalid_option` when the time is not a finite number */
  advance(atMs: number): number {
    this.latestSeconds = this.peek(atMs);
    return this.latestSeconds;
  }

  peek(atMs: number): number {
    if (!Number.isFinite(atMs)) throw invalid('atMs', atMs, 'a finite time in milliseconds');
    return Math.max(atMs / 1000, this.latestSeconds);
  }

  get seconds(): number {
    return this.latestSeconds;
  }

  set seconds(value: number) {
    this.latestSeconds = value;
  }
}

/** @throws WarmingError `invalid_option` naming the field and the value given */
export function checkedNumber(field: string, value: number, lowest: number, infinityAllowed = false): number {
  const usable = typeof value === 'number' && value >= lowest && (infinityAllowed || value < Infinity);
  if (usable) return value;
  throw invalid(field, value, `a number of at least ${lowest}`);
}

function invalid(field: string, value: unknown, wanted: string): WarmingError {
  return new WarmingError('invalid_option', `"${field}" is ${String(value)}. Give ${wanted}.`);
}
