import { z } from 'zod';

/** Every code an answer of the warmer service can carry: those of the engine and those of HTTP itself. */
export const wireErrorCode = z.enum([
  'invalid_spec',
  'unknown_runtime',
  'invalid_option',
  'warm_up_failed',
  'warm_up_timeout',
  'not_ready',
  'provider_unreachable',
  'provider_unauthorized',
  'provider_failed',
  'sandbox_gone',
  'quota',
  'claim_cancelled',
  'claim_conflict',
  'claim_unknown',
  'ledger_unavailable',
  'ledger_corrupt',
  'closed',
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'idempotency_conflict',
  'too_many_followers',
  'unavailable',
  'internal',
]);

/** One field of a request that cannot be used. The value given is not repeated: it may be a secret. */
const wireIssue = z.object({
  path: z.string().describe('Where it stands, for example `steps[1].timeoutMs`'),
  message: z.string(),
});

/** What a failed warm-up step printed. Only the owner of the runtime sees it. */
const wireWarmUpFailure = z.object({
  runtime: z.string(),
  step: z.string(),
  command: z.string(),
  exitCode: z.number().int().optional(),
  timeoutMs: z.number().optional(),
  outputTail: z.string(),
});

/** The one error shape: of every answer that is not a success, and of a claim that failed. */
export const wireError = z.object({
  code: wireErrorCode,
  message: z.string().describe('For a person; ends with what to do next'),
  requestId: z.string().optional().describe('Quote it when you ask the operator'),
  retryAfterMs: z.number().int().min(0).optional(),
  issues: z.array(wireIssue).optional(),
  warmUp: wireWarmUpFailure.optional(),
});

/** Body of every answer that is not a success. */
export const wireErrorBody = z.object({ error: wireError });

export const runtimeName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,47}$/, 'use 1 to 48 lower-case letters, digits, ".", "_" or "-"');

/** Names chosen by an application: printable, without the separator used inside the service. */
export const label = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');

export const claimId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'is not a claim id');
export const sandboxId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'is not a sandbox id');

export type WireError = z.output<typeof wireError>;
export type WireErrorCode = z.output<typeof wireErrorCode>;
