import { z } from 'zod';
import { wireClaimSource, wireEta, wireMissReason, wirePhase } from './wire-claims.js';
import { claimId, wireError } from './wire-common.js';

/** Grows along the stream of one service and survives a reconnect: `<milliseconds>-<number>`. */
export const wireEventId = z.string().regex(/^\d{1,16}-\d{1,10}$/, 'is not an event id');

const stamp = { id: wireEventId, atMs: z.number() };
const ofClaim = { ...stamp, claimId, runtime: z.string() };

const claimProgress = z.object({
  type: z.literal('claim-progress'),
  ...ofClaim,
  progress: z.number().min(0).max(1),
  phase: wirePhase,
  step: z.string().optional(),
  eta: wireEta,
  elapsedMs: z.number().min(0),
  outcome: z.enum(['hot', 'failed', 'cancelled']).optional().describe('On the last event of the claim only'),
});

/** Every event of `/v1/events` and `/v1/claims/{id}/events`. No secret in any of them. */
export const wireEvent = z.discriminatedUnion('type', [
  claimProgress,
  z.object({
    type: z.literal('claim-ready'),
    ...ofClaim,
    source: wireClaimSource,
    latencyMs: z.number().min(0),
    sandboxId: z.string(),
  }),
  z.object({ type: z.literal('claim-missed'), ...ofClaim, reason: wireMissReason }),
  z.object({ type: z.literal('claim-failed'), ...ofClaim, error: wireError }),
  z.object({ type: z.literal('claim-retired'), ...ofClaim, sandboxId: z.string() }),
  z.object({
    type: z.literal('pool-changed'),
    ...stamp,
    runtime: z.string(),
    target: z.number(),
    hot: z.number(),
    parked: z.number(),
    warming: z.number(),
    claimed: z.number(),
  }),
  z.object({
    type: z.literal('slot-retired'),
    ...stamp,
    runtime: z.string(),
    sandboxId: z.string(),
    reason: z.string(),
  }),
  z.object({ type: z.literal('background-error'), ...stamp, runtime: z.string().optional(), error: wireError }),
  z.object({
    type: z.enum(['slo-burning', 'slo-recovered']),
    ...stamp,
    objective: z.string(),
    measured: z.number(),
    target: z.number(),
    burnRate: z.number(),
  }),
  z.object({
    type: z.literal('stream-reset').describe('Events were missed; read the current state again'),
    ...stamp,
  }),
  z.object({ type: z.literal('service-draining'), ...stamp, graceMs: z.number() }),
]);

/** What a follower sends on the WebSocket `/v1/events`. */
export const wireFollowMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('follow'),
    claimId: claimId.optional().describe('One claim; without it, everything the token may see'),
    lastEventId: wireEventId.optional().describe('Events after this one are sent first'),
  }),
  z.strictObject({ type: z.literal('unfollow'), claimId: claimId.optional() }),
]);

/** What the service sends on the WebSocket beside events. */
export const wireFollowAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('following'), claimId: claimId.optional() }),
  z.object({ type: z.literal('refused'), claimId: claimId.optional(), error: wireError }),
]);

/** Text frames of `/v1/sandboxes/{id}/terminal`; binary frames are what is typed and what is printed. */
export const wireTerminalRequest = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('resize'),
    columns: z.number().int().min(1).max(1_000),
    rows: z.number().int().min(1).max(1_000),
  }),
  z.strictObject({ type: z.literal('consumed'), bytes: z.number().int().min(1).max(1_073_741_824) }),
]);
export const wireTerminalAnswer = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('opened'),
    terminalId: z.string().describe('Give it as `terminal` to come back after a lost connection'),
    resumed: z.boolean(),
    windowBytes: z.number().describe('Unconsumed output after which the service stops reading the terminal'),
  }),
  z.object({ type: z.literal('ended'), exitCode: z.number().int().optional() }),
  z.object({ type: z.literal('error'), error: wireError }),
]);

export type WireEvent = z.output<typeof wireEvent>;
export type WireEventType = WireEvent['type'];
export type WireClaimProgress = z.output<typeof claimProgress>;
export type WireFollowMessage = z.output<typeof wireFollowMessage>;
export type WireTerminalAnswer = z.output<typeof wireTerminalAnswer>;
export type WireTerminalRequest = z.output<typeof wireTerminalRequest>;
