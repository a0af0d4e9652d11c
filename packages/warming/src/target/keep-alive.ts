import { BasicPolicy } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

interface Replacements {
  /** When each replacement that was not claimed yet is ready; sorted. */
  readyAt: number[];
}

/**
 * Every claim orders one replacement, which is kept for a fixed time. The strongest simple policy there is: it sizes the
 * pool to the recent burst by itself.
 */
export function keepAlivePolicy(
  options: { keepSeconds?: number; defaultLeadSeconds?: number; maxHot?: number } = {},
): TargetPolicy {
  const keep = checkedNumber('keepSeconds', options.keepSeconds ?? 600, 0, true);
  const expire = (state: Replacements, now: number): void => {
    while (state.readyAt.length > 0 && state.readyAt[0]! + keep <= now + 1e-5) state.readyAt.shift();
  };
  return new BasicPolicy<Replacements>(
    {
      name: 'keep-alive',
      start: () => ({ readyAt: [] }),
      claim(state, now, leadSeconds) {
        expire(state, now);
        if (state.readyAt.length > 0 && state.readyAt[0]! <= now) state.readyAt.shift();
        if (keep > 0) state.readyAt.push(now + leadSeconds);
      },
      want(state, now) {
        expire(state, now);
        const first = state.readyAt[0];
        return {
          hot: state.readyAt.length,
          nextSeconds: first === undefined || keep === Infinity ? undefined : first + keep,
        };
      },
      reason: (state) => `${state.readyAt.length} claims of the last ${keep} s keep one replacement each.`,
    },
    options,
  );
}
