import { BasicPolicy } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

interface Gaps {
  counts: Float32Array;
  outside: number;
  total: number;
  lastSeconds: number;
}

const MARGIN = 0.1;
const STEADY_VARIATION = 2;

/**
 * Hybrid histogram (Shahrad et al., ATC 2020): gaps in one-minute bins; pre-warm at the 5th percentile, keep to the 99th,
 * with 10 % margins. Where the bins say too little it keeps for the whole range. The time-series branch for gaps beyond
 * the range is left out: such runtimes are kept for the range as well.
 */
export function hybridHistogramPolicy(
  options: { rangeSeconds?: number; defaultLeadSeconds?: number; maxHot?: number } = {},
): TargetPolicy {
  const range = checkedNumber('rangeSeconds', options.rangeSeconds ?? 14_400, 60);
  const bins = Math.ceil(range / 60);
  return new BasicPolicy<Gaps>(
    {
      name: 'hybrid-histogram',
      start: () => ({ counts: new Float32Array(bins), outside: 0, total: 0, lastSeconds: -Infinity }),
      claim(state, now) {
        if (state.lastSeconds > -Infinity) {
          const bin = Math.floor((now - state.lastSeconds) / 60);
          if (bin < bins) state.counts[bin]! += 1;
          else state.outside++;
          state.total++;
        }
        state.lastSeconds = now;
      },
      want(state, now, leadSeconds) {
        if (state.lastSeconds === -Infinity) return { hot: 0 };
        const [from, until] = keptWindow(state, range);
        const order = state.lastSeconds + Math.max(0, from - leadSeconds);
        const end = state.lastSeconds + until;
        if (now + 1e-5 < order) return { hot: 0, nextSeconds: order };
        return now + 1e-5 < end ? { hot: 1, nextSeconds: end } : { hot: 0 };
      },
      reason: (state) => `Kept between ${keptWindow(state, range).join(' and ')} s after the last claim.`,
    },
    options,
  );
}

function keptWindow(state: Gaps, range: number): [number, number] {
  const inside = state.total - state.outside;
  if (inside < 2 || state.outside > inside || variation(state.counts) < STEADY_VARIATION) return [0, range];
  const head = percentile(state.counts, inside * 0.05) * 60;
  const tail = (percentile(state.counts, inside * 0.99) + 1) * 60;
  return [head * (1 - MARGIN), tail * (1 + MARGIN)];
}

function variation(counts: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const count of counts) {
    sum += count;
    squares += count * count;
  }
  const mean = sum / counts.length;
  return mean === 0 ? 0 : Math.sqrt(Math.max(0, squares / counts.length - mean * mean)) / mean;
}

function percentile(counts: Float32Array, rank: number): number {
  let seen = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    seen += counts[bin]!;
    if (seen >= rank && seen > 0) return bin;
  }
  return counts.length - 1;
}
