import { ForecastPolicy } from '@pilotlight/warming/forecast';
import { Simulator } from '@pilotlight/warming/replay';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';
import type { Reference } from './traces.js';

const HOUR_SECONDS = 3_600;
const MOST_CLAIMS = 60_000;
const TELL_SECONDS = 60;

/**
 * Half of what the ten-minute keep-alive spends on average is given as a budget, the price starts far off. How far what was
 * spent since the start is from the budget, at its worst at any full hour after the first.
 */
export function budgetKept(
  all: readonly Arrival[],
  reference: Reference | undefined,
  leadSeconds: number,
): number | undefined {
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
  let worst = 0;
  for (const arrival of arrivals) {
    for (; told + TELL_SECONDS <= arrival.seconds; told += TELL_SECONDS) {
      const now = told + TELL_SECONDS;
      const spent = simulator.idleSeconds(now);
      simulator.observe({ kind: 'idle', atMs: now * 1000, totalSeconds: spent });
      const since = now - start;
      if (since > HOUR_SECONDS && Math.round(since) % HOUR_SECONDS < TELL_SECONDS) {
        worst = Math.max(worst, Math.abs(spent / (perSecond * since) - 1));
      }
    }
    simulator.arrive(arrival);
  }
  return worst;
}
