import { BoundedPolicy, type SharedBounds } from '../target/bounded.js';
import { GuardedPolicy } from '../target/guarded.js';
import { keepAlivePolicy } from '../target/keep-alive.js';
import type { TargetPolicy } from '../target/target.js';
import { type ForecastOptions, ForecastPolicy } from './forecast.js';

/** Options of {@link defaultPolicy}. */
export interface DefaultPolicyOptions extends ForecastOptions {
  bounds?: SharedBounds;
  /** How long a replacement lives while the forecast has fallen back. @default the price, at most an hour */
  fallbackKeepSeconds?: number;
}

/**
 * What the engine uses when nothing else is asked for: the forecast, guarded against drift by keep-alive, within the
 * shared bounds.
 */
export function defaultPolicy(options: DefaultPolicyOptions = {}): TargetPolicy {
  const { bounds, fallbackKeepSeconds, ...forecast } = options;
  const keepSeconds = fallbackKeepSeconds ?? Math.min(3_600, options.coldStartValueSeconds ?? 600);
  const fallback = keepAlivePolicy({
    keepSeconds,
    ...(options.defaultLeadSeconds === undefined ? {} : { defaultLeadSeconds: options.defaultLeadSeconds }),
  });
  const guarded = new GuardedPolicy(new ForecastPolicy(forecast), fallback);
  return bounds ? new BoundedPolicy(guarded, bounds) : guarded;
}
