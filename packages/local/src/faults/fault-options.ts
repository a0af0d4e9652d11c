import { z } from 'zod';
import { controlOperations } from './operations.js';

const milliseconds = z.number().min(0).max(86_400_000);

const effect = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    status: z.number().int().min(400).max(599),
    retryAfterSeconds: z.number().int().min(0).optional(),
    errorCode: z.string().optional(),
    message: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('delay'), delayMs: milliseconds, upToMs: milliseconds.optional() }),
  z.strictObject({ kind: z.literal('cutRequest') }),
  z.strictObject({ kind: z.literal('loseAnswer') }),
  z.strictObject({ kind: z.literal('earlyDeath'), afterMs: milliseconds, upToMs: milliseconds.optional() }),
  z.strictObject({
    kind: z.literal('failResume'),
    status: z.number().int().min(400).max(599).default(500),
    losesSandbox: z.boolean().default(false),
  }),
]);

const rule = z.strictObject({
  id: z.string().min(1).optional(),
  operation: z.enum([...controlOperations, 'any']),
  when: z
    .strictObject({
      templateId: z.string().optional(),
      sandboxId: z.string().optional(),
      metadata: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  after: z.number().int().min(0).default(0),
  times: z.number().int().min(1).optional(),
  probability: z.number().min(0).max(1).default(1),
  effect,
});

const ceilings = z.strictObject({
  createsPerSecond: z.number().positive().optional(),
  burst: z.number().int().positive().optional(),
  concurrentSandboxes: z.number().int().min(0).optional(),
});

const limits = z.union([z.enum(['hobby', 'pro']), ceilings]);

const spread = z.strictObject({ p50Ms: milliseconds, p95Ms: milliseconds, p99Ms: milliseconds });

const latency = z.strictObject({
  profile: z.enum(['e2b', 'none']).default('e2b'),
  seed: z.number().int().default(1),
  day: z.enum(['median', 'worst']).default('median'),
  scale: z.number().min(0).default(1),
  operations: z.partialRecord(z.enum(controlOperations), spread).default({}),
});

const faultOptions = z.strictObject({
  rules: z.array(rule).optional(),
  limits: limits.nullable().optional(),
  latency: latency.nullable().optional(),
  seed: z.number().int().optional(),
});

/** How a request is treated that a rule applies to. Effects of several rules add up; the first refusal ends the list. */
export type FaultEffect = z.output<typeof effect>;

export type FaultRule = z.output<typeof rule> & { id: string };

/** One rule of faults on demand, as it is given. */
export type FaultRuleInput = z.input<typeof rule>;

/** E2B's plans, or ceilings of your own. A ceiling that is left out is not enforced. */
export type LimitsInput = z.input<typeof limits>;

/** What `latency` takes: the measured distribution of E2B, or quantiles for each operation. */
export type LatencyInput = z.input<typeof latency>;

export type LatencyProfile = z.output<typeof latency>;

export interface Ceilings {
  createsPerSecond?: number | undefined;
  /** Creates that may come at once after a pause. */
  burst?: number | undefined;
  concurrentSandboxes?: number | undefined;
}

/** Rules, ceilings and latency of a host: an option of `startLocalHost` and the body of `POST /_pilotlight/faults`. */
export type FaultOptions = z.input<typeof faultOptions>;

/** Figures of E2B's own plans (e2b.dev/docs, rate limits). */
const plans: Readonly<Record<'hobby' | 'pro', Ceilings>> = {
  hobby: { createsPerSecond: 1, concurrentSandboxes: 20 },
  pro: { createsPerSecond: 5, concurrentSandboxes: 100 },
};

export interface ParsedFaultOptions {
  rules: Omit<FaultRule, 'id'>[];
  /** Null takes the ceilings away; undefined leaves them as they are. */
  limits: Ceilings | null | undefined;
  latency: LatencyProfile | null | undefined;
  seed: number | undefined;
}

/** The text names every wrong field with the value given. */
export class FaultOptionsError extends Error {
  override readonly name = 'FaultOptionsError';
}

/** @throws FaultOptionsError when a field is wrong or unknown. */
export function parseFaultOptions(value: unknown): ParsedFaultOptions {
  const result = faultOptions.safeParse(value, { reportInput: true });
  if (!result.success) {
    const issues = result.error.issues.map((issue) => {
      const path = issue.path.length > 0 ? issue.path.join('.') : 'body';
      return `${path}: ${issue.message} (given: ${JSON.stringify(issue.input) ?? 'nothing'})`;
    });
    throw new FaultOptionsError(`The faults are not valid: ${issues.join('; ')}. Correct these fields and try again.`);
  }
  const { rules = [], limits: given, latency: profile, seed } = result.data;
  return { rules, limits: typeof given === 'string' ? plans[given] : given, latency: profile, seed };
}
