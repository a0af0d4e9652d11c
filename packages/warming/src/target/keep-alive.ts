import { BasicPolicy } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

const TICK = 1e-5;

interface Replacements {
  /** When each unit was used last; a claim uses the first one that is not being replaced. */
  usedAt: number[];
}

/**
 * Every claim orders one replacement, which is kept for a fixed time after it is ready. Claims use the first unit that is
 * not being replaced, so those a burst called for run out first. The strongest simple policy there is: it sizes the pool
 * to the recent burst by itself.
 */
export function keepAlivePolicy(
  options: { keepSeconds?: number; defaultLeadSeconds?: number; maxHot?: number } = {},
): TargetPolicy {
  const keep = checkedNumber('keepSeconds', options.keepSeconds ?? 600, 0, true);
  return new BasicPolicy<Replacements>(
    {
      name: 'keep-alive',
      start: () => ({ usedAt: [] }),
      claim({ usedAt }, now, leadSeconds) {
        let unit = 0;
        while (unit < usedAt.length && usedAt[unit]! + leadSeconds > now) unit++;
        usedAt[unit] = now;
      },
      want({ usedAt }, now, leadSeconds) {
        if (keep === 0) return { hot: 0 };
        let hot = 0;
        let next = Infinity;
        for (const used of usedAt) {
          const until = used + leadSeconds + keep;
          if (until <= now + TICK) continue;
          hot++;
          next = Math.min(next, until);
        }
        return { hot, nextSeconds: next === Infinity ? undefined : next };
      },
      reason: ({ usedAt }) => `Up to ${usedAt.length} claims came at once; each keeps one replacement for ${keep} s.`,
    },
    options,
  );
}
