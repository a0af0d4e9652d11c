import { Cron } from 'croner';
import { WarmingError } from '../errors.js';
import { BasicPolicy, type Wanted } from './basic-policy.js';
import type { TargetPolicy } from './target.js';
import { checkedNumber } from './time-line.js';

/** One rule of a schedule: from every time the pattern names, keep so many for so long. */
export interface ScheduleRule {
  /** Runtime it is for. @default every runtime */
  key?: string;
  /** Cron pattern of five or six fields, for example `0 8 * * 1-5`. */
  cron: string;
  /** IANA name. @default 'UTC' */
  timeZone?: string;
  durationSeconds: number;
  hot: number;
}

/**
 * Targets by the clock. Where rules overlap the largest counts.
 *
 * @throws WarmingError `invalid_option` naming the rule whose pattern or time zone is not usable
 */
export function scheduledPolicy(options: {
  rules: readonly ScheduleRule[];
  /** Outside all rules. @default 0 */
  otherwiseHot?: number;
  defaultLeadSeconds?: number;
}): TargetPolicy {
  const rules = options.rules.map((rule, index) => compile(rule, index));
  const otherwise = checkedNumber('otherwiseHot', options.otherwiseHot ?? 0, 0);
  return new BasicPolicy<Record<string, never>>(
    {
      name: 'scheduled',
      start: () => ({}),
      claim: () => undefined,
      want: (_state, now, leadSeconds, key) => wanted(rules, key, now, leadSeconds, otherwise),
      reason: () => `${rules.length} rules of the schedule decide.`,
    },
    options,
  );
}

interface CompiledRule extends ScheduleRule {
  clock: Cron;
}

function compile(rule: ScheduleRule, index: number): CompiledRule {
  checkedNumber(`rules[${index}].durationSeconds`, rule.durationSeconds, 1);
  checkedNumber(`rules[${index}].hot`, rule.hot, 0);
  try {
    const clock = new Cron(rule.cron, { timezone: rule.timeZone ?? 'UTC', paused: true });
    clock.nextRun(new Date(0));
    return { ...rule, clock };
  } catch (cause) {
    throw new WarmingError(
      'invalid_option',
      `"rules[${index}]" is not usable: cron ${JSON.stringify(rule.cron)}, time zone ${rule.timeZone ?? 'UTC'}. ` +
        'Give five or six cron fields and an IANA time zone.',
      { cause },
    );
  }
}

/** Sandboxes are ordered one lead time before a rule starts. */
function wanted(rules: readonly CompiledRule[], key: string, now: number, lead: number, otherwise: number): Wanted {
  let hot = otherwise;
  let next: number | undefined;
  const soon = (seconds: number): void => {
    next = next === undefined ? seconds : Math.min(next, seconds);
  };
  for (const rule of rules) {
    if (rule.key !== undefined && rule.key !== key) continue;
    const start = rule.clock.nextRun(new Date((now - rule.durationSeconds) * 1000));
    if (!start) continue;
    const from = start.getTime() / 1000;
    if (from - lead <= now) {
      hot = Math.max(hot, rule.hot);
      soon(from + rule.durationSeconds + 0.001);
    } else soon(from - lead);
  }
  return { hot, nextSeconds: next };
}
