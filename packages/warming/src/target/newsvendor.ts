import { BasicPolicy } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

interface Rate {
  count: number;
  atSeconds: number;
}

const MOST = 400;

/**
 * Newsvendor on a decayed claim rate: the smallest stock that covers the claims of one lead time and one review period
 * with probability V / (V + R), claims coming at random.
 */
export function newsvendorPolicy(
  options: {
    coldStartValueSeconds?: number;
    /** @default 600 */
    decaySeconds?: number;
    /** @default 30 */
    reviewSeconds?: number;
    defaultLeadSeconds?: number;
    maxHot?: number;
  } = {},
): TargetPolicy {
  const value = checkedNumber('coldStartValueSeconds', options.coldStartValueSeconds ?? 600, 0, true);
  const decay = checkedNumber('decaySeconds', options.decaySeconds ?? 600, 1);
  const review = checkedNumber('reviewSeconds', options.reviewSeconds ?? 30, 1);
  const level = value === Infinity ? 1 - 1e-9 : value / (value + review);
  const decayed = (state: Rate, now: number): number => state.count * Math.exp((state.atSeconds - now) / decay);
  return new BasicPolicy<Rate>(
    {
      name: 'newsvendor',
      start: (now) => ({ count: 0, atSeconds: now }),
      claim(state, now) {
        state.count = decayed(state, now) + 1;
        state.atSeconds = now;
      },
      want(state, now, leadSeconds) {
        const hot = stock((decayed(state, now) / decay) * (leadSeconds + review), level);
        return { hot, nextSeconds: hot > 0 ? now + review : undefined };
      },
      reason: (state, now) => `About ${((decayed(state, now) / decay) * 3600).toFixed(1)} claims an hour.`,
    },
    options,
  );
}

function stock(mean: number, level: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  let count = 0;
  while (sum < level && count < MOST) {
    count++;
    term *= mean / count;
    sum += term;
  }
  return count;
}
