/** What went wrong, for a program. */
export type MemoryErrorCode =
  | 'invalid_scope'
  | 'invalid_option'
  | 'invalid_memory'
  | 'too_large'
  | 'not_found'
  | 'unauthorized'
  | 'rate_limited'
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'bad_response'
  | 'rejected'
  | 'source_failed'
  | 'unsupported'
  | 'missing_peer'
  | 'store_busy'
  | 'store_failed'
  | 'closed';

const marker = Symbol.for('pilotlight.MemoryError');

/** What a {@link MemoryError} knows beyond its code and message. */
export interface MemoryErrorDetails {
  cause?: unknown;
  /** HTTP status of the answer, when there was one. */
  status?: number | undefined;
  /** How long the source asked us to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/**
 * Base of every error thrown by `@pilotlight/memory`. The message ends with what to do next; `cause` keeps the original.
 * No message holds a key or the text of a memory.
 *
 * Use {@link isMemoryError} rather than `instanceof`: an application may hold two copies of the package.
 */
export class MemoryError extends Error {
  override readonly name: string = 'MemoryError';
  readonly code: MemoryErrorCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly [marker] = true;

  constructor(code: MemoryErrorCode, message: string, details: MemoryErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** True when the same call may succeed later without any change on our side. */
  get retryable(): boolean {
    return this.code === 'rate_limited' || this.code === 'unreachable' || this.code === 'timeout';
  }
}

/** True for every {@link MemoryError}, also one made by another copy of this package. */
export function isMemoryError(value: unknown): value is MemoryError {
  return typeof value === 'object' && value !== null && (value as { [marker]?: unknown })[marker] === true;
}

/** Any failure as a {@link MemoryError}; one that is already typed is passed through. */
export function toMemoryError(failure: unknown, what: string): MemoryError {
  if (isMemoryError(failure)) return failure;
  if (isNamed(failure, 'TimeoutError')) {
    return new MemoryError('timeout', `${what} took too long. Raise its timeout or look at the source.`, {
      cause: failure,
    });
  }
  if (isNamed(failure, 'AbortError')) {
    return new MemoryError('aborted', `${what} was cancelled by its caller.`, { cause: failure });
  }
  return new MemoryError('source_failed', `${what} failed. The cause says why.`, { cause: failure });
}

function isNamed(failure: unknown, name: string): boolean {
  return typeof failure === 'object' && failure !== null && (failure as { name?: unknown }).name === name;
}
