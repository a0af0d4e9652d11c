import { BasicPolicy } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

/** The same number for every runtime, from its first observation on. */
export function fixedPolicy(options: { hot: number; defaultLeadSeconds?: number; maxHot?: number }): TargetPolicy {
  const hot = checkedNumber('hot', options.hot, 0);
  return new BasicPolicy<Record<string, never>>(
    {
      name: 'fixed',
      start: () => ({}),
      claim: () => undefined,
      want: () => ({ hot }),
      reason: () => `The target is fixed at ${hot}.`,
    },
    options,
  );
}
