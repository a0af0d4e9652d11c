import type { Explanation, RuntimeTarget } from '../target/target.js';
import type { KeyState } from './key.js';
import { chanceWithin } from './learner.js';
import type { Lookout } from './lookout.js';
import { Outlook } from './outlook.js';
import { poolClass } from './pooled-gaps.js';

/** What an explanation is made from. */
export interface ExplainInput {
  key: KeyState;
  lookout: Lookout;
  /** Open hints of the runtime. */
  hints: number;
  target: RuntimeTarget;
  valueSeconds: number;
  nowSeconds: number;
}

/** Own claims after which a runtime's history weighs as much as what runtimes have in common. */
const EVEN_WEIGHT = 8;

/** Explains the target of one runtime from what its policy knows. */
export function explainKey(input: ExplainInput): Explanation {
  const { key, lookout, target, valueSeconds, nowSeconds } = input;
  const claimsPerHour = key.rates.perSecond(2, nowSeconds) * 3600;
  const mark = key.last?.own;
  let probability = 0;
  if (key.last && mark) {
    const since = nowSeconds - mark.atSeconds;
    const { chance, demand } = lookout;
    const outlook = new Outlook();
    demand.learner.predict(outlook, key.last, mark);
    probability = chance.tell(mark.inputs, chanceWithin(outlook, since, since + chance.withinSeconds));
  }
  return {
    key: key.name,
    policy: 'forecast',
    target,
    claimWithin10MinProbability: probability,
    claimsPerHour,
    coldStartValueSeconds: valueSeconds,
    holdAbovePerSecond: valueSeconds > 0 ? 1 / valueSeconds : Infinity,
    ownHistoryShare: key.claims / (key.claims + EVEN_WEIGHT),
    reasons: reasons(input, probability, claimsPerHour),
  };
}

function reasons(input: ExplainInput, probability: number, claimsPerHour: number): string[] {
  const { key, target, valueSeconds, nowSeconds, hints, lookout } = input;
  const list = [
    `${target.hot} kept: a claim within ten minutes has a chance of ${percent(probability)}, ` +
      `about ${claimsPerHour.toFixed(1)} claims an hour lately.`,
    `An avoided cold start is worth ${round(valueSeconds)} idle seconds; a unit is held while its next use comes, on ` +
      'average, sooner than that.',
  ];
  const unit = key.last;
  if (unit?.own) list.push(`The last claim was ${round(nowSeconds - unit.own.atSeconds)} s ago.`);
  if (unit && lookout.demand.learner.trust.share(poolClass(unit, nowSeconds)) < 0.5) {
    list.push('The gaps of runtimes like this foresaw better than the network lately, so they decide.');
  }
  if (hints > 0) list.push(`${hints} open hints raise the chance.`);
  if (key.claims < EVEN_WEIGHT) {
    const known = key.claims === 1 ? 'one claim is' : `${key.claims} claims are`;
    list.push(`Only ${known} known, so it leans on what runtimes have in common.`);
  }
  return list;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function round(seconds: number): string {
  return Number.isFinite(seconds) ? String(Math.round(seconds)) : 'unlimited';
}
