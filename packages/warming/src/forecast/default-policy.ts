import { BoundedPolicy, type SharedBounds } from '../target/bounded.js';
import type { TargetPolicy } from '../target/target.js';
import { ForecastPolicy } from './forecast.js';
import type { ForecastOptions } from './options.js';

/** Options of {@link defaultPolicy}. */
export interface DefaultPolicyOptions extends ForecastOptions {
  bounds?: SharedBounds;
}

/** What the engine uses when nothing else is asked for: the forecast, within the shared bounds. */
export function defaultPolicy(options: DefaultPolicyOptions = {}): TargetPolicy {
  const { bounds, ...forecast } = options;
  const policy = new ForecastPolicy(forecast);
  return bounds ? new BoundedPolicy(policy, bounds) : policy;
}
