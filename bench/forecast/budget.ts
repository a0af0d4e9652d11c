import { ForecastPolicy } from '@pilotlight/warming/forecast';
import { Simulator } from '@pilotlight/warming/replay';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';
import type { Reference } from './traces.js';

const HOUR_SECONDS = 3_600;
const MOST_CLAIMS = 60_000;
const TELL_SECONDS = 60;

/** How a budget was kept. Shares are of what the budget allows from the start to a minute after the first hour. */
export interface BudgetKept {
  /** The most that was ever spent. */
  mostSpent: number;
  /** What was spent at the end; below 1 where there was nothing more worth holding. */
  spentAtEnd: number;
  cold: number;
  sandboxesAtOnce: number;
}

/**
 * Half of what the ten-minute keep-alive spends on average is given as a budget, the price starts far off. What was spent is
 * told once a minute, as in production.
 */
export function budgetKept(
  all: readonly Arrival[],
  reference: Reference | undefined,
  leadSeconds: number,
): BudgetKept | undefined {
  if (!reference) return undefined;
  const arrivals = all.slice(0, MOST_CLAIMS);
  const start = arrivals[0]!.seconds;
  const end = arrivals.at(-1)!.seconds;
  const perSecond = ((reference.idleOfFixed10 / reference.arrivals) * arrivals.length * 0.5) / (end - start);
  const policy = new ForecastPolicy({
    coldStartValueSeconds: 5_000,
    defaultLeadSeconds: leadSeconds,
    idleBudgetSecondsPerHour: perSecond * HOUR_SECONDS,
  });
  const simulator = new Simulator({ policy, leadSeconds });
  let told = start;
  let mostSpent = 0;
  let spentAtEnd = 0;
  for (const arrival of arrivals) {
    for (; told + TELL_SECONDS <= arrival.seconds; told += TELL_SECONDS) {
      const now = told + TELL_SECONDS;
      simulator.runUntil(now);
      const spent = simulator.idleSeconds(now);
      simulator.observe({ kind: 'idle', atMs: now * 1000, totalSeconds: spent });
      if (now - start <= HOUR_SECONDS) continue;
      spentAtEnd = spent / (perSecond * (now - start));
      mostSpent = Math.max(mostSpent, spentAtEnd);
    }
    simulator.arrive(arrival);
  }
  const { cold } = simulator.counts();
  return { mostSpent, spentAtEnd, cold: cold / arrivals.length, sandboxesAtOnce: perSecond };
}
