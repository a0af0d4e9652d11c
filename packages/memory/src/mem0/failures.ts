import { isMemoryError, MemoryError } from '../errors.js';
import { isFields } from './rows.js';

/** An HTTP status of a mem0 service as our error. Nothing of the answer's body is in it. */
export function statusError(source: string, status: number, retryAfterMs?: number, cause?: unknown): MemoryError {
  const details = { status, retryAfterMs, cause };
  if (status === 401 || status === 403) {
    return new MemoryError(
      'unauthorized',
      `${source} refused the key (HTTP ${status}). Check the key and its project.`,
      details,
    );
  }
  if (status === 404) return new MemoryError('not_found', `${source} has nothing under this id.`, details);
  if (status === 429) {
    const wait = retryAfterMs === undefined ? 'later' : `in ${Math.ceil(retryAfterMs / 1000)} s`;
    return new MemoryError('rate_limited', `${source} asks for fewer requests. Try again ${wait}.`, details);
  }
  if (status === 408 || status >= 500) {
    return new MemoryError('unreachable', `${source} is not available (HTTP ${status}). Try again later.`, details);
  }
  if (status === 413)
    return new MemoryError('too_large', `${source} refused the size, or its quota is used up.`, details);
  return new MemoryError(
    'rejected',
    `${source} refused the request (HTTP ${status}). Check the scope and the filters.`,
    details,
  );
}

/** An answer that is not what the contract says. */
export function badResponse(source: string, what: string, cause?: unknown): MemoryError {
  return new MemoryError('bad_response', `${source} answered with ${what}. Check that its address is right.`, {
    cause,
  });
}

/** A failure thrown by a mem0 object that was handed in: its own error classes, raw fetch and JSON failures. */
export function objectFailure(source: string, failure: unknown): MemoryError {
  if (isMemoryError(failure)) return failure;
  const code = isFields(failure) ? failure.errorCode : undefined;
  const status = typeof code === 'string' ? Number(/^HTTP_(\d{3})$/.exec(code)?.[1]) : Number.NaN;
  if (!Number.isNaN(status)) return statusError(source, status, undefined, failure);
  if (failure instanceof SyntaxError) return badResponse(source, 'something that is not JSON', failure);
  if (failure instanceof TypeError && /fetch failed|network/i.test(failure.message)) {
    return new MemoryError('unreachable', `${source} cannot be reached. Check its address and the network.`, {
      cause: failure,
    });
  }
  return new MemoryError('source_failed', `${source} failed. The cause says why.`, { cause: failure });
}

/** A `Retry-After` header, in seconds or as a date, in milliseconds from now; undefined when it says nothing. */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds * 1000));
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
