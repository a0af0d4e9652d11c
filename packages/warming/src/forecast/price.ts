import { checkedNumber } from '../target/time-line.js';

/** Prices from which {@link coldStartValueSeconds} is derived; any currency, the same for all. */
export interface MoneyPrices {
  /** What a running sandbox costs per hour. */
  sandboxPerHour: number;
  /** How long somebody waits at a cold start. */
  coldStartSeconds: number;
  /** What an hour of the one who waits is worth. @default 0 */
  waitingPerHour?: number;
  /** What a cold start costs besides waiting, for example a user lost now and then. @default 0 */
  perColdStart?: number;
}

/**
 * What an avoided cold start is worth in idle sandbox-seconds. Fifteen seconds of somebody at 60 an hour, against a
 * sandbox at 0.05 an hour, are worth 18 000.
 *
 * @throws WarmingError `invalid_option` when a price is negative or not a number
 */
export function coldStartValueSeconds(prices: MoneyPrices): number {
  const sandbox = checkedNumber('sandboxPerHour', prices.sandboxPerHour, 0) / 3600;
  const waiting =
    (checkedNumber('waitingPerHour', prices.waitingPerHour ?? 0, 0) / 3600) *
    checkedNumber('coldStartSeconds', prices.coldStartSeconds, 0);
  const worth = waiting + checkedNumber('perColdStart', prices.perColdStart ?? 0, 0);
  if (worth === 0) return 0;
  return sandbox === 0 ? Infinity : worth / sandbox;
}
