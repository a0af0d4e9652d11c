import { isWarmingError, QuotaError, WarmingError } from '../errors.js';
import { ProviderError } from '../provider.js';

/** The error a claimant gets for what the provider, or anything below the engine, threw. */
export function claimErrorOf(error: unknown, provider: string): WarmingError {
  if (isWarmingError(error)) return error;
  if (!(error instanceof ProviderError)) {
    const text = error instanceof Error ? error.message : String(error);
    return new WarmingError(
      'provider_failed',
      `Something unexpected went wrong: ${text}. Try again, and report it if it stays.`,
      {
        cause: error,
      },
    );
  }
  const { message } = error;
  const options = { cause: error };
  switch (error.failure) {
    case 'unreachable':
      return new WarmingError('provider_unreachable', message, options);
    case 'unauthorized':
      return new WarmingError('provider_unauthorized', message, options);
    case 'gone':
      return new WarmingError(
        'sandbox_gone',
        `${message} Claim a new sandbox; check the name of the template if it stays.`,
        options,
      );
    case 'rate':
    case 'capacity':
      return new QuotaError(`${message} Retire sandboxes that are no longer used, or ask for a higher plan.`, {
        ...options,
        retryAfterMs: error.retryAfterMs,
      });
    case 'refused':
      return new WarmingError(
        'provider_failed',
        `${provider} refused the request: ${message} Correct what it names and try again.`,
        options,
      );
    case 'timeout':
    case 'lost':
    case 'failed':
      return new WarmingError(
        'provider_failed',
        `${provider} did not do what was asked: ${message} Try again later.`,
        options,
      );
  }
}

/** Whether a claim that met this error may well succeed with another sandbox. */
export function worthAnotherTry(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false;
  switch (error.failure) {
    case 'lost':
    case 'timeout':
    case 'failed':
    case 'gone':
      return true;
    case 'unreachable':
    case 'unauthorized':
    case 'refused':
    case 'rate':
    case 'capacity':
      return false;
  }
}
