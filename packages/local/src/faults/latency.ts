import type { LatencyProfile } from './fault-options.js';
import type { ControlOperation } from './operations.js';

export interface Quantiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/**
 * Create to first command, seen from outside of E2B, in 50 daily runs of 100 (computesdk/benchmarks, 2026-03-16 to
 * 2026-05-05): the median day and the worst figures of any day, one at a time and 100 at once. All of it is played at
 * create, because the runs do not tell create and command apart.
 */
const creates: Readonly<Record<'median' | 'worst', { alone: Quantiles; burst: Quantiles }>> = {
  median: {
    alone: { p50Ms: 392, p95Ms: 621, p99Ms: 728 },
    burst: { p50Ms: 647, p95Ms: 939, p99Ms: 1009 },
  },
  worst: {
    alone: { p50Ms: 552, p95Ms: 1027, p99Ms: 3150 },
    burst: { p50Ms: 1230, p95Ms: 5540, p99Ms: 6522 },
  },
};

/** How many creates at once `burst` was measured with. */
const burstSize = 100;

/** E2B's documents: a resume takes about 1 s, a pause about 4 s per GiB of memory; the default size is 512 MiB. */
const resumeMs = 1000;
const pauseMs = 2000;

/** No minimum is published; below the median the measured spread above it is mirrored, which gives this much of it. */
const lowestShareOfMedian = 0.63;

/** How long an operation takes when `inFlight` of its kind, itself included, are under way. Undefined: not slowed. */
export function quantilesOf(
  profile: LatencyProfile,
  operation: ControlOperation,
  inFlight: number,
): Quantiles | undefined {
  const own = profile.operations[operation];
  if (own) {
    return own;
  }
  if (profile.profile === 'none') {
    return undefined;
  }
  const { alone, burst } = creates[profile.day];
  switch (operation) {
    case 'create':
    case 'fork':
      return between(alone, burst, Math.min(1, (inFlight - 1) / (burstSize - 1)));
    case 'resume':
      return scaled(alone, resumeMs / alone.p50Ms);
    case 'pause':
      return scaled(alone, pauseMs / alone.p50Ms);
    default:
      return undefined;
  }
}

/** The inverse of the distribution through these quantiles: straight lines between them on a logarithmic scale. */
export function latencyAt(quantiles: Quantiles, probability: number): number {
  const { p50Ms, p95Ms, p99Ms } = quantiles;
  const highestMs = p99Ms * Math.max(1, p99Ms / Math.max(1, p95Ms)) ** 0.5;
  const knots: readonly (readonly [number, number])[] = [
    [0, p50Ms * lowestShareOfMedian],
    [0.5, p50Ms],
    [0.95, p95Ms],
    [0.99, p99Ms],
    [1, highestMs],
  ];
  const upper = Math.max(
    1,
    knots.findIndex(([share]) => probability <= share),
  );
  const [fromShare, fromMs] = knots[upper - 1]!;
  const [toShare, toMs] = knots[upper]!;
  return interpolate(fromMs, toMs, (probability - fromShare) / (toShare - fromShare));
}

function between(from: Quantiles, to: Quantiles, share: number): Quantiles {
  return {
    p50Ms: interpolate(from.p50Ms, to.p50Ms, share),
    p95Ms: interpolate(from.p95Ms, to.p95Ms, share),
    p99Ms: interpolate(from.p99Ms, to.p99Ms, share),
  };
}

function scaled({ p50Ms, p95Ms, p99Ms }: Quantiles, factor: number): Quantiles {
  return { p50Ms: p50Ms * factor, p95Ms: p95Ms * factor, p99Ms: p99Ms * factor };
}

function interpolate(from: number, to: number, share: number): number {
  if (from <= 0 || to <= 0) {
    return from + (to - from) * share;
  }
  return Math.exp(Math.log(from) + (Math.log(to) - Math.log(from)) * share);
}
