import { WarmingError } from '../errors.js';
import { ForecastPolicy } from '../forecast/forecast.js';
import { fixedPolicy } from '../target/fixed.js';
import { hybridHistogramPolicy } from '../target/hybrid-histogram.js';
import { keepAlivePolicy } from '../target/keep-alive.js';
import { newsvendorPolicy } from '../target/newsvendor.js';
import { scheduledPolicy } from '../target/scheduled.js';
import type { TargetPolicy } from '../target/target.js';

/** Policies a replay can be run with. */
export const FAMILIES = ['forecast', 'keep-alive', 'fixed', 'hybrid-histogram', 'newsvendor', 'scheduled'] as const;

export type Family = (typeof FAMILIES)[number];

/** A replay knows no bound: what is published was measured without one. */
const maxHot = 100_000;

/** What a family is built from; each takes what it knows. Times in seconds. */
export interface FamilySettings {
  leadSeconds: number;
  /** forecast, newsvendor: the price. keep-alive: how long a replacement lives. hybrid-histogram: the range. */
  valueSeconds: number;
  /** fixed, scheduled: how many. @default 1 */
  hot?: number;
  /** scheduled: cron pattern. @default weekdays at eight, for ten hours */
  cron?: string;
  /** forecast: turns the generic tier on. */
  specialiseSeconds?: number;
}

/** @throws WarmingError `invalid_option` when there is no such family */
export function buildFamily(name: string, settings: FamilySettings): TargetPolicy {
  const { leadSeconds: defaultLeadSeconds, valueSeconds, hot = 1 } = settings;
  switch (name as Family) {
    case 'forecast':
      return new ForecastPolicy({
        defaultLeadSeconds,
        maxHot,
        maxGeneric: maxHot,
        coldStartValueSeconds: valueSeconds,
        ...(settings.specialiseSeconds === undefined ? {} : { specialiseSeconds: settings.specialiseSeconds }),
      });
    case 'keep-alive':
      return keepAlivePolicy({ defaultLeadSeconds, maxHot, keepSeconds: valueSeconds });
    case 'fixed':
      return fixedPolicy({ defaultLeadSeconds, maxHot, hot });
    case 'hybrid-histogram':
      return hybridHistogramPolicy({ defaultLeadSeconds, maxHot, rangeSeconds: Math.max(60, valueSeconds) });
    case 'newsvendor':
      return newsvendorPolicy({ defaultLeadSeconds, maxHot, coldStartValueSeconds: valueSeconds });
    case 'scheduled':
      return scheduledPolicy({
        defaultLeadSeconds,
        rules: [{ cron: settings.cron ?? '0 8 * * 1-5', durationSeconds: 36_000, hot }],
      });
    default:
      throw new WarmingError(
        'invalid_option',
        `There is no policy ${JSON.stringify(name)}. Use ${FAMILIES.join(', ')}.`,
      );
  }
}
