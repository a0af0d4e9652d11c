import type { WarmingErrorCode } from '@pilotlight/warming';
import { InvalidSpecError, isWarmingError, QuotaError, WarmingError, WarmUpError } from '@pilotlight/warming/client';
import type { WireError } from '@pilotlight/warming/wire';
import { isWireErrorBody } from './check.js';

/** What the service says, as the error the embedded manager would have thrown. */
export function fromWireError(error: WireError, cause?: unknown): WarmingError {
  const options = { cause };
  if (error.warmUp) return new WarmUpError({ ...error.warmUp, cause });
  switch (error.code) {
    case 'invalid_spec':
    case 'invalid_option':
    case 'invalid_request':
      return new InvalidSpecError(
        'The request to the warmer service',
        (error.issues ?? [{ path: '(request)', message: error.message }]).map((issue) => ({
          ...issue,
          value: '(not repeated)',
        })),
      );
    case 'quota':
    case 'rate_limited':
    case 'too_many_followers':
      return new QuotaError(error.message, { cause, retryAfterMs: error.retryAfterMs });
    case 'unauthenticated':
    case 'forbidden':
      return new WarmingError('provider_unauthorized', error.message, options);
    case 'not_found':
    case 'method_not_allowed':
    case 'unsupported_media_type':
    case 'payload_too_large':
    case 'internal':
      return new WarmingError('provider_failed', error.message, options);
    case 'idempotency_conflict':
      return new WarmingError('claim_conflict', error.message, options);
    case 'unavailable':
      return new WarmingError('provider_unreachable', error.message, options);
    default:
      return new WarmingError(error.code satisfies WarmingErrorCode, error.message, options);
  }
}

/** Any failure of a request to the service. */
export async function translate(error: unknown, url: string): Promise<Error> {
  if (isWarmingError(error)) return error;
  const { HTTPError } = await import('ky');
  if (error instanceof HTTPError) {
    const body: unknown = await error.response.json().catch(() => undefined);
    if (isWireErrorBody(body)) return fromWireError(body.error, error);
    return new WarmingError(
      'provider_failed',
      `${url} answered ${error.response.status} and is no warmer service, or one of another version. Check the URL.`,
      { cause: error },
    );
  }
  return new WarmingError(
    'provider_unreachable',
    `The warmer service at ${url} cannot be reached. Start it with "npx pilotlight serve", or check the URL.`,
    { cause: error },
  );
}
