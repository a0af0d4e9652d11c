import { InvalidSpecError, isWarmingError, QuotaError, WarmUpError } from '@pilotlight/warming';
import type { WireError, WireErrorCode } from '@pilotlight/warming/wire';

const marker = Symbol.for('pilotlight.WarmerError');

/**
 * Base of every error the service itself makes. The message ends with what to do next; `cause` keeps the original.
 *
 * Use {@link isWarmerError} rather than `instanceof`: a process may hold two copies of the package.
 */
export class WarmerError extends Error {
  override readonly name = 'WarmerError';
  readonly code: WireErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly issues: readonly { path: string; message: string }[] | undefined;
  readonly [marker] = true;

  constructor(
    code: WireErrorCode,
    message: string,
    options?: ErrorOptions & {
      retryAfterMs?: number | undefined;
      issues?: readonly { path: string; message: string }[];
    },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
    this.issues = options?.issues;
  }
}

/** True for every {@link WarmerError}, also one made by another copy of this package. */
export function isWarmerError(value: unknown): value is WarmerError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}

const statuses: Record<WireErrorCode, number> = {
  invalid_spec: 422,
  unknown_runtime: 404,
  invalid_option: 422,
  warm_up_failed: 502,
  warm_up_timeout: 504,
  not_ready: 504,
  provider_unreachable: 503,
  provider_unauthorized: 502,
  provider_failed: 502,
  sandbox_gone: 410,
  quota: 429,
  claim_cancelled: 409,
  claim_conflict: 409,
  claim_unknown: 404,
  ledger_unavailable: 503,
  ledger_corrupt: 500,
  closed: 503,
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  idempotency_conflict: 422,
  too_many_followers: 429,
  unavailable: 503,
  internal: 500,
};

export function statusOf(code: WireErrorCode): number {
  return statuses[code];
}

/** What an error may say to this reader. */
export interface Audience {
  /** True when the runtime belongs to the reader: only then is the output of its warm-up steps shown. */
  ownsRuntime: boolean;
}

/** Any thrown value in the one error shape. What is not meant for a client becomes `internal`, without its text. */
export function toWireError(error: unknown, audience: Audience = { ownsRuntime: false }): WireError {
  if (isWarmerError(error)) {
    return {
      code: error.code,
      message: error.message,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(error.retryAfterMs) }),
      ...(error.issues ? { issues: [...error.issues] } : {}),
    };
  }
  if (!isWarmingError(error)) {
    return {
      code: 'internal',
      message: 'The service failed. Try again; if it stays, ask the operator to read the log.',
    };
  }
  const message = audience.ownsRuntime || !(error instanceof WarmUpError) ? error.message : hiddenWarmUp(error);
  return {
    code: error.code,
    message,
    ...(error instanceof QuotaError && error.retryAfterMs !== undefined
      ? { retryAfterMs: Math.ceil(error.retryAfterMs) }
      : {}),
    ...(error instanceof InvalidSpecError
      ? { issues: error.issues.map(({ path, message: text }) => ({ path, message: text })) }
      : {}),
    ...(error instanceof WarmUpError && audience.ownsRuntime ? { warmUp: warmUpOf(error) } : {}),
  };
}

function hiddenWarmUp(error: WarmUpError): string {
  return `Warm-up step "${error.step}" failed. The runtime belongs to the operator: ask for its log.`;
}

function warmUpOf(error: WarmUpError): NonNullable<WireError['warmUp']> {
  return {
    runtime: error.runtime,
    step: error.step,
    command: error.command,
    ...(error.exitCode === undefined ? {} : { exitCode: error.exitCode }),
    ...(error.timeoutMs === undefined ? {} : { timeoutMs: error.timeoutMs }),
    outputTail: error.outputTail,
  };
}
