import type { Explanation, RuntimeTarget } from '../target/target.js';
import type { KeyState } from './key.js';
import type { Learner } from './learner.js';

/** Explains the target of one runtime from what its policy knows. */
export function explainKey(
  key: KeyState,
  learner: Learner,
  target: RuntimeTarget,
  valueSeconds: number,
  nowSeconds: number,
): Explanation {
  const unit = key.units[0];
  const claimsPerHour = key.rates.perSecond(2, nowSeconds) * 3600;
  const ownHistoryShare = unit ? unit.uses / (unit.uses + 8) : 0;
  let probability = 0;
  if (unit?.own) {
    learner.predict(unit, unit.own);
    const since = nowSeconds - unit.own.atSeconds;
    probability = learner.chanceWithin(since, since + 600);
  }
  return {
    key: key.name,
    policy: 'forecast',
    target,
    claimWithin10MinProbability: probability,
    claimsPerHour,
    coldStartValueSeconds: valueSeconds,
    holdAbovePerSecond: 1 / valueSeconds,
    ownHistoryShare,
    reasons: [],
  };
}
