import { ForecastPolicy } from '@pilotlight/warming/forecast';
import { Simulator } from '@pilotlight/warming/replay';
import type { Arrival } from '../../packages/warming/src/replay/trace.js';

const TICK_SECONDS = 60;
const FEW_CLAIMS = 3;
const LONG_GAP_SECONDS = 3_600;
const PRICE = 300;

/** How far the forecast is from one who knows every claim of the coming minute, and in what kinds of claims. */
export interface ClairvoyantGap {
  /** Cold share and idle seconds per claim of the clairvoyant: all claims of a minute are ready when it starts. */
  clairvoyant: { cold: number; idlePerClaim: number };
  forecast: { cold: number; idlePerClaim: number };
  /** Cold shares by kind, of all claims; they sum to the forecast's cold share. */
  cold: { firstOfKey: number; burst: number; longGap: number; other: number };
  /** Idle seconds per claim of sandboxes that were claimed, and of those that were let go or left, leads included. */
  idle: { claimed: number; wasted: number };
}

export function clairvoyantGap(arrivals: readonly Arrival[], leadSeconds: number): ClairvoyantGap {
  const idle = { claimed: 0, wasted: 0 };
  const simulator = new Simulator({
    policy: new ForecastPolicy({ coldStartValueSeconds: PRICE, defaultLeadSeconds: leadSeconds }),
    leadSeconds,
    onPrepared: ({ readyAt }, endedAt, outcome) => {
      const spent = Math.max(0, endedAt - readyAt);
      if (outcome === 'claimed') idle.claimed += spent;
      else idle.wasted += spent + (outcome === 'evicted' ? leadSeconds : 0);
    },
  });
  const cold = { firstOfKey: 0, burst: 0, longGap: 0, other: 0 };
  const last = new Map<string, { at: number; count: number }>();
  let tickIdle = 0;
  let early = 0;
  for (const arrival of arrivals) {
    const { seconds, key } = arrival;
    tickIdle += seconds % TICK_SECONDS;
    if (seconds - (seconds % TICK_SECONDS) < leadSeconds) early++;
    const known = last.get(key);
    if (simulator.arrive(arrival) === 'cold') cold[kindOf(known, seconds, leadSeconds)]++;
    last.set(key, { at: seconds, count: (known?.count ?? 0) + 1 });
  }
  const result = simulator.finish();
  const claims = Math.max(1, arrivals.length);
  for (const kind of Object.keys(cold) as (keyof typeof cold)[]) cold[kind] /= claims;
  return {
    clairvoyant: { cold: early / claims, idlePerClaim: tickIdle / claims },
    forecast: { cold: result.cold / claims, idlePerClaim: result.idleSeconds / claims },
    cold,
    idle: { claimed: idle.claimed / claims, wasted: idle.wasted / claims },
  };
}

function kindOf(
  known: { at: number; count: number } | undefined,
  seconds: number,
  leadSeconds: number,
): keyof ClairvoyantGap['cold'] {
  if (!known || known.count < FEW_CLAIMS) return 'firstOfKey';
  const gap = seconds - known.at;
  if (gap <= leadSeconds) return 'burst';
  return gap > LONG_GAP_SECONDS ? 'longGap' : 'other';
}
