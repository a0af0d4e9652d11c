import type { Ceilings, FaultEffect, FaultRule } from './fault-options.js';
import { type ControlOperation, startsSandbox } from './operations.js';
import type { Draw } from './seeded-draws.js';

/** What is known of a request before it is carried out. */
export interface ControlRequest {
  operation: ControlOperation;
  sandboxId?: string | undefined;
  templateId?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** How many sandboxes the request would start. @default 1 for create and resume */
  starts?: number | undefined;
}

export interface Refusal {
  status: number;
  message: string;
  errorCode?: string | undefined;
  retryAfterSeconds?: number | undefined;
}

export type Verdict =
  | { kind: 'carryOut'; losesAnswer: boolean; diesAfterMs: number | undefined }
  | { kind: 'refuse'; refusal: Refusal; losesSandbox: boolean }
  | { kind: 'cut' };

export interface Decision {
  /** To wait before the verdict takes place. */
  delayMs: number;
  verdict: Verdict;
}

/** How often a rule's conditions were met and how often it was applied. */
export interface RuleCount {
  matched: number;
  applied: number;
}

export interface CountedRule {
  rule: FaultRule;
  count: RuleCount;
}

/** Which rules apply to a request, in their order. Counts what it decides. */
export function applyRules(rules: readonly CountedRule[], request: ControlRequest, draw: Draw): Decision {
  const decision: Decision = { delayMs: 0, verdict: { kind: 'carryOut', losesAnswer: false, diesAfterMs: undefined } };
  for (const { rule, count } of rules) {
    if (decision.verdict.kind !== 'carryOut') {
      break;
    }
    if (!matches(rule, request)) {
      continue;
    }
    count.matched += 1;
    const isExhausted = rule.times !== undefined && count.applied >= rule.times;
    if (count.matched <= rule.after || isExhausted || draw() >= rule.probability) {
      continue;
    }
    count.applied += 1;
    applyEffect(decision, rule.effect, draw);
  }
  return decision;
}

function matches({ operation, when, effect }: FaultRule, request: ControlRequest): boolean {
  if (operation !== 'any' && operation !== request.operation) {
    return false;
  }
  if (effect.kind === 'failResume' && request.operation !== 'resume') {
    return false;
  }
  if (when?.templateId !== undefined && when.templateId !== request.templateId) {
    return false;
  }
  if (when?.sandboxId !== undefined && when.sandboxId !== request.sandboxId) {
    return false;
  }
  return Object.entries(when?.metadata ?? {}).every(([key, value]) => request.metadata?.[key] === value);
}

function applyEffect(decision: Decision, effect: FaultEffect, draw: Draw): void {
  const { verdict } = decision;
  switch (effect.kind) {
    case 'error': {
      const { status, retryAfterSeconds, errorCode } = effect;
      const message = effect.message ?? `Fault on demand: ${status}. Remove the rule to get the real answer.`;
      const refusal = { status, message, errorCode, retryAfterSeconds };
      decision.verdict = { kind: 'refuse', refusal, losesSandbox: false };
      break;
    }
    case 'failResume': {
      const message = 'Fault on demand: the sandbox could not be resumed.';
      decision.verdict = {
        kind: 'refuse',
        refusal: { status: effect.status, message },
        losesSandbox: effect.losesSandbox,
      };
      break;
    }
    case 'cutRequest':
      decision.verdict = { kind: 'cut' };
      break;
    case 'delay':
      decision.delayMs += within(effect.delayMs, effect.upToMs, draw);
      break;
    case 'loseAnswer':
      if (verdict.kind === 'carryOut') {
        verdict.losesAnswer = true;
      }
      break;
    case 'earlyDeath':
      if (verdict.kind === 'carryOut') {
        verdict.diesAfterMs = within(effect.afterMs, effect.upToMs, draw);
      }
      break;
    default:
      effect satisfies never;
  }
}

function within(from: number, to: number | undefined, draw: Draw): number {
  return to === undefined ? from : from + Math.max(0, to - from) * draw();
}

/** Creates that may still come at once, and when that was worked out. */
export interface Allowance {
  creates: number;
  atMs: number;
}

export interface Load {
  nowMs: number;
  /** Sandboxes that run or are being started. */
  running: number;
}

export type Admission = { kind: 'admitted'; allowance: Allowance } | { kind: 'refused'; refusal: Refusal };

/**
 * E2B tells the two ceilings apart by a header: too many creates per second come with `Retry-After`, too many sandboxes
 * at once without. A resume counts as running, not as a create.
 */
export function admit(ceilings: Ceilings, allowance: Allowance, request: ControlRequest, load: Load): Admission {
  const { createsPerSecond, concurrentSandboxes } = ceilings;
  const size = ceilings.burst ?? Math.max(1, Math.floor(createsPerSecond ?? 1));
  const passedMs = Math.max(0, load.nowMs - allowance.atMs);
  const refilled = Math.min(size, allowance.creates + (passedMs / 1000) * (createsPerSecond ?? 0));
  const next = { creates: refilled, atMs: load.nowMs };
  if (!startsSandbox(request.operation)) {
    return { kind: 'admitted', allowance: next };
  }
  const starts = request.starts ?? 1;
  if (concurrentSandboxes !== undefined && load.running + starts > concurrentSandboxes) {
    const message = `You have reached the maximum number of concurrent sandboxes (${concurrentSandboxes}). Kill or pause one.`;
    return { kind: 'refused', refusal: { status: 429, message } };
  }
  if (createsPerSecond === undefined || request.operation === 'resume') {
    return { kind: 'admitted', allowance: next };
  }
  if (refilled < 1) {
    const retryAfterSeconds = Math.max(1, Math.ceil((1 - refilled) / createsPerSecond));
    const message = `You may create ${createsPerSecond} sandboxes per second. Try again in ${retryAfterSeconds} s.`;
    return { kind: 'refused', refusal: { status: 429, message, retryAfterSeconds } };
  }
  return { kind: 'admitted', allowance: { creates: refilled - 1, atMs: load.nowMs } };
}
