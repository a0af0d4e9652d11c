import { z } from 'zod';
import { claimId, label, runtimeName, sandboxId, wireError } from './wire-common.js';

export const wireClaimSource = z.enum(['hot', 'affinity', 'generic', 'parked', 'linked', 'cold']);
export const wireMissReason = z.enum([
  'pool_empty',
  'spec_changed',
  'expired',
  'unhealthy',
  'quota',
  'disabled',
  'provider_error',
]);
export const wirePhase = z.enum([
  'queued',
  'creating',
  'resuming',
  'restoring',
  'warming',
  'probing',
  'personalising',
  'ready',
]);

/** Time left in milliseconds, from measured warm-ups of the same runtime. */
export const wireEta = z.object({
  p50Ms: z.number().min(0),
  p90Ms: z.number().min(0),
  samples: z.number().int().min(0).describe('How many measured warm-ups it rests on; 0 means a guess'),
});

const file = z.strictObject({
  path: z.string().min(1).max(4096),
  content: z.string(),
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
});

/**
 * Body of `POST /v1/claims`.
 *
 * It has no field for environment or secrets: the client adds those to each command it runs, so the service never
 * learns them.
 */
export const wireClaimRequest = z.strictObject({
  runtime: runtimeName,
  key: label.optional().describe('The same key gives the same sandbox; the Idempotency-Key header when absent'),
  userId: label.optional(),
  affinity: z.enum(['none', 'prefer']).default('none').describe('`prefer` the sandbox this user left with `keep`'),
  priority: z.enum(['interactive', 'background']).default('interactive'),
  lifeMs: z.number().int().min(1_000).max(86_400_000).default(300_000),
  files: z.array(file).max(1_000).default([]),
  memoryFiles: z.array(file).max(100).default([]).describe('Written when they can be; the claim never fails for them'),
});

/** All that is needed to talk to the sandbox. Goes to its claimant and to nobody else. */
export const wireConnection = z.object({
  sandboxId,
  sandboxDomain: z.string().optional(),
  sandboxUrl: z.string().optional().describe('Where the sandbox is reached when that is not told by its domain'),
  envdVersion: z.string(),
  envdAccessToken: z.string().optional(),
  trafficAccessToken: z.string().optional(),
});

const subject = {
  claimId,
  runtime: z.string(),
  key: z.string(),
  userId: z.string().optional(),
  createdAtMs: z.number(),
};

export const wireWarmingClaim = z.object({
  state: z.literal('WARMING'),
  ...subject,
  progress: z.number().min(0).max(1),
  phase: wirePhase,
  step: z.string().optional(),
  eta: wireEta,
  elapsedMs: z.number().min(0),
  reason: wireMissReason,
});

const handedOver = {
  ...subject,
  source: wireClaimSource,
  latencyMs: z.number().min(0),
  expiresAtMs: z.number(),
  acked: z.boolean(),
};

export const wireHotClaim = z.object({ state: z.literal('HOT'), ...handedOver, connection: wireConnection });
const endedClaim = z.object({ state: z.enum(['CANCELLED', 'RETIRED']), ...subject });
const failedClaim = z.object({ state: z.literal('FAILED'), ...subject, error: wireError });

/** A claim as its claimant sees it. */
export const wireClaim = z.discriminatedUnion('state', [wireWarmingClaim, wireHotClaim, failedClaim, endedClaim]);

/** A claim in a list: without what is needed to enter the sandbox. */
export const wireClaimSummary = z.discriminatedUnion('state', [
  wireWarmingClaim,
  z.object({ state: z.literal('HOT'), ...handedOver, sandboxId }),
  failedClaim,
  endedClaim,
]);

export const wireClaimList = z.object({ claims: z.array(wireClaimSummary) });
export const wireRenewRequest = z.strictObject({ lifeMs: z.number().int().min(1_000).max(86_400_000) });

/** Body of `POST /v1/intents`. */
export const wireIntentRequest = z.strictObject({
  runtime: runtimeName,
  userId: label,
  ttlMs: z.number().int().min(1_000).max(3_600_000).default(120_000),
});

export const wireIntent = z.object({
  intentId: z.string(),
  runtime: z.string(),
  userId: z.string(),
  expiresAtMs: z.number().describe('The hint ends then; asking again does not move it'),
  maxCostDollars: z.number().min(0),
});

export type WireClaim = z.output<typeof wireClaim>;
export type WireClaimSummary = z.output<typeof wireClaimSummary>;
export type WireHotClaim = z.output<typeof wireHotClaim>;
export type WireWarmingClaim = z.output<typeof wireWarmingClaim>;
export type WireClaimRequest = z.output<typeof wireClaimRequest>;
export type WireConnection = z.output<typeof wireConnection>;
export type WireIntent = z.output<typeof wireIntent>;
export type WireIntentRequest = z.output<typeof wireIntentRequest>;
